/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_client.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "net/acme_reply.h"
#include "net/jws.h"

#define TIMEOUT_MS 30000u
#define ANSWER_MAX_BYTES (256u << 10)
#define NONCES_MAX 16u
#define NONCE_MAX_CHARS 512u
#define NONCE_TRIES                                                                                \
    12u /* pebble refuses one of twenty on purpose, or as many as its tester likes */
#define DIRECTORY_KEEP_S 86400

struct gh_acme_client {
    struct gh_net *net;
    const char *directory_url, *ca_file;
    const struct gh_p256 *key;
    char *account;
    json_t *directory;
    time_t directory_at;
    char *nonces[NONCES_MAX];
    unsigned nonce_count;
};

struct gh_acme_ask {
    struct gh_acme_ask **slot; /* where it is known to who asked */
    struct gh_acme_client *client;
    struct gh_net_request *request;
    char *what;
    bool is_signed;
    char *payload; /* JSON text; NULL: POST-as-GET */
    unsigned nonce_tries;
    gh_acme_on_reply *on_reply;
    void *context;
};

static void go_on(struct gh_acme_ask *ask);

/* ---- the client ---- */

struct gh_acme_client *
gh_acme_client_new(struct gh_net *net, const char *directory, const char *ca_file,
                   const struct gh_p256 *key)
{
    struct gh_acme_client *client = gh_alloc(sizeof *client);

    *client = (struct gh_acme_client){
        .net = net, .directory_url = directory, .ca_file = ca_file, .key = key};
    return client;
}

static void
forget_directory(struct gh_acme_client *client)
{
    json_decref(client->directory);
    client->directory = NULL;
}

void
gh_acme_client_free(struct gh_acme_client **client_of)
{
    struct gh_acme_client *client = gh_take(*client_of);

    if (!client)
        return;
    while (client->nonce_count > 0)
        free(client->nonces[--client->nonce_count]);
    forget_directory(client);
    free(client->account);
    free(client);
}

void
gh_acme_client_set_account(struct gh_acme_client *client, const char *url)
{
    free(client->account);
    client->account = url ? gh_strdup(url) : NULL;
}

const char *
gh_acme_client_account(const struct gh_acme_client *client)
{
    return client->account;
}

const json_t *
gh_acme_client_directory(const struct gh_acme_client *client)
{
    return client->directory;
}

/* ---- nonces ---- */

/* Each answer brings one for the next question. */
static void
keep_nonce(struct gh_acme_client *client, const struct gh_net_answer *answer)
{
    const char *nonce = answer->header(answer, "Replay-Nonce");

    if (nonce && *nonce && strlen(nonce) <= NONCE_MAX_CHARS && client->nonce_count < NONCES_MAX)
        client->nonces[client->nonce_count++] = gh_strdup(nonce);
}

/* ---- the end of a question ---- */

static void
free_ask(struct gh_acme_ask *ask)
{
    free(ask->what);
    free(ask->payload);
    free(ask);
}

void
gh_acme_cancel(struct gh_acme_ask **slot)
{
    struct gh_acme_ask *ask = gh_take(*slot);

    if (!ask)
        return;
    gh_net_cancel(ask->request);
    free_ask(ask);
}

/* What a directory says may have changed when nothing is where it says. */
static void
finish(struct gh_acme_ask *ask, const struct gh_acme_reply *reply)
{
    gh_acme_on_reply *on_reply = ask->on_reply;
    void *context = ask->context;

    if (reply->outcome == GH_ACME_UNREACHABLE)
        forget_directory(ask->client);
    *ask->slot = NULL;
    free_ask(ask);
    on_reply(context, reply);
}

/* ANSWER is not what was expected: tell it, with "DOING: " before its text. */
static void
finish_badly(struct gh_acme_ask *ask, struct gh_acme_answer *answer, const char *doing)
{
    gh_acme_answer_blame(answer, doing);
    finish(ask, &answer->reply);
}

/* ---- one exchange ---- */

static void
ask_over_http(struct gh_acme_ask *ask, const char *method, const char *url, struct gh_slice body,
              gh_net_done *done)
{
    static const char *const headers[] = {
        "Accept: application/json, application/problem+json, application/pem-certificate-chain",
        NULL};
    const struct gh_net_order order = {
        .method = method,
        .url = url,
        .headers = headers,
        .content_type = body.len > 0 ? "application/jose+json" : NULL,
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .ca_file = ask->client->ca_file,
    };
    ask->request = gh_net_ask(ask->client->net, &order, done, ask);
}

static void
on_directory(void *context, const struct gh_net_answer *from)
{
    struct gh_acme_ask *ask = context;
    struct gh_acme_client *client = ask->client;
    struct gh_acme_answer answer;

    gh_acme_answer_read(&answer, from);
    if (answer.reply.outcome != GH_ACME_OK || !json_is_object(answer.reply.json)) {
        finish_badly(ask, &answer, "the directory");
    } else {
        forget_directory(client);
        client->directory = json_deep_copy(answer.reply.json);
        client->directory_at = time(NULL);
        go_on(ask);
    }
    gh_acme_answer_done(&answer);
}

