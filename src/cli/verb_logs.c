/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse logs - which runs there are, and what they print. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/runlog.h"
#include "cli/verbs.h"

static void
add_run(struct gh_table *table, const json_t *run)
{
    bool is_active = json_is_true(json_object_get(run, "is_active"));
    char age[GH_QUANTITY_MAX_BYTES], size[GH_QUANTITY_MAX_BYTES];

    gh_out_age(age, sizeof age, gh_facts_number(run, "ended_s"));
    gh_out_bytes(size, sizeof size, gh_facts_number(run, "bytes"));
    gh_table_add(table, GH_STYLE_PLAIN, gh_facts_text(run, "run_name"));
    gh_table_add(table, is_active ? GH_STYLE_GOOD : GH_STYLE_DIM, is_active ? "active" : "ended");
    gh_table_add(table, GH_STYLE_PLAIN, is_active ? NULL : age);
    gh_table_add(table, GH_STYLE_PLAIN, size);
}

static int
list_runs(struct gh_client *client, bool is_json, struct gh_err *err)
{
    static const char *const heads[] = {"RUN", "STATE", "ENDED", "OUTPUT"};
    json_t *runs GH_SCOPED(gh_json_drop) = NULL;
    size_t i;
    json_t *run;

    int rc = gh_facts_runs(client, &runs, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (is_json) {
        gh_out_json(runs);
        return GH_EXIT_OK;
    }
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 4);
    json_array_foreach(runs, i, run) add_run(table, run);
    gh_table_print(table);
    return GH_EXIT_OK;
}

/* What there is now, and no more. */
static int
show_kept(struct gh_client *client, const struct gh_cli *cli, struct gh_err *err)
{
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&path, "/_gatehouse/v1/runs/");
    gh_client_quote(&path, cli->words[0]);
    struct gh_runlog *log GH_SCOPED(gh_runlog_free) =
        gh_runlog_start(client, "GET", gh_buf_text(&path), NULL, stdout, cli->is_json);
    return gh_runlog_wait(log, err);
}

/* As it comes, until the run ends. One that is not known may begin in a moment. */
static int
follow(struct gh_client *client, const struct gh_cli *cli, struct gh_err *err)
{
    struct gh_runlog *log GH_SCOPED(gh_runlog_free) =
        gh_runlog_follow(client, cli->words[0], NULL, stdout, cli->is_json);

    int rc = gh_runlog_wait(log, err);
    if (rc != GH_EXIT_OK || gh_runlog_has_printed(log))
        return rc;
    return show_kept(client, cli, err); /* did it print nothing, or was there none? */
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    bool follows = gh_cli_has(cli, "--follow");

    if (follows && cli->word_count == 0)
        return gh_err_set(err, GH_EXIT_USAGE, "--follow needs a RUN; gatehouse logs lists them");
    int rc = gh_client_open(cli, &client, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->word_count == 0)
        return list_runs(client, cli->is_json, err);
    rc = follows ? follow(client, cli, err) : show_kept(client, cli, err);
    return rc == GH_EXIT_OK ? rc : gh_err_add(err, "logs %s", cli->words[0]);
}

static const struct gh_option options[] = {
    {"--follow", "-f", NULL,
     "go on until the run ends; a run that is about to begin is waited for"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse logs", "the runs whose output is kept, the newest last"},
    {"gatehouse logs train-1 -f", "the output of one, as it comes"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_logs = {
    .name = "logs",
    .synopsis = "[RUN]",
    .summary = "List runs, or show what one prints",
    .text =
        "A run is a call with stream_logs, as gatehouse call and the runhouse client make them, a "
        "shell "
        "command or an install with a run name. Its output is kept for a while after its end, "
        "within "
        "bounds (logs_keep_s and others in the daemon's settings). --json prints the list of runs, "
        "or "
        "each line of output as one string.\n\n"
        "What calls without stream_logs print, and what the daemon has to say itself, is in the "
        "daemon's own log: its standard error, or the journal of its unit.",
    .options = options,
    .examples = examples,
    .words_max = 1,
    .words = GH_WORD_RUN,
    .run = run,
};
