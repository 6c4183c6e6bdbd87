/* SPDX-License-Identifier: Apache-2.0
 *
 * store/runs_inner.h - what runs.c and runreaders.c know of runs and their readers. Loop thread only. */
#ifndef GH_STORE_RUNS_INNER_H
#define GH_STORE_RUNS_INNER_H

#include <uthash.h>

#include "base/buf.h"
#include "store/runs.h"

#define GH_RUNS_SILENT_NOTED 1024u /* calls */

struct gh_run_reader {
    struct gh_run_reader *prev, *next;
    struct gh_run *run;
    const struct gh_run_reader_events *events;
    void *context;
    size_t backlog;    /* bytes it had not passed on at its last line */
    size_t dropped;    /* bytes it was not given since, being too slow */
    uint64_t until_ms; /* loop time at which it stops waiting for a call; 0: it does not wait */
    bool replay_at_end_of_wait;
    bool is_of_call; /* carries the lines inside the call's own answer: the run counts as unread */
    char *key;       /* the one whose runs it may see, or NULL */
};

struct gh_run {
    UT_hash_handle hh;
    char *name;
    char *key; /* of its calls; NULL when these have none, or several */
    struct gh_runs *runs;
    struct gh_buf lines;
    size_t cut;  /* bytes dropped from the front */
    size_t kept; /* of an ended run: what it adds to kept_bytes */
    unsigned active_calls;
    bool has_begun;
    bool was_read;      /* to its end */
    bool was_asked_for; /* by a reader of /logs, ever */
    bool was_inline;    /* the present run's lines go, or went, into its call's answer */
    uint64_t ended_ms;
    struct gh_run_reader *readers;
    struct gh_run_watch *watches;
};

struct gh_runs {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    uv_timer_t *timer;
    struct gh_run *by_name; /* ended ones in the order in which they ended */
    unsigned count;
    unsigned waiting;  /* readers that wait for a call */
    size_t kept_bytes; /* lines of all ended runs */
    uint64_t late_ms;  /* loop time + 1 at which a run that was inline was asked for; 0: never */
    /* The latest calls that stream nothing, by a hash of their names. A match only shortens the wait
     * of a reader, so a false one costs next to nothing. */
    struct {
        uint32_t hash;
        uint64_t at_ms; /* 0: free */
    } silent[GH_RUNS_SILENT_NOTED];
    unsigned next_silent;
};

/* Give READER lines; when it is slow, or has missed some, say so in their place. */
void gh_run_reader_tell(struct gh_run_reader *reader, const char *lines, size_t len);

/* It waits for a call no more. */
void gh_run_reader_stop_waiting(struct gh_run_reader *reader);

/* Take it off its run and tell it that this was all. */
void gh_run_reader_end(struct gh_run_reader *reader);

/* Is what RUN printed of the key that READER may see? */
bool gh_run_reader_may_see(const struct gh_run_reader *reader, const struct gh_run *run);

#endif
