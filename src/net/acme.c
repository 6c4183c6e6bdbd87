/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme.c - one CA and all names: the account, whose turn it is, and the one timer that looks. */
#include "net/acme.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "base/log.h"
#include "base/words.h"
#include "conf/settings.h"
#include "net/acme_inner.h"
#include "net/acme_time.h"
#include "tls/certs.h"

#define LOOK_AT_LEAST_S 3600 /* the clock may have been set, or the machine have slept */
#define PAUSE_MOST_S 86400
#define UNREACHABLE_MOST_S 600
#define NAME_MAX_CHARS 253u
#define EAB_FILE_MAX_BYTES 4096u

int64_t
gh_acme_now_s(void)
{
    return (int64_t)time(NULL);
}

uint32_t
gh_acme_chance(void)
{
    uint32_t number = 0;

    if (gnutls_rnd(GNUTLS_RND_NONCE, &number, sizeof number) != 0)
        number = (uint32_t)uv_hrtime();
    return number;
}

/* A CA that was not reached counts nothing, and may be there again any minute. */
int64_t
gh_acme_pause_s(const struct gh_acme *acme, unsigned failures, const struct gh_acme_reply *reply)
{
    unsigned most_s = reply->outcome == GH_ACME_UNREACHABLE ? UNREACHABLE_MOST_S : PAUSE_MOST_S;
    unsigned first_s = (unsigned)acme->settings->acme_retry_s;
    unsigned wait_s = gh_acme_back_off_s(failures, first_s, most_s, gh_acme_chance());

    return reply->retry_after_s > wait_s ? reply->retry_after_s : wait_s;
}

/* ---- the account ---- */

/* Where it is; or, when the CA has set a limit, when to ask again. */
static void
keep_account(struct gh_acme *acme, int64_t next_try_s)
{
    json_t *json = json_pack("{s:s*, s:I}", "url", gh_acme_client_account(acme->client),
                             "next_try_s", (json_int_t)next_try_s);
    char *text GH_SCOPED(gh_free) = json_dumps(json, JSON_INDENT(2));
    struct gh_err err;

    json_decref(json);
    if (gh_acme_store_write(&acme->store, "account.json", (struct gh_slice){text, strlen(text)},
                            &err) != GH_OK)
        gh_log(GH_LOG_ERR, "acme.not_kept", "reason=%s", gh_log_quote(err.text));
}

void
gh_acme_forget_account(struct gh_acme *acme)
{
    gh_acme_client_set_account(acme->client, NULL);
}

static void
account_failed(struct gh_acme *acme, const struct gh_acme_reply *reply)
{
    struct gh_acme_name *name;
    int64_t wait_s = gh_acme_pause_s(acme, ++acme->account_failures, reply);

    acme->account_next_try_s = gh_acme_now_s() + wait_s;
    if (reply->outcome == GH_ACME_LIMITED)
        keep_account(acme, acme->account_next_try_s);
    gh_log(GH_LOG_ERR, "acme.no_account", "directory=%s next_try_in_s=%lld reason=%s",
           gh_log_quote(acme->settings->acme_directory), (long long)wait_s,
           gh_log_quote(reply->problem));
    DL_FOREACH(acme->names, name)
    {
        gh_acme_name_give_up(name);
    }
}

static void
on_account(void *context, const struct gh_acme_reply *reply)
{
    struct gh_acme *acme = context;

    acme->is_registering = false;
    if (reply->outcome != GH_ACME_OK) {
        account_failed(acme, reply);
    } else {
        acme->account_failures = 0;
        keep_account(acme, 0);
        gh_log(GH_LOG_INFO, "acme.account", "url=%s",
               gh_log_quote(gh_acme_client_account(acme->client)));
    }
    gh_acme_look_soon(acme);
}

/* Is the account known? If not it is asked for, when that may be, which *WHEN_S_OUT tells. */
static bool
has_account(struct gh_acme *acme, int64_t now_s, int64_t *when_s_out)
{
    *when_s_out = 0;
    if (gh_acme_client_account(acme->client))
        return true;
    if (acme->is_registering)
        return false;
    *when_s_out = acme->account_next_try_s;
    if (now_s < acme->account_next_try_s)
        return false;
    acme->is_registering = true;
    gh_acme_account_register(&acme->account);
    return false;
}

/* ---- whose turn it is ---- */

static void on_look(uv_timer_t *timer);

void
gh_acme_look_soon(struct gh_acme *acme)
{
    uv_timer_start(&acme->timer, on_look, 0, 0);
}

static void
look_by(int64_t *next_s, int64_t when_s)
{
    if (when_s > 0 && when_s < *next_s)
        *next_s = when_s;
}

