/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/runlog.h - what a run prints, as it comes. Source: docs/http-api.md, Logs. */
#ifndef GH_CLI_RUNLOG_H
#define GH_CLI_RUNLOG_H

#include <stdio.h>

#include "cli/client.h"

struct gh_runlog;

/* A run name that nobody else has, "PREFIX--..."; the caller frees it. */
char *gh_runlog_new_name(const char *prefix);

/* Ask for the output of the run RUN_NAME, which may begin later, until it ends, and print it to TO in any
 * wait of the client: as it is, or with IS_JSON each line as one string of JSON. Whose token is for one module
 * sees runs of that KEY alone; NULL asks for one of any. */
struct gh_runlog *gh_runlog_follow(struct gh_client *client, const char *run_name, const char *key,
                                   FILE *to, bool is_json);

/* The same of any route that answers in the form of /logs. */
struct gh_runlog *gh_runlog_start(struct gh_client *client, const char *method, const char *path,
                                  struct json_t *body, FILE *to, bool is_json);

/* Until the run has ended. Errors as gh_exchange_wait has them, and those of the route. */
int gh_runlog_wait(struct gh_runlog *log, struct gh_err *err) GH_MUST_USE;

/* The run is known to be over: take what is still on its way, as long as something comes. */
void gh_runlog_drain(struct gh_runlog *log);

/* Did anything come? */
bool gh_runlog_has_printed(const struct gh_runlog *log);
void gh_runlog_free(struct gh_runlog **log_of);

#endif
