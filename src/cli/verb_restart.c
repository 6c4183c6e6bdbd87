/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse restart - new workers for processes, or the daemon itself anew. */
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/bringup.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/locate.h"
#include "cli/out.h"
#include "cli/report.h"
#include "cli/verbs.h"

#define DRAIN_MAX_S 86400.0

/* -1: as the daemon has it. */
static int
take_drain_ms(const struct gh_cli *cli, long long *ms_out, struct gh_err *err)
{
    const char *text = gh_cli_value(cli, "--drain-s", NULL);
    char *end;

    *ms_out = -1;
    if (!text)
        return GH_EXIT_OK;
    double seconds = strtod(text, &end);
    if (!isdigit((unsigned char)text[0]) || *end || !(seconds >= 0 && seconds <= DRAIN_MAX_S))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--drain-s is '%s', but must be a number of seconds from 0 to %.0f", text,
                          DRAIN_MAX_S);
    *ms_out = (long long)ceil(seconds * 1000);
    return GH_EXIT_OK;
}

/* Modules that could not be built again are an error, though the process runs. */
static int
report(const struct gh_cli *cli, json_t *answer, struct gh_err *err)
{
    json_t *problems = json_object_get(answer, "problems"), *problem;
    const char *key;

    if (cli->is_json)
        gh_out_json(answer);
    else
        printf("%s: restarted, pid %.0f\n", gh_facts_text(answer, "process_name"),
               gh_facts_number(answer, "pid"));
    json_object_foreach(problems, key, problem)
    {
        return gh_err_set(err, GH_EXIT_FAILED,
                          "%zu of its modules could not be built again, first %s: %s",
                          json_object_size(problems), key, json_string_value(problem));
    }
    return GH_EXIT_OK;
}

static int
restart_one(const struct gh_cli *cli, struct gh_client *client, const char *name,
            long long drain_ms, struct gh_err *err)
{
    json_t *body GH_SCOPED(gh_json_drop) = json_pack("{s:s}", "process_name", name);
    json_t *answer GH_SCOPED(gh_json_drop) = NULL;

    if (drain_ms >= 0)
        json_object_set_new(body, "drain_ms", json_integer(drain_ms));
    int rc = gh_client_post(client, "/_gatehouse/v1/restart_process", body, &answer, err);
    if (rc == GH_EXIT_OK)
        rc = report(cli, answer, err);
    return rc == GH_EXIT_OK ? rc : gh_err_add(err, "restart %s", name);
}

/* The daemon of this machine, as it was started. */
static int
restart_daemon(const struct gh_cli *cli, struct gh_err *err)
{
    char *socket_path GH_SCOPED(gh_free) = NULL;
    struct gh_brought brought;

    if (gh_cli_has(cli, "--url") || gh_cli_has(cli, "--drain-s"))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--url and --drain-s are for PROCESS, and none is given");
    int rc = gh_locate(cli, &socket_path, err);
    if (rc == GH_EXIT_OK)
        rc = gh_bringup_again(socket_path, cli->timeout_ms, &brought, err);
    if (rc != GH_EXIT_OK)
        return rc;
    gh_report_brought(cli, &brought);
    gh_brought_done(&brought);
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    long long drain_ms;

    if (cli->word_count == 0)
        return restart_daemon(cli, err);
    int rc = take_drain_ms(cli, &drain_ms, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_open(cli, &client, err);
    for (size_t i = 0; rc == GH_EXIT_OK && i < cli->word_count; i++)
        rc = restart_one(cli, client, cli->words[i], drain_ms, err);
    return rc;
}

static const struct gh_option options[] = {
    {"--drain-s", NULL, "SECONDS",
     "wait so long for open calls, then end them (default: the daemon's drain_timeout_ms)"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse restart default_process", "after an install, so that it imports the new version"},
    {"gatehouse restart workshop --drain-s 0", "at once; open calls fail"},
    {"gatehouse restart", "the daemon itself, with its options and the environment of now"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_restart = {
    .name = "restart",
    .synopsis = "[PROCESS]...",
    .summary = "Give processes new workers with the same modules, or start the daemon anew",
    .text =
        "Calls that are open may end first, new ones are answered with 503 meanwhile. Then the "
        "worker "
        "is stopped, and a new one is started and builds the modules again as they were put: what "
        "they have changed since, and plain objects, are lost. A parked process is started again. "
        "The verb returns when the new worker serves; one after the other of several processes."
        "\n\nWithout PROCESS the daemon of this machine is ended, as by `gatehouse stop`, and "
        "started "
        "with its options, in its folder and with its log, but with the environment of this "
        "command.",
    .options = options,
    .examples = examples,
    .words_max = GH_WORDS_ANY,
    .words = GH_WORD_PROCESS,
    .run = run,
};
