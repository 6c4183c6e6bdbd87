/* SPDX-License-Identifier: Apache-2.0
 *
 * api/too_old.h - what clients ask that are too old to be served, and the answer that says so.
 *
 * They print the body of an answer that is not 200, so the person who calls reads what to do. Only what
 * could not be answered otherwise is looked at: nobody else pays for it. Source: versions.md sections 2
 * and 3, and the releases 0.0.12, 0.0.13 and 0.0.17 (tests/compat/ancient-sdk.jsonl). Loop thread only. */
#ifndef GH_API_TOO_OLD_H
#define GH_API_TOO_OLD_H

#include <stdbool.h>

#include "wire/request.h"

/* Does REQUEST, which no route takes, have the path and method of a route that is gone? */
bool gh_too_old_is_route(const struct gh_request *request);

/* Is the body of REQUEST, a JSON object, a `Message` of clients up to 0.0.17? It has all members of one. */
bool gh_too_old_is_message(struct gh_request *request);

/* Answer with STATUS, which is what anybody else would get, and the versions that are served. */
void gh_too_old_refuse(struct gh_request *request, unsigned status);

#endif