static void
on_nonce(void *context, const struct gh_net_answer *from)
{
    struct gh_acme_ask *ask = context;
    struct gh_acme_answer answer;

    keep_nonce(ask->client, from);
    gh_acme_answer_read(&answer, from);
    if (ask->client->nonce_count == 0)
        finish_badly(ask, &answer, "asking for a nonce");
    else
        go_on(ask);
    gh_acme_answer_done(&answer);
}

static void
on_answer(void *context, const struct gh_net_answer *from)
{
    struct gh_acme_ask *ask = context;
    struct gh_acme_answer answer;

    keep_nonce(ask->client, from);
    gh_acme_answer_read(&answer, from);
    if (strcmp(answer.reply.type, "badNonce") == 0 && ++ask->nonce_tries < NONCE_TRIES)
        go_on(ask);
    else
        finish(ask, &answer.reply);
    gh_acme_answer_done(&answer);
}

/* ---- what comes next ---- */

/* Such a question cannot be asked. */
static void
fail(struct gh_acme_ask *ask, const char *problem)
{
    const struct gh_acme_reply reply = {
        .outcome = GH_ACME_UNREACHABLE, .body = {"", 0}, .type = "", .problem = problem};
    finish(ask, &reply);
}

static void
post(struct gh_acme_ask *ask, const char *url)
{
    struct gh_acme_client *client = ask->client;
    struct gh_buf body GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice payload = {ask->payload, ask->payload ? strlen(ask->payload) : 0};
    char *nonce GH_SCOPED(gh_free) = client->nonces[--client->nonce_count];
    json_t *header = json_pack("{s:s, s:s}", "nonce", nonce, "url", url);
    struct gh_err err;

    if (client->account)
        json_object_set_new(header, "kid", json_string(client->account));
    else
        json_object_set_new(header, "jwk", gh_jws_jwk(client->key));
    int rc = gh_jws_sign(client->key, header, payload, &body, &err);
    json_decref(header);
    if (rc != GH_OK)
        fail(ask, err.text);
    else
        ask_over_http(ask, "POST", url, (struct gh_slice){(const char *)body.bytes, body.len},
                      on_answer);
}

/* The URL that NAME has in the directory, or NULL. */
static const char *
url_of(const struct gh_acme_client *client, const char *name)
{
    return json_string_value(json_object_get(client->directory, name));
}

static bool
has_directory(const struct gh_acme_client *client)
{
    return client->directory && time(NULL) - client->directory_at < DIRECTORY_KEEP_S;
}

/* The next step of ASK. */
static void
go_on(struct gh_acme_ask *ask)
{
    static const struct gh_acme_reply nothing = {
        .outcome = GH_ACME_OK, .body = {"", 0}, .type = "", .problem = ""};
    struct gh_acme_client *client = ask->client;

    if (!has_directory(client)) {
        ask_over_http(ask, "GET", client->directory_url, (struct gh_slice){"", 0}, on_directory);
        return;
    }
    if (!ask->what) {
        finish(ask, &nothing);
        return;
    }
    const char *url = strstr(ask->what, "://") ? ask->what : url_of(client, ask->what);
    const char *nonces = url_of(client, "newNonce");
    if (!url || strncmp(url, "https://", 8) != 0 || (ask->is_signed && !nonces))
        fail(ask, "the directory of the CA lacks what is needed: is acme_directory right?");
    else if (!ask->is_signed)
        ask_over_http(ask, "GET", url, (struct gh_slice){"", 0}, on_answer);
    else if (client->nonce_count == 0)
        ask_over_http(ask, "HEAD", nonces, (struct gh_slice){"", 0}, on_nonce);
    else
        post(ask, url);
}

static struct gh_acme_ask *
begin(struct gh_acme_client *client, struct gh_acme_ask **slot, const char *what,
      gh_acme_on_reply *on_reply, void *context)
{
    struct gh_acme_ask *ask = gh_alloc(sizeof *ask);

    *ask = (struct gh_acme_ask){
        .slot = slot, .client = client, .on_reply = on_reply, .context = context};
    ask->what = what ? gh_strdup(what) : NULL;
    *slot = ask;
    return ask;
}

void
gh_acme_post(struct gh_acme_client *client, struct gh_acme_ask **slot, const char *what,
             const json_t *payload, gh_acme_on_reply *on_reply, void *context)
{
    struct gh_acme_ask *ask = begin(client, slot, what, on_reply, context);

    ask->is_signed = true;
    ask->payload = payload ? json_dumps(payload, JSON_COMPACT) : NULL;
    go_on(ask);
}

void
gh_acme_get(struct gh_acme_client *client, struct gh_acme_ask **slot, const char *what,
            gh_acme_on_reply *on_reply, void *context)
{
    go_on(begin(client, slot, what, on_reply, context));
}
