/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse call - call a function or method and show what it prints and returns.
 *
 * The call and its output are two exchanges at once. Results come as JSON in an envelope (way 3 of
 * docs/http-api.md); of a generator comes its name, and then item after item. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/runlog.h"
#include "cli/verbs.h"

#define DATA_MAX_BYTES (256u << 20)

/* What is called, and how its results are shown. */
struct calling {
    struct gh_client *client;
    char *key, *method;
    char *run_name;
    bool is_quiet, is_raw, is_json;
};

/* One exchange: its answer, taken apart. */
struct outcome {
    unsigned status;
    struct gh_buf text;
    json_t *envelope; /* NULL when the answer is none */
};

static void
outcome_done(struct outcome *outcome)
{
    gh_buf_done(&outcome->text);
    json_decref(outcome->envelope);
}

static void
calling_done(struct calling *calling)
{
    gh_client_close(&calling->client);
    free(calling->key);
    free(calling->method);
    free(calling->run_name);
}

static bool
is_type(const struct outcome *outcome, const char *type)
{
    const char *is = gh_facts_text(outcome->envelope, "output_type");
    return is && strcmp(is, type) == 0;
}

/* ---- asking ---- */

/* POST to /KEY/METHOD with the arguments DATA, JSON text, while the output of the call goes to standard
 * error. */
static int
ask(const struct calling *calling, const char *key, const char *method, const char *run_name,
    const char *data, struct outcome *outcome, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    struct gh_runlog *log GH_SCOPED(gh_runlog_free) = NULL;
    json_t *body GH_SCOPED(gh_json_drop) =
        json_pack("{s:s, s:s, s:s, s:b}", "run_name", run_name, "serialization", "json", "data",
                  data, "stream_logs", !calling->is_quiet);

    if (!body)
        return gh_err_set(err, GH_EXIT_USAGE, "the arguments or the names in them are no UTF-8");
    gh_buf_add_byte(&path, '/');
    gh_client_quote(&path, key);
    gh_buf_add_byte(&path, '/');
    gh_client_quote(&path, method);
    struct gh_exchange *call GH_SCOPED(gh_exchange_free) = gh_exchange_start(
        calling->client, "POST", gh_buf_text(&path), body, gh_exchange_keep, &outcome->text);
    if (!calling->is_quiet)
        log = gh_runlog_follow(calling->client, run_name,
                               strcmp(key, calling->key) == 0 ? key : NULL, stderr, false);

    int rc = gh_exchange_wait(call, 0, err);
    if (rc != GH_EXIT_OK)
        return rc;
    outcome->status = gh_exchange_status(call);
    outcome->envelope =
        json_loadb((const char *)outcome->text.bytes, outcome->text.len, JSON_DECODE_ANY, NULL);
    if (log && json_object_get(outcome->envelope, "output_type"))
        gh_runlog_drain(log); /* it ran, so its output ends too */
    return GH_EXIT_OK;
}

/* ---- showing ---- */

/* The user's code raised: type, message and traceback. */
static int
raised(const struct calling *calling, const json_t *data, struct gh_err *err)
{
    const char *error = gh_facts_text(data, "error");
    const char *traceback = gh_facts_text(data, "traceback");

    if (calling->is_json) {
        json_t *shown GH_SCOPED(gh_json_drop) =
            json_pack("{s:{s:s?, s:s?}}", "exception", "error", error, "traceback", traceback);
        gh_out_json(shown);
    } else if (traceback && strcmp(traceback, error ? error : "") != 0) {
        size_t len = strlen(traceback);
        fprintf(stderr, "%s%s", traceback, len && traceback[len - 1] == '\n' ? "" : "\n");
    }
    return gh_err_set(err, GH_EXIT_FAILED, "%s", error ? error : "it raised an exception");
}

static int
show_value(const struct calling *calling, const char *text, struct gh_err *err)
{
    json_t *value GH_SCOPED(gh_json_drop) = NULL;

    if (calling->is_raw && text[0] == '"')
        value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (value)
        fwrite(json_string_value(value), 1, json_string_length(value), stdout);
    else
        fputs(text, stdout);
    putchar('\n');
    if (fflush(stdout) != 0)
        return gh_err_set(err, GH_EXIT_FAILED, "standard output: %s", strerror(errno));
    return GH_EXIT_OK;
}

