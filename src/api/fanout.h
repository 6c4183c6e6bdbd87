/* SPDX-License-Identifier: Apache-2.0
 *
 * api/fanout.h - one frame to several workers; the request is answered when all have answered.
 *
 *     struct gh_fanout *fanout = gh_fanout_new(request);
 *     gh_fanout_send_all(fanout, pool, GH_FRAME_SET_ENV, json);
 *     gh_fanout_go(fanout);
 *
 * The answer is the success envelope, or an exception when a process could not take it. Loop thread
 * only. */
#ifndef GH_API_FANOUT_H
#define GH_API_FANOUT_H

#include "pool/pool.h"
#include "wire/frame.h"
#include "wire/request.h"

struct gh_fanout;

/* REQUEST may be NULL: nobody waits for the answer. */
struct gh_fanout *gh_fanout_new(struct gh_request *request);

/* JSON is the frame's data, a C string. A process that does not run gets it with its HELLO. */
void gh_fanout_send(struct gh_fanout *fanout, struct gh_process *process, enum gh_frame_kind kind,
                    const char *json);
void gh_fanout_send_all(struct gh_fanout *fanout, struct gh_pool *pool, enum gh_frame_kind kind,
                        const char *json);

/* All is sent: answer as soon as all have answered. FANOUT is its own from here on. */
void gh_fanout_go(struct gh_fanout *fanout);

#endif
