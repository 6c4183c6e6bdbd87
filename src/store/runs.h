/* SPDX-License-Identifier: Apache-2.0
 *
 * store/runs.h - the output of runs, for whoever reads /logs.
 *
 * A run is known by its name. It begins when a call with stream_logs is handed to a worker, or when
 * a reader asks for it first; it is active while calls with its name are open. Readers get what the
 * present run wrote so far, then each line as it comes, then the end right after the last line.
 * Ended runs are kept for late readers within bounds of time, number and size. Lines are kept in the
 * form they have on the wire (serialization.md section 7), so that ten readers cost one formatting.
 * Loop thread only. */
#ifndef GH_STORE_RUNS_H
#define GH_STORE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "wire/call.h"

struct gh_buf;
struct gh_settings;
struct gh_runs;
struct gh_run;
struct gh_run_reader;

/* How a reader is told; both borrowed for the reader's life. */
struct gh_run_reader_events {
    /* LEN bytes of whole lines; returns how many bytes the reader has not passed on yet. */
    size_t (*on_lines)(void *context, const char *lines, size_t len);
    /* No more will come. The reader is gone when this returns. */
    void (*on_end)(void *context);
};

struct gh_runs *gh_runs_new(uv_loop_t *loop, const struct gh_settings *settings);
void gh_runs_free(struct gh_runs **runs_of);

/* A call of run NAME on KEY begins (empty: of no key, a shell command); pairs with gh_run_end. Lines of an
 * earlier, ended run of that name are forgotten. */
struct gh_run *gh_run_begin(struct gh_runs *runs, struct gh_slice name, struct gh_slice key);

/* Text that the run wrote; made into one line of the wire. */
void gh_run_write(struct gh_run *run, enum gh_stream stream, const char *text, size_t len);
void gh_run_end(struct gh_run *run);

/* A call of run NAME begins that streams nothing. The client asks for its lines all the same when it
 * calls asynchronously: a reader of that name is then not kept waiting for long. */
void gh_runs_note_silent(struct gh_runs *runs, struct gh_slice name);

/* Attach a reader to the run NAME: replays at once what there is. When the run is over, on_end is
 * called before this returns and the result is NULL. A run that is not known is waited for. A reader that
 * may see runs of KEY alone gets nothing of others (empty: it may see all), as if they had no output. */
struct gh_run_reader *gh_runs_read(struct gh_runs *runs, struct gh_slice name, struct gh_slice key,
                                   const struct gh_run_reader_events *events, void *context);

/* A reader for the answer of the active RUN's own call: as above, but the run counts as unread after it,
 * so that who asks for it later gets it all at once. */
struct gh_run_reader *
gh_run_read_for_call(struct gh_run *run, const struct gh_run_reader_events *events, void *context);

/* What is known of a run, for lists; all borrowed. */
struct gh_run_facts {
    const char *name;
    unsigned active_calls;
    size_t bytes;   /* of output that is kept, as it is on the wire */
    double ended_s; /* ago; 0 while it is active */
};

/* Call FN for each run that has begun and whose output is kept, in the order in which they ended. */
void gh_runs_each(struct gh_runs *runs, void (*fn)(void *context, const struct gh_run_facts *facts),
                  void *context);

/* Append to OUT the lines that are kept of the run NAME. Returns false when there is no such run. */
bool gh_runs_kept(struct gh_runs *runs, struct gh_slice name, struct gh_buf *out);

/* The reader left; no event follows. */
void gh_run_reader_drop(struct gh_run_reader *reader);

/* The reader wants no more: it is told what it misses, if anything, and then nothing. */
void gh_run_reader_close(struct gh_run_reader *reader);

/* Whoever must know whether a run has output and a reader; the watcher's own, borrowed until
 * gh_run_unwatch. */
struct gh_run_watch {
    struct gh_run_watch *prev, *next;
    struct gh_run *run;
    void (*on_output)(void *context); /* the run wrote something */
    void (*on_reader)(void *context); /* gh_runs_read was asked for the run */
    void *context;
};

/* Watch RUN, which must be active as long. A watch may be taken off while it is told. */
void gh_run_watch(struct gh_run *run, struct gh_run_watch *watch);
void gh_run_unwatch(struct gh_run_watch *watch);

/* Whether gh_runs_read was ever asked for RUN, also before it began. */
bool gh_run_was_asked_for(const struct gh_run *run);

/* Whether, in the last hour, somebody asked for a run whose lines went into its call's answer: perhaps
 * its own client, too late. */
bool gh_runs_had_late_reader(const struct gh_runs *runs);

/* Whether the present run wrote anything. */
bool gh_run_has_output(const struct gh_run *run);

/* End all readers, for shutdown. */
void gh_runs_end_readers(struct gh_runs *runs);

#endif