/* Any answer but a generator's name. */
static int
show(const struct calling *calling, const struct outcome *outcome, struct gh_err *err)
{
    const json_t *data = json_object_get(outcome->envelope, "data");

    if (is_type(outcome, "exception"))
        return raised(calling, data, err);
    if (outcome->status != 200)
        return gh_client_refused(outcome->status, outcome->text.bytes, outcome->text.len, err);
    if (is_type(outcome, "success"))
        return show_value(calling, "null", err);
    if (!is_type(outcome, "result_serialized") || !json_is_string(data))
        return gh_err_set(
            err, GH_EXIT_FAILED,
            "the answer is of an unknown form; is %s an app, and this its own answer?",
            calling->key);
    return show_value(calling, json_string_value(data), err);
}

/* ---- generators ---- */

/* The method that gives the next item, when DATA says that the run RUN_NAME is a generator:
 * {"run_name": ..., "type": ..., "next": "/RUN_NAME/remote_next"}. The caller frees it. */
static char *
next_method(const json_t *data, const char *run_name)
{
    json_t *handle GH_SCOPED(gh_json_drop) =
        json_is_string(data) ? json_loads(json_string_value(data), 0, NULL) : NULL;
    const char *next = gh_facts_text(handle, "next");
    size_t len = strlen(run_name);

    if (!next || next[0] != '/' || strncmp(next + 1, run_name, len) != 0 || next[len + 1] != '/')
        return NULL;
    return gh_strdup(next + len + 2);
}

/* Nobody will ask the generator for more; the node would keep it for a while (lazy_keep_s). */
static void
drop_generator(const struct calling *calling)
{
    json_t *body GH_SCOPED(gh_json_drop) = json_pack("{s:[s]}", "keys", calling->run_name);
    gh_client_farewell(calling->client, "/delete_object", body);
}

/* Items until there are no more (410), or one is an error. */
static int
show_items(const struct calling *calling, const char *method, struct gh_err *err)
{
    int rc = GH_EXIT_OK;

    for (unsigned long number = 1; rc == GH_EXIT_OK; number++) {
        struct outcome item GH_SCOPED(outcome_done) = {0};
        char *run_name GH_SCOPED(gh_free) = gh_asprintf("%s-%lu", calling->run_name, number);

        rc = ask(calling, calling->run_name, method, run_name, "{}", &item, err);
        if (rc == GH_EXIT_OK && item.status == 410)
            break;
        if (rc == GH_EXIT_OK)
            rc = show(calling, &item, err);
    }
    drop_generator(calling);
    return rc;
}

static int
call(const struct calling *calling, const char *data, struct gh_err *err)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};

    int rc = ask(calling, calling->key, calling->method, calling->run_name, data, &outcome, err);
    if (rc != GH_EXIT_OK)
        return rc;
    char *next GH_SCOPED(gh_free) =
        is_type(&outcome, "result_serialized")
            ? next_method(json_object_get(outcome.envelope, "data"), calling->run_name)
            : NULL;
    return next ? show_items(calling, next, err) : show(calling, &outcome, err);
}

/* ---- the command line ---- */

static int
read_data(const char *path, struct gh_buf *out, struct gh_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    size_t len = 1;

    if (!file)
        return gh_err_set(err, GH_EXIT_USAGE, "--data %s: %s", path, strerror(errno));
    while (len > 0 && out->len <= DATA_MAX_BYTES) {
        len = fread(gh_buf_reserve(out, 65536), 1, 65536, file);
        out->len += len;
    }
    int problem = ferror(file) ? errno : 0;
    if (!is_stdin)
        fclose(file);
    if (problem)
        return gh_err_set(err, GH_EXIT_USAGE, "--data %s: %s", path, strerror(problem));
    if (out->len > DATA_MAX_BYTES)
        return gh_err_set(err, GH_EXIT_USAGE, "--data %s: more than %u bytes", path,
                          DATA_MAX_BYTES);
    return GH_EXIT_OK;
}

