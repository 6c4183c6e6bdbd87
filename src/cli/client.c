/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/client.c - exchanges on libcurl's multi interface, which alone can hold a call and its output at
 * once without threads. */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/deadline.h"
#include "cli/interrupt.h"
#include "cli/locate.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#define CONNECT_MS 10000L
#define FAREWELL_MS 1000u
#define TOKEN_MAX_BYTES 16384

struct gh_client {
    CURLM *multi;
    char *socket_path; /* NULL: by URL */
    char *base;        /* "https://node:32300", without a slash at its end */
    char *token_header;
    uint64_t until_ms; /* 0: for ever */
    bool is_leaving;   /* an interrupt ends nothing more */
};

struct gh_exchange {
    struct gh_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    gh_on_body *on_body;
    void *context;
    CURLcode result;
    bool is_over;
    char reason[CURL_ERROR_SIZE];
};

static uint64_t
now_ms(void)
{
    return (uint64_t)gh_deadline_now_ms();
}

/* ---- open ---- */

/* What is in the file at PATH, without the blanks around it. */
static int
read_token(const char *path, char **token_out, struct gh_err *err)
{
    char text[TOKEN_MAX_BYTES];
    FILE *file = fopen(path, "re");

    if (!file)
        return gh_err_set(err, GH_EXIT_USAGE, "--token-file %s: %s", path, strerror(errno));
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    if (len == 0 || len == sizeof text || memchr(text, '\n', len) || memchr(text, '\0', len))
        return gh_err_set(err, GH_EXIT_USAGE, "--token-file %s: it must hold one token on one line",
                          path);
    *token_out = gh_strndup(text, len);
    return GH_EXIT_OK;
}

static int
take_token(const struct gh_cli *cli, struct gh_client *client, struct gh_err *err)
{
    const char *path = gh_cli_value(cli, "--token-file", NULL);
    const char *from_environment = getenv("GATEHOUSE_TOKEN");
    char *token GH_SCOPED(gh_free) = NULL;

    if (!from_environment || !*from_environment)
        from_environment = getenv("RH_TOKEN");
    if (path) {
        int rc = read_token(path, &token, err);
        if (rc != GH_EXIT_OK)
            return rc;
    } else if (from_environment && *from_environment) {
        token = gh_strdup(from_environment);
    }
    if (token)
        client->token_header = gh_asprintf("Authorization: Bearer %s", token);
    return GH_EXIT_OK;
}

static int
take_url(const struct gh_cli *cli, struct gh_client *client, const char *url, struct gh_err *err)
{
    size_t len = strlen(url);

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--url is '%s', but must begin with http:// or https://, as in "
                          "http://127.0.0.1:32300",
                          url);
    while (url[len - 1] == '/')
        len--;
    client->base = gh_strndup(url, len);
    return take_token(cli, client, err);
}

int
gh_client_open(const struct gh_cli *cli, struct gh_client **client_out, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = gh_alloc(sizeof *client);
    const char *url = gh_cli_value(cli, "--url", NULL);
    int rc;

    if (url) {
        rc = take_url(cli, client, url, err);
    } else {
        rc = gh_locate(cli, &client->socket_path, err);
        client->base = gh_strdup("http://localhost");
    }
    if (rc != GH_EXIT_OK)
        return rc;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->multi = curl_multi_init();
    client->until_ms = cli->timeout_ms ? now_ms() + cli->timeout_ms : 0;
    if (!client->multi)
        return gh_err_set(err, GH_EXIT_FAILED, "no memory for an HTTP client");
    *client_out = gh_take(client);
    return GH_EXIT_OK;
}

void
gh_client_close(struct gh_client **client_of)
{
    struct gh_client *client = *client_of;

    *client_of = NULL;
    if (!client)
        return;
    if (client->multi) {
        curl_multi_cleanup(client->multi);
        curl_global_cleanup();
    }
    free(client->socket_path);
    free(client->base);
    free(client->token_header);
    free(client);
}

const char *
gh_client_place(const struct gh_client *client)
{
    return client->socket_path ? client->socket_path : client->base;
}

/* ---- one exchange ---- */

static size_t
on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct gh_exchange *exchange = context;
    bool goes_on =
        !exchange->on_body ||
        exchange->on_body(exchange->context, gh_exchange_status(exchange), bytes, size * count);

    return goes_on ? size * count : CURL_WRITEFUNC_ERROR;
}

