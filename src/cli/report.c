/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/out.h"

static void
print_json(json_t *json)
{
    gh_out_json(json);
    json_decref(json);
}

void
gh_report_brought(const struct gh_cli *cli, const struct gh_brought *brought)
{
    if (cli->is_json) {
        print_json(json_pack("{s:s, s:I, s:I, s:s?, s:s?, s:b, s:b}", "url", brought->url, "port",
                             (json_int_t)brought->port, "pid", (json_int_t)brought->pid, "log",
                             brought->log_path, "unit", brought->unit, "was_running",
                             brought->was_running, "has_other_options",
                             brought->has_other_options));
        return;
    }
    char *output GH_SCOPED(gh_free) = gh_brought_output(brought);
    printf("gatehoused %s at %s (pid %d, %s)\n", brought->was_running ? "runs already" : "is up",
           brought->url, brought->pid, output);
    if (brought->has_other_options)
        printf("It was started with other options, and keeps them. To apply yours: gatehouse stop "
               "--port %u, then up again.\n",
               brought->port);
}

void
gh_report_stopped(const struct gh_cli *cli, pid_t pid)
{
    if (cli->is_json)
        print_json(json_pack("{s:b, s:I}", "stopped", 1, "pid", (json_int_t)pid));
    else
        printf("Server stopped.\n");
}
