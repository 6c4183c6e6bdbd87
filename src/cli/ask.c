/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/ask.c - one question, one answer in JSON, and errors in words. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"

#define SHOWN_BYTES 200 /* of a body that is no JSON */

void
gh_json_drop(json_t **json_of)
{
    json_decref(*json_of);
    *json_of = NULL;
}

void
gh_client_quote(struct gh_buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || strchr("-._~@", c);
        if (is_plain)
            gh_buf_add_byte(out, c);
        else
            gh_buf_addf(out, "%%%02X", c);
    }
}

/* ---- errors in words ---- */

/* [{"loc": ["body", "a"], "msg": "Field required"}, ...] as "a: Field required; ...". */
static void
add_problems(struct gh_buf *out, const json_t *list)
{
    size_t i;
    const json_t *problem;

    json_array_foreach(list, i, problem)
    {
        const json_t *loc = json_object_get(problem, "loc");
        size_t depth = json_array_size(loc); /* ["body"] alone is no field */
        const char *field = depth > 1 ? json_string_value(json_array_get(loc, depth - 1)) : NULL;
        const char *message = json_string_value(json_object_get(problem, "msg"));
        gh_buf_addf(out, "%s%s%s%s", i ? "; " : "", field ? field : "", field ? ": " : "",
                    message ? message : "not accepted");
    }
}

/* What an error body says: {"detail": ...}, or an envelope with an exception. */
static void
add_reason(struct gh_buf *out, const json_t *body)
{
    const json_t *detail = json_object_get(body, "detail");
    const json_t *data = json_object_get(body, "data");
    const char *exception = json_string_value(json_object_get(data, "exception_as_str"));

    if (json_is_array(detail))
        add_problems(out, detail);
    else if (json_is_string(detail))
        gh_buf_add_text(out, json_string_value(detail));
    else if (exception)
        gh_buf_add_text(out, exception);
}

static int
exit_of(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return GH_EXIT_NOT_ALLOWED;
    case 404:
        return GH_EXIT_NOT_FOUND;
    case 408:
    case 504:
        return GH_EXIT_TIMED_OUT;
    default:
        return GH_EXIT_FAILED;
    }
}

static const char *
advice_of(unsigned status)
{
    switch (status) {
    case 401:
        return "; give a token by --token-file or GATEHOUSE_TOKEN";
    case 503:
        return "; try again in a moment";
    default:
        return "";
    }
}

int
gh_client_refused(unsigned status, const void *body, size_t len, struct gh_err *err)
{
    json_t *json GH_SCOPED(gh_json_drop) = json_loadb(body, len, JSON_DECODE_ANY, NULL);
    struct gh_buf reason GH_SCOPED(gh_buf_done) = {0};

    add_reason(&reason, json);
    if (reason.len == 0)
        gh_buf_add(&reason, body, len < SHOWN_BYTES ? len : SHOWN_BYTES);
    while (reason.len > 0 && strchr(". \r\n", reason.bytes[reason.len - 1]))
        reason.len--;
    return gh_err_set(err, exit_of(status), "%s (HTTP %u)%s",
                      reason.len ? gh_buf_text(&reason) : "refused without a reason", status,
                      advice_of(status));
}

/* ---- one answer ---- */

bool
gh_exchange_keep(void *context, unsigned status, const char *bytes, size_t len)
{
    (void)status;
    gh_buf_add(context, bytes, len);
    return true;
}

int
gh_client_fetch(struct gh_client *client, const char *method, const char *path, json_t *body,
                struct gh_buf *answer, struct gh_err *err)
{
    struct gh_exchange *exchange GH_SCOPED(gh_exchange_free) =
        gh_exchange_start(client, method, path, body, gh_exchange_keep, answer);

    int rc = gh_exchange_wait(exchange, 0, err);
    if (rc != GH_EXIT_OK)
        return rc;
    unsigned status = gh_exchange_status(exchange);
    if (status < 200 || status > 299)
        return gh_client_refused(status, answer->bytes, answer->len, err);
    return GH_EXIT_OK;
}

static int
ask(struct gh_client *client, const char *method, const char *path, json_t *body,
    json_t **answer_out, struct gh_err *err)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_client_fetch(client, method, path, body, &text, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_t *answer GH_SCOPED(gh_json_drop) =
        json_loadb((const char *)text.bytes, text.len, JSON_DECODE_ANY, NULL);
    if (!answer)
        return gh_err_set(err, GH_EXIT_FAILED, "%s%s answers with no JSON; is it a gatehouse?",
                          gh_client_place(client), path);
    const char *type = json_string_value(json_object_get(answer, "output_type"));
    if (type && strcmp(type, "exception") == 0) {
        struct gh_buf reason GH_SCOPED(gh_buf_done) = {0};
        add_reason(&reason, answer);
        return gh_err_set(err, GH_EXIT_FAILED, "%s", gh_buf_text(&reason));
    }
    *answer_out = gh_take(answer);
    return GH_EXIT_OK;
}

int
gh_client_get(struct gh_client *client, const char *path, json_t **answer_out, struct gh_err *err)
{
    return ask(client, "GET", path, NULL, answer_out, err);
}

int
gh_client_post(struct gh_client *client, const char *path, json_t *body, json_t **answer_out,
               struct gh_err *err)
{
    return ask(client, "POST", path, body, answer_out, err);
}