static void
set_body(struct gh_exchange *exchange, const char *method, json_t *body)
{
    if (strcmp(method, "GET") == 0)
        return;
    exchange->body = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : gh_strdup("");
    exchange->headers = curl_slist_append(exchange->headers, "Content-Type: application/json");
    /* No "Expect: 100-continue", which costs a round trip. */
    exchange->headers = curl_slist_append(exchange->headers, "Expect:");
    curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, exchange->body);
    curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)strlen(exchange->body));
    curl_easy_setopt(exchange->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void
set_place(struct gh_exchange *exchange, const char *path)
{
    struct gh_client *client = exchange->client;
    char *url GH_SCOPED(gh_free) = gh_asprintf("%s%s", client->base, path);

    curl_easy_setopt(exchange->easy, CURLOPT_URL, url);
    curl_easy_setopt(exchange->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (client->socket_path) {
        curl_easy_setopt(exchange->easy, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
        curl_easy_setopt(exchange->easy, CURLOPT_NOPROXY, "*");
    }
    if (client->token_header)
        exchange->headers = curl_slist_append(exchange->headers, client->token_header);
}

struct gh_exchange *
gh_exchange_start(struct gh_client *client, const char *method, const char *path, json_t *body,
                  gh_on_body *on_body, void *context)
{
    struct gh_exchange *exchange = gh_alloc(sizeof *exchange);

    exchange->client = client;
    exchange->on_body = on_body;
    exchange->context = context;
    exchange->easy = curl_easy_init();
    if (!exchange->easy)
        abort(); /* no memory for a few hundred bytes */
    set_place(exchange, path);
    set_body(exchange, method, body);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(exchange->easy, CURLOPT_USERAGENT, "gatehouse/" PACKAGE_VERSION);
    curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(exchange->easy, CURLOPT_ERRORBUFFER, exchange->reason);
    curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, (char *)exchange);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, exchange);
    curl_multi_add_handle(client->multi, exchange->easy);
    return exchange;
}

unsigned
gh_exchange_status(const struct gh_exchange *exchange)
{
    long status = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return (unsigned)status;
}

bool
gh_exchange_is_over(const struct gh_exchange *exchange)
{
    return exchange->is_over;
}

void
gh_exchange_free(struct gh_exchange **exchange_of)
{
    struct gh_exchange *exchange = *exchange_of;

    *exchange_of = NULL;
    if (!exchange)
        return;
    curl_multi_remove_handle(exchange->client->multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    free(exchange->body);
    free(exchange);
}

/* ---- waiting ---- */

/* Why the exchange failed, in words. */
static int
explain(const struct gh_exchange *exchange, struct gh_err *err)
{
    const char *place = gh_client_place(exchange->client);
    const char *reason =
        exchange->reason[0] ? exchange->reason : curl_easy_strerror(exchange->result);

    switch (exchange->result) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR: /* on_body had enough */
        return GH_EXIT_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return gh_err_set(err, GH_EXIT_USAGE, "%s is no URL of a node: %s", place, reason);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return gh_err_set(err, GH_EXIT_NO_CONNECTION, "%s does not answer: %s", place, reason);
    default:
        if (gh_exchange_status(exchange) == 0)
            return gh_err_set(err, GH_EXIT_NO_CONNECTION, "%s gave no answer: %s", place, reason);
        return gh_err_set(err, GH_EXIT_FAILED, "the answer of %s broke off: %s", place, reason);
    }
}

static void
take_messages(struct gh_client *client)
{
    int left;
    CURLMsg *message;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        char *owner;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        struct gh_exchange *exchange = (struct gh_exchange *)(void *)owner;
        exchange->is_over = true;
        exchange->result = message->data.result;
    }
}

int
gh_exchange_wait(struct gh_exchange *exchange, unsigned max_ms, struct gh_err *err)
{
    struct gh_client *client = exchange->client;
    struct curl_waitfd interrupt = {.fd = gh_interrupt_watch(), .events = CURL_WAIT_POLLIN};
    uint64_t end_ms = max_ms ? now_ms() + max_ms : UINT64_MAX;
    int running;

    for (;;) {
        CURLMcode rc = curl_multi_perform(client->multi, &running);
        take_messages(client);
        if (exchange->is_over)
            return explain(exchange, err);
        if (rc != CURLM_OK)
            return gh_err_set(err, GH_EXIT_FAILED, "HTTP: %s", curl_multi_strerror(rc));
        if (gh_interrupted() && !client->is_leaving)
            return gh_err_set(err, GH_EXIT_INTERRUPTED, "interrupted");
        uint64_t now = now_ms();
        if (client->until_ms && now >= client->until_ms)
            return gh_err_set(err, GH_EXIT_TIMED_OUT, "no answer within --timeout-s");
        if (now >= end_ms)
            return GH_EXIT_OK;
        bool watches = interrupt.fd >= 0 && !client->is_leaving;
        uint64_t left =
            client->until_ms && client->until_ms < end_ms ? client->until_ms - now : end_ms - now;
        curl_multi_poll(client->multi, &interrupt, watches ? 1 : 0,
                        left < 60000 ? (int)left : 60000, NULL);
    }
}

void
gh_client_farewell(struct gh_client *client, const char *path, json_t *body)
{
    struct gh_exchange *exchange GH_SCOPED(gh_exchange_free) =
        gh_exchange_start(client, "POST", path, body, NULL, NULL);

    client->is_leaving = true;
    client->until_ms = now_ms() + FAREWELL_MS;
    if (gh_exchange_wait(exchange, 0, NULL) != GH_EXIT_OK)
        return; /* the node drops by itself what nobody asks for */
}
