/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse stop - end the daemon of this machine. */
#include "base/alloc.h"
#include "cli/bringup.h"
#include "cli/locate.h"
#include "cli/report.h"
#include "cli/verbs.h"

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    char *socket_path GH_SCOPED(gh_free) = NULL;
    pid_t pid;

    if (gh_cli_has(cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE, "--url: stop ends a daemon of this machine only");
    int rc = gh_locate(cli, &socket_path, err);
    if (rc == GH_EXIT_OK)
        rc = gh_bringup_down(socket_path, cli->timeout_ms, &pid, err);
    if (rc == GH_EXIT_OK)
        gh_report_stopped(cli, pid);
    return rc;
}

static const struct gh_example examples[] = {
    {"gatehouse stop", "the only daemon of this state folder"},
    {"gatehouse stop --port 8080", "this one of several"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_stop = {
    .name = "stop",
    .synopsis = "",
    .summary = "End the daemon of this machine, and wait until it has ended",
    .text = "New calls are refused at once; those that run may finish for drain_timeout_ms. This "
            "waits 60 s, "
            "or --timeout-s. A second stop meanwhile ends the daemon at once, and its workers "
            "with it.",
    .examples = examples,
    .run = run,
};