static int
take_arguments(const struct gh_cli *cli, struct gh_buf *out, struct gh_err *err)
{
    const char *path = gh_cli_value(cli, "--data", NULL);
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (!path)
        return gh_arguments_add(out, cli->words + 1, cli->word_count - 1, err);
    if (cli->word_count > 1)
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--data holds all arguments; '%s' cannot be given beside it",
                          cli->words[1]);
    int rc = read_data(path, &text, err);
    return rc == GH_EXIT_OK ? gh_arguments_add_object(out, (char *)text.bytes, text.len, err) : rc;
}

/* "counter.add" is a method, "concat" a function, whose method is "call". A method has no dot. */
static int
take_target(const char *word, struct calling *calling, struct gh_err *err)
{
    const char *dot = strrchr(word, '.');

    if (!*word || dot == word || (dot && !dot[1]))
        return gh_err_set(err, GH_EXIT_USAGE, "'%s' must read MODULE or MODULE.METHOD", word);
    calling->key = dot ? gh_strndup(word, (size_t)(dot - word)) : gh_strdup(word);
    calling->method = gh_strdup(dot ? dot + 1 : "call");
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_buf data GH_SCOPED(gh_buf_done) = {0};
    const char *run_name = gh_cli_value(cli, "--run-name", NULL);
    struct calling calling GH_SCOPED(calling_done) = {
        .run_name = run_name ? gh_strdup(run_name) : gh_runlog_new_name("cli"),
        .is_quiet = gh_cli_has(cli, "--quiet"),
        .is_raw = gh_cli_has(cli, "--raw"),
        .is_json = cli->is_json,
    };

    int rc = take_target(cli->words[0], &calling, err);
    if (rc == GH_EXIT_OK)
        rc = take_arguments(cli, &data, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_open(cli, &calling.client, err);
    if (rc == GH_EXIT_OK)
        rc = call(&calling, gh_buf_text(&data), err);
    if (rc == GH_EXIT_TIMED_OUT)
        gh_err_set(err, rc, "no result within --timeout-s; the call goes on at the node");
    if (rc != GH_EXIT_OK && rc != GH_EXIT_USAGE && calling.client)
        gh_err_add(err, "call %s.%s", calling.key, calling.method);
    return rc;
}

static const struct gh_option options[] = {
    {"--data", "-d", "FILE|-",
     "take the keyword arguments from a JSON object in FILE, or standard input"},
    {"--raw", "-r", NULL, "print a result that is text as it is, not as JSON"},
    {"--quiet", "-q", NULL, "do not show what the call prints"},
    {"--run-name", NULL, "NAME", "call the run so, for gatehouse logs"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse call concat run house", "a function, arguments in order"},
    {"gatehouse call counter.add n=5", "a method, arguments by name"},
    {"gatehouse call scale factor=2 'points=[1, 2.5]' label=first", "numbers, a list and text"},
    {"echo '{\"text\": \"3\"}' | gatehouse call --raw shout --data -",
     "a JSON object, and the text alone"},
    {"gatehouse call count n=1000 | head -3", "a generator: one item a line, as they come"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_call = {
    .name = "call",
    .synopsis = "MODULE[.METHOD] [ARG]... [NAME=ARG]...",
    .summary = "Call a function or method and print its result",
    .text =
        "NAME=ARG is an argument by name, any other word one in order; what begins with a dash "
        "needs "
        "-- before it. An ARG that is JSON is that value (5, true, null, [1, 2]), anything else is "
        "text: "
        "write true, not True, and '\"5\"' for the text 5.\n\n"
        "The result goes to standard output as one line of JSON, the items of a generator one a "
        "line. "
        "What the call prints goes to standard error as it comes. An exception prints its "
        "traceback "
        "there, and the exit status is 1; with --json it goes to standard output, as "
        "{\"exception\": {\"error\": ..., \"traceback\": ...}}.\n\n"
        "After --timeout-s or Ctrl-C the call goes on at the node: its caller has left, no more. A "
        "generator is closed then, after its current item.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .words = GH_WORD_METHOD,
    .run = run,
};
