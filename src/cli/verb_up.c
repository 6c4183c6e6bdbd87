/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse up - the daemon of this machine in the background. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/bringup.h"
#include "cli/launch.h"
#include "cli/out.h"
#include "cli/report.h"
#include "cli/verbs.h"

/* The options of gatehoused: the words, and those of ours that are gatehoused's too. */
static void
collect_options(const struct gh_cli *cli, struct gh_words *options)
{
    static const char *const shared[] = {"--state-dir", "--port"};

    for (size_t i = 0; i < cli->word_count; i++)
        gh_words_add(options, cli->words[i]);
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        const char *value = gh_cli_value(cli, shared[i], NULL);
        if (value)
            gh_words_addf(options, "%s=%s", shared[i], value);
    }
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_bringup bringup = {.log_path = gh_cli_value(cli, "--log-file", NULL),
                                 .timeout_ms = cli->timeout_ms};
    struct gh_brought brought;

    if (gh_cli_has(cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE, "--url: up starts a daemon of this machine only");
    collect_options(cli, &bringup.options);
    int rc = gh_cli_has(cli, "--foreground") ? gh_launch_here(&bringup.options, err)
                                             : gh_bringup_up(&bringup, &brought, err);
    gh_words_done(&bringup.options);
    if (rc != GH_EXIT_OK)
        return rc;
    gh_report_brought(cli, &brought);
    gh_brought_done(&brought);
    return GH_EXIT_OK;
}

static const struct gh_option options[] = {
    {"--foreground", NULL, NULL, "be the daemon, in this terminal, until it ends"},
    {"--log-file", NULL, "FILE", "append its output to FILE, not to STATE_DIR/gatehoused-PORT.log"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse up", "on 127.0.0.1, port 32300"},
    {"gatehouse up --port 8080 --module concat=examples/concat.py:concat",
     "with options of gatehoused"},
    {"gatehouse up --foreground", "in a container"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_up = {
    .name = "up",
    .synopsis = "[OPTION OF gatehoused]...",
    .summary = "Start the daemon of this machine",
    .text = "It runs in the background, in a session of its own, with the environment of this "
            "command, and "
            "is ready when this returns. Where one of that port runs already, that is said, and "
            "nothing is "
            "done. What it writes before it is ready is in the message when it does not start. A "
            "log over "
            "16 MiB is put aside as FILE.1 before a start.",
    .options = options,
    .examples = examples,
    .words_max = GH_WORDS_ANY,
    .keeps_options = true,
    .run = run,
};
