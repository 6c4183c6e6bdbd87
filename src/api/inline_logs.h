/* SPDX-License-Identifier: Apache-2.0
 *
 * api/inline_logs.h - the lines of a call inside its own answer, for clients up to 0.0.35.
 *
 * To them the answer to a call with stream_logs is a chunked stream of JSON lines: what the call
 * prints, as it comes, then the envelope of the result. From 0.0.36 on a client takes the whole body
 * for one JSON document, and asks /logs for the lines. The calls of 0.0.34 and 0.0.36 are alike, with
 * an "@" in the run name; only the latter's GET /logs/{key}/{run_name}/... tells them apart. It is
 * begun beside the call and may come after it: hence a time of grace. Newer clients have no "@",
 * unless their user chose the name, and then ask /logs as well.
 *
 *   - A call that prints nothing is answered plainly, at once.
 *   - So is one whose run a reader of /logs asked for, whenever.
 *   - A call that printed and has no reader once inline_logs_wait_ms are over, counted from its begin,
 *     gets the stream; so does one that prints first thereafter. If it ends earlier, its answer waits.
 *
 * The wait is a tenth for the next calls on a connection over which a stream was sent whole.
 *
 * Whoever answers the call knows nothing of this: it answers a request that stands in front of the
 * client's. Source: versions.md section 4. Loop thread only. */
#ifndef GH_API_INLINE_LOGS_H
#define GH_API_INLINE_LOGS_H

#include "api/api.h"
#include "wire/call.h"

struct gh_run;

/* The request through which the call of KEY, whose RUN has begun under RUN_NAME, is to be answered: REQUEST
 * itself, or one in front of it, which lives until it is answered or its client is gone. */
struct gh_request *gh_inline_logs_wrap(struct gh_api *api, struct gh_request *request,
                                       const struct gh_run *run, struct gh_slice run_name,
                                       struct gh_slice key);

#endif
