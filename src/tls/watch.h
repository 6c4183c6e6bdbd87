/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/watch.h - tells when files change: by the system's notices of their folders, within some 30 ms, and by a
 * look at them every ten seconds, since not every file system gives notices. Loop thread only. */
#ifndef GH_TLS_WATCH_H
#define GH_TLS_WATCH_H

#include <stdbool.h>
#include <uv.h>

#include "base/words.h"

struct gh_watch;

/* Some of the files have changed: look at them. Says whether that went well; if not it is called once more a
 * second later, since of several files that belong together one is written first. IS_AGAIN is this second
 * call. */
typedef bool gh_watch_fn(void *context, bool is_again);

/* FILES: absolute; those that are not there count as changed when they come. Copied. */
struct gh_watch *gh_watch_new(uv_loop_t *loop, const struct gh_words *files, gh_watch_fn *fn,
                              void *context);

/* FN is not called any more; memory goes in a later turn of the loop. */
void gh_watch_stop(struct gh_watch **watch_of);

#endif
