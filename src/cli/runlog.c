/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/runlog.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "cli/out.h"

#define DRAIN_MS 1000u

struct gh_runlog {
    struct gh_exchange *exchange;
    struct gh_buf rest; /* of an unfinished line; the whole body of an error */
    FILE *to;
    bool is_json;
    size_t byte_count; /* that came */
};

/* One line of the wire: {"data": ["text\n", ...], "output_type": "stdout", ...} */
static void
print_line(struct gh_runlog *log, const char *line, size_t len)
{
    json_t *json GH_SCOPED(gh_json_drop) = json_loadb(line, len, 0, NULL);
    size_t i;
    json_t *text;

    json_array_foreach(json_object_get(json, "data"), i, text)
    {
        if (!json_is_string(text))
            continue;
        if (log->is_json)
            gh_out_json(text);
        else
            fwrite(json_string_value(text), 1, json_string_length(text), log->to);
    }
}

static bool
on_body(void *context, unsigned status, const char *bytes, size_t len)
{
    struct gh_runlog *log = context;
    const uint8_t *newline;

    gh_buf_add(&log->rest, bytes, len);
    log->byte_count += len;
    if (status != 200)
        return true;
    while ((newline = memchr(log->rest.bytes, '\n', log->rest.len))) {
        size_t line = (size_t)(newline - log->rest.bytes);
        print_line(log, (const char *)log->rest.bytes, line);
        gh_buf_drop(&log->rest, line + 1);
    }
    fflush(log->to);
    return true;
}

char *
gh_runlog_new_name(const char *prefix)
{
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        abort(); /* Linux promises so few bytes. Source: getrandom(2) */
    return gh_asprintf("%s--%016llx", prefix, (unsigned long long)number);
}

struct gh_runlog *
gh_runlog_start(struct gh_client *client, const char *method, const char *path, json_t *body,
                FILE *to, bool is_json)
{
    struct gh_runlog *log = gh_alloc(sizeof *log);

    log->to = to;
    log->is_json = is_json;
    log->exchange = gh_exchange_start(client, method, path, body, on_body, log);
    return log;
}

struct gh_runlog *
gh_runlog_follow(struct gh_client *client, const char *run_name, const char *key, FILE *to,
                 bool is_json)
{
    /* The target is only checked, the name alone finds the run. */
    json_t *body GH_SCOPED(gh_json_drop) =
        key ? json_pack("{s:s, s:s}", "run_name", run_name, "key", key)
            : json_pack("{s:s, s:i}", "run_name", run_name, "node_ip_or_idx", 0);

    return gh_runlog_start(client, "POST", "/logs", body, to, is_json);
}

int
gh_runlog_wait(struct gh_runlog *log, struct gh_err *err)
{
    int rc = gh_exchange_wait(log->exchange, 0, err);
    if (rc != GH_EXIT_OK)
        return rc;
    unsigned status = gh_exchange_status(log->exchange);
    return status == 200 ? GH_EXIT_OK
                         : gh_client_refused(status, log->rest.bytes, log->rest.len, err);
}

void
gh_runlog_drain(struct gh_runlog *log)
{
    size_t before;

    do {
        before = log->byte_count;
        if (gh_exchange_wait(log->exchange, DRAIN_MS, NULL) != GH_EXIT_OK)
            return;
    } while (!gh_exchange_is_over(log->exchange) && log->byte_count > before);
}

bool
gh_runlog_has_printed(const struct gh_runlog *log)
{
    return log->byte_count > 0;
}

void
gh_runlog_free(struct gh_runlog **log_of)
{
    struct gh_runlog *log = *log_of;

    *log_of = NULL;
    if (!log)
        return;
    gh_exchange_free(&log->exchange);
    gh_buf_done(&log->rest);
    free(log);
}