static void
on_look(uv_timer_t *timer)
{
    struct gh_acme *acme = timer->data;
    int64_t now_s = gh_acme_now_s(), next_s = now_s + LOOK_AT_LEAST_S, when_s;
    struct gh_acme_name *name;

    bool is_known = has_account(acme, now_s, &when_s);
    look_by(&next_s, when_s);
    DL_FOREACH(acme->names, name)
    {
        gh_acme_ari_look(name, now_s);
        if (name->has_cert && !name->ari)
            look_by(&next_s, name->ask_ari_at_s);
        bool is_due = gh_acme_name_is_due(name, now_s, &when_s);
        if (!is_due)
            look_by(&next_s, when_s);
        else if (is_known && acme->order_count < GH_ACME_ORDERS_MAX)
            gh_acme_name_order(name);
    }
    /* What was asked may have called gh_acme_look_soon already. */
    if (!uv_is_active((uv_handle_t *)timer))
        uv_timer_start(timer, on_look, next_s > now_s ? (uint64_t)(next_s - now_s) * 1000 : 1, 0);
}

static struct gh_acme_name *
find_name(struct gh_acme *acme, const char *text)
{
    struct gh_acme_name *name;

    DL_FOREACH(acme->names, name)
    {
        if (strcmp(name->name, text) == 0)
            break;
    }
    return name;
}

/* A client asks for TEXT, which has no certificate. */
static bool
on_missing(void *context, const char *text)
{
    struct gh_acme *acme = context;
    struct gh_acme_name *name = find_name(acme, text);
    int64_t now_s = gh_acme_now_s();

    if (!name)
        return false;
    name->is_wanted = true;
    gh_acme_look_soon(acme);
    bool has_hope = gh_acme_client_account(acme->client) || acme->is_registering ||
                    now_s >= acme->account_next_try_s;
    return has_hope && now_s >= name->state.next_try_s;
}

const char *
gh_acme_challenge_answer(struct gh_acme *acme, struct gh_slice token)
{
    return acme ? gh_acme_challenge_fetch(&acme->challenges, token) : NULL;
}

/* ---- the start ---- */

static bool
is_wanted(const struct gh_settings *settings)
{
    return *settings->domain && !*settings->ssl_certfile && *settings->acme_directory &&
           strcmp(settings->acme_directory, "off") != 0;
}

static int
check(const struct gh_settings *settings, struct gh_err *err)
{
    const char *directory = settings->acme_directory;

    if (strncmp(directory, "https://", 8) != 0)
        return gh_err_set(err, GH_E_INPUT,
                          "acme_directory is '%s', but must begin with https://, or be off",
                          directory);
    if (!*settings->acme_eab_kid != !*settings->acme_eab_key_file)
        return gh_err_set(err, GH_E_INPUT,
                          "acme_eab_kid and acme_eab_key_file belong together: the CA gives both");
    return GH_OK;
}

/* The HMAC key of an external account, as CAs give it: base64url on one line. */
static int
read_eab(struct gh_acme *acme, struct gh_err *err)
{
    const char *path = acme->settings->acme_eab_key_file;
    char text[EAB_FILE_MAX_BYTES];

    if (!*path)
        return GH_OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return gh_err_set(err, GH_E_INPUT, "acme_eab_key_file %s: %s", path, strerror(errno));
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    gh_buf_reserve(&acme->eab_secret, sizeof text);
    int rc = gh_base64url_read(&acme->eab_secret, text, len);
    explicit_bzero(text, sizeof text);
    if (rc != GH_OK || acme->eab_secret.len == 0 || len == sizeof text)
        return gh_err_set(err, GH_E_INPUT,
                          "acme_eab_key_file %s does not hold a key as CAs give it: letters, "
                          "digits, - and _ on one line",
                          path);
    return GH_OK;
}

/* The key of the account, made when there is none. One that cannot be read is an error: a new one would lose the
 * account. */
static int
open_account(struct gh_acme *acme, struct gh_err *err)
{
    struct gh_buf pem GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_acme_store_read(&acme->store, "account.pem", &pem, err);
    if (rc == GH_OK)
        rc = gh_p256_read((struct gh_slice){(const char *)pem.bytes, pem.len}, &acme->account_key,
                          err);
    else if (rc == GH_E_NOT_FOUND) {
        rc = gh_p256_make(&acme->account_key, err);
        if (rc == GH_OK) {
            gh_p256_add_pem(acme->account_key, &pem);
            rc = gh_acme_store_write(&acme->store, "account.pem",
                                     (struct gh_slice){(const char *)pem.bytes, pem.len}, err);
        }
    }
    if (pem.bytes)
        explicit_bzero(pem.bytes, pem.len);
    return rc == GH_OK ? GH_OK : gh_err_add(err, "the key of the ACME account");
}

