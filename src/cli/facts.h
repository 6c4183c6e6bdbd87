/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/facts.h - what several verbs want to know of a node. Each *_OUT is a new reference. */
#ifndef GH_CLI_FACTS_H
#define GH_CLI_FACTS_H

#include "cli/client.h"

/* The first member of GET /status, an object. */
int gh_facts_status(struct gh_client *client, struct json_t **status_out, struct gh_err *err)
    GH_MUST_USE;

/* GET /_gatehouse/v1/node; json null, and no error, of a node that has no such route. */
int gh_facts_node(struct gh_client *client, struct json_t **node_out, struct gh_err *err)
    GH_MUST_USE;

/* What GET /processes tells: {name: {"compute": ..., "runtime_env": ..., ...}}. */
int gh_facts_processes(struct gh_client *client, struct json_t **processes_out, struct gh_err *err)
    GH_MUST_USE;

/* Every key, in the order in which they were put: {key: {"type": ..., "process": ..., "calls": number}};
 * of a process that is down neither type nor process are known, and they are null. */
int gh_facts_keys(struct gh_client *client, struct json_t **keys_out, struct gh_err *err)
    GH_MUST_USE;

/* The methods of KEY, from its OpenAPI document: [{"name": "add", "signature": "(n: integer = 1) -> integer",
 * "summary": ..., "is_inherited": true for what each function has}]. Errors: GH_EXIT_NOT_FOUND there is no such
 * key, or it is nothing to call. */
int gh_facts_methods(struct gh_client *client, const char *key, struct json_t **methods_out,
                     struct gh_err *err) GH_MUST_USE;

/* GET /_gatehouse/v1/runs: an array. */
int gh_facts_runs(struct gh_client *client, struct json_t **runs_out, struct gh_err *err)
    GH_MUST_USE;

/* The number that MEMBER of OBJECT is; 0 when it is none. */
double gh_facts_number(const struct json_t *object, const char *member);

/* The text that MEMBER of OBJECT is; NULL when it is none. Borrowed. */
const char *gh_facts_text(const struct json_t *object, const char *member);

#endif