static void
recall_account(struct gh_acme *acme)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (gh_acme_store_read(&acme->store, "account.json", &text, NULL) != GH_OK)
        return;
    json_t *json = json_loadb((const char *)text.bytes, text.len, 0, NULL);
    gh_acme_client_set_account(acme->client, json_string_value(json_object_get(json, "url")));
    acme->account_next_try_s = json_integer_value(json_object_get(json, "next_try_s"));
    json_decref(json);
}

/* A host name that a CA can give a certificate for, in lower case; no wildcard, no address. */
static bool
is_orderable(const char *name)
{
    struct in_addr address;
    size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_CHARS && name[0] != '.' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len && !strstr(name, "..") &&
           inet_pton(AF_INET, name, &address) != 1;
}

static void
load_names(struct gh_acme *acme)
{
    struct gh_words names GH_SCOPED(gh_words_done) = {0};

    gh_words_add_names(&names, acme->settings->domain);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.list[i];
        if (!is_orderable(name)) {
            gh_log(
                GH_LOG_WARN, "acme.not_orderable", "name=%s note=%s", gh_log_quote(name),
                "\"no certificate is ordered for addresses, wildcards and what is no host name\"");
            continue;
        }
        if (find_name(acme, name))
            continue;
        struct gh_acme_name *loaded = gh_acme_name_load(acme, name);
        DL_APPEND(acme->names, loaded);
    }
}

static void
start_client(struct gh_acme *acme)
{
    const struct gh_settings *settings = acme->settings;

    acme->client =
        gh_acme_client_new(acme->net, settings->acme_directory,
                           *settings->acme_ca ? settings->acme_ca : NULL, acme->account_key);
    acme->account = (struct gh_acme_account){
        .client = acme->client,
        .key = acme->account_key,
        .email = settings->acme_email,
        .eab_kid = settings->acme_eab_kid,
        .eab_secret = {(const char *)acme->eab_secret.bytes, acme->eab_secret.len},
        .on_done = on_account,
        .context = acme,
    };
    recall_account(acme);
}

static void
free_acme(struct gh_acme *acme)
{
    struct gh_acme_name *name, *next;

    DL_FOREACH_SAFE(acme->names, name, next)
    {
        gh_acme_name_free(name);
    }
    if (acme->eab_secret.bytes)
        explicit_bzero(acme->eab_secret.bytes, acme->eab_secret.len);
    gh_buf_done(&acme->eab_secret);
    gh_acme_client_free(&acme->client);
    gh_p256_free(&acme->account_key);
    gh_acme_store_close(&acme->store);
    free(acme);
}

int
gh_acme_start(uv_loop_t *loop, const struct gh_settings *settings, struct gh_net *net,
              struct gh_certs *certs, const char *state_dir, struct gh_acme **acme_out,
              struct gh_err *err)
{
    *acme_out = NULL;
    if (!is_wanted(settings))
        return GH_OK;

    struct gh_acme *acme = gh_alloc(sizeof *acme);
    *acme = (struct gh_acme){.loop = loop, .settings = settings, .net = net, .certs = certs};
    int rc = check(settings, err);
    if (rc == GH_OK)
        rc = read_eab(acme, err);
    if (rc == GH_OK)
        rc = gh_acme_store_open(&acme->store, state_dir, settings->acme_directory, err);
    if (rc == GH_OK)
        rc = open_account(acme, err);
    if (rc != GH_OK) {
        free_acme(acme);
        return rc;
    }

    start_client(acme);
    uv_timer_init(loop, &acme->timer);
    acme->timer.data = acme;
    load_names(acme);
    gh_certs_on_missing(certs, on_missing, acme);
    gh_acme_look_soon(acme);
    *acme_out = acme;
    return GH_OK;
}

/* ---- the end ---- */

static void
on_closed(uv_handle_t *handle)
{
    free_acme(handle->data);
}

void
gh_acme_stop(struct gh_acme **acme_of)
{
    struct gh_acme *acme = gh_take(*acme_of);
    struct gh_acme_name *name, *next;

    if (!acme)
        return;
    gh_certs_on_missing(acme->certs, NULL, NULL);
    gh_acme_cancel(&acme->account.ask);
    DL_FOREACH_SAFE(acme->names, name, next)
    {
        gh_acme_name_free(name);
    }
    acme->names = NULL;
    uv_close((uv_handle_t *)&acme->timer, on_closed);
}
