/* SPDX-License-Identifier: Apache-2.0 */
#include "store/runs.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "store/runlines.h"
#include "store/runs_inner.h"
#include "wire/url.h"

#define TICK_MS 50 /* precision of waits and expiry; runs only while something waits */
#define EXPIRY_TICK_MS 1000
#define REREAD_WAIT_MS 250 /* for a new call when an ended run was read before, or was silent */
/* That somebody asked in vain for a run is remembered so long: its call may still be on its way here, with a
 * large body. Only of names that matter to api/inline_logs.c, or they would push others out. */
#define LATE_REMEMBERED_MS 3600000u
#define UNBEGUN_KEEP_MS 60000u
#define UNBEGUN_SIGN '@'

static void on_tick(uv_timer_t *timer);

static void
wind_timer(struct gh_runs *runs)
{
    uint64_t period = runs->waiting ? TICK_MS : EXPIRY_TICK_MS;

    if (runs->count == 0)
        uv_timer_stop(runs->timer);
    else if (!uv_is_active((uv_handle_t *)runs->timer) ||
             uv_timer_get_repeat(runs->timer) != period)
        uv_timer_start(runs->timer, on_tick, period, period);
}

struct gh_runs *
gh_runs_new(uv_loop_t *loop, const struct gh_settings *settings)
{
    struct gh_runs *runs = gh_alloc(sizeof *runs);

    runs->loop = loop;
    runs->settings = settings;
    runs->timer = gh_alloc(sizeof *runs->timer);
    uv_timer_init(loop, runs->timer);
    runs->timer->data = runs;
    return runs;
}

static void
forget(struct gh_run *run)
{
    run->runs->kept_bytes -= run->kept;
    HASH_DEL(run->runs->by_name, run);
    run->runs->count--;
    gh_buf_done(&run->lines);
    free(run->name);
    free(run->key);
    free(run);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void
gh_runs_free(struct gh_runs **runs_of)
{
    struct gh_runs *runs = gh_take(*runs_of);

    if (!runs)
        return;
    gh_runs_end_readers(runs);
    while (runs->by_name)
        forget(runs->by_name);
    uv_close((uv_handle_t *)runs->timer, on_timer_closed);
    free(runs);
}

/* The oldest ended runs go while there are too many. */
static void
make_room(struct gh_runs *runs)
{
    struct gh_run *run, *next;

    HASH_ITER(hh, runs->by_name, run, next)
    {
        if (runs->count < runs->settings->runs_kept_max)
            return;
        if (run->active_calls == 0 && !run->readers)
            forget(run);
    }
}

static struct gh_run *
find_or_make(struct gh_runs *runs, struct gh_slice name)
{
    struct gh_run *run;

    HASH_FIND(hh, runs->by_name, name.bytes, name.len, run);
    if (run)
        return run;

    make_room(runs);
    run = gh_alloc(sizeof *run);
    run->runs = runs;
    run->name = gh_strndup(name.bytes, name.len);
    run->ended_ms = uv_now(runs->loop);
    HASH_ADD_KEYPTR(hh, runs->by_name, run->name, name.len, run);
    runs->count++;
    return run;
}

static uint32_t
hash_of(struct gh_slice name)
{
    uint32_t hash;

    HASH_VALUE(name.bytes, name.len, hash);
    return hash;
}

void
gh_runs_note_silent(struct gh_runs *runs, struct gh_slice name)
{
    uint64_t now = uv_now(runs->loop);
    unsigned at = runs->next_silent++ % GH_RUNS_SILENT_NOTED;
    struct gh_run *run = NULL;
    struct gh_run_reader *reader;

    runs->silent[at].hash = hash_of(name);
    runs->silent[at].at_ms = now + 1;
    if (runs->waiting)
        HASH_FIND(hh, runs->by_name, name.bytes, name.len, run);
    if (!run)
        return;
    DL_FOREACH(run->readers, reader)
    {
        if (reader->until_ms > now + REREAD_WAIT_MS)
            reader->until_ms = now + REREAD_WAIT_MS;
    }
}

/* Whether a call of that name began a moment ago that streams nothing. */
static bool
is_silent(struct gh_runs *runs, struct gh_slice name)
{
    uint64_t now = uv_now(runs->loop);
    uint32_t hash = hash_of(name);

    for (unsigned i = 0; i < GH_RUNS_SILENT_NOTED; i++) {
        if (runs->silent[i].hash == hash && runs->silent[i].at_ms &&
            now - (runs->silent[i].at_ms - 1) <= runs->settings->logs_wait_ms)
            return true;
    }
    return false;
}

/* A call on KEY begins in RUN, the first one or one more. */
static void
note_key(struct gh_run *run, struct gh_slice key, bool is_first)
{
    if (run->key && gh_slice_is(key, run->key))
        return;
    gh_free(&run->key);
    if (is_first && key.len)
        run->key = gh_strndup(key.bytes, key.len);
}

struct gh_run *
gh_run_begin(struct gh_runs *runs, struct gh_slice name, struct gh_slice key)
{
    struct gh_run *run = find_or_make(runs, name);
    struct gh_run_reader *reader, *next;

    if (run->active_calls++ == 0) {
        runs->kept_bytes -= run->kept;
        run->kept = 0;
        run->lines.len = 0;
        run->cut = 0;
        run->was_read = false;
        run->was_inline = false;
    }
    note_key(run, key, run->active_calls == 1);
    run->has_begun = true;
    DL_FOREACH_SAFE(run->readers, reader, next)
    {
        gh_run_reader_stop_waiting(reader);
        if (!gh_run_reader_may_see(reader, run))
            gh_run_reader_end(reader);
    }
    wind_timer(runs);
    return run;
}

/* Keep the newest run_log_max_bytes, in whole lines. */
static void
cut_front(struct gh_run *run)
{
    size_t limit = run->runs->settings->run_log_max_bytes;

    if (run->lines.len <= limit)
        return;
    size_t at = run->lines.len - limit / 2;
    /* From the next line on; but the last one is kept, however long it is. */
    const uint8_t *newline = memchr(run->lines.bytes + at, '\n', run->lines.len - at - 1);
    if (!newline)
        newline = memrchr(run->lines.bytes, '\n', run->lines.len - 1);
    size_t drop = newline ? (size_t)(newline - run->lines.bytes) + 1 : 0;
    gh_buf_drop(&run->lines, drop);
    run->cut += drop;
}

void
gh_run_write(struct gh_run *run, enum gh_stream stream, const char *text, size_t len)
{
    struct gh_run_reader *reader;
    struct gh_run_watch *watch, *next;
    size_t start = run->lines.len;

    if (len == 0)
        return;
    gh_runlines_add(&run->lines, stream, text, len);
    DL_FOREACH(run->readers, reader)
    {
        gh_run_reader_tell(reader, (const char *)run->lines.bytes + start, run->lines.len - start);
        run->was_read |= !reader->is_of_call;
    }
    cut_front(run);
    DL_FOREACH_SAFE(run->watches, watch, next)
    {
        watch->on_output(watch->context);
    }
}

/* The run has ended: keep its lines in no more memory than they need, and let the oldest output go
 * while all of it is too much. Its readers are told that it was there. */
static void
keep(struct gh_run *ended)
{
    struct gh_runs *runs = ended->runs;
    struct gh_run *run, *next;

    if (ended->lines.len == 0)
        gh_buf_done(&ended->lines);
    else
        ended->lines.bytes = gh_realloc(ended->lines.bytes, ended->lines.len);
    ended->kept = ended->lines.capacity = ended->lines.len;
    runs->kept_bytes += ended->kept;
    /* To the end: a name that is used again is as young as its last run. */
    if (ended->hh.next) {
        HASH_DEL(runs->by_name, ended);
        HASH_ADD_KEYPTR(hh, runs->by_name, ended->name, strlen(ended->name), ended);
    }

    HASH_ITER(hh, runs->by_name, run, next)
    {
        if (runs->kept_bytes <= runs->settings->logs_kept_max_bytes)
            return;
        runs->kept_bytes -= run->kept;
        if (run->kept) {
            run->cut += run->lines.len;
            gh_buf_done(&run->lines);
        }
        run->kept = 0;
    }
}

void
gh_run_end(struct gh_run *run)
{
    if (--run->active_calls > 0)
        return;
    run->ended_ms = uv_now(run->runs->loop);
    while (run->readers) {
        run->was_read |= !run->readers->is_of_call;
        gh_run_reader_end(run->readers);
    }
    keep(run);
}

static void
replay(struct gh_run_reader *reader)
{
    struct gh_run *run = reader->run;

    reader->dropped = run->cut;
    gh_run_reader_tell(reader, (const char *)run->lines.bytes, run->lines.len);
}

static void
tell_asked_for(struct gh_run *run)
{
    struct gh_run_watch *watch, *next;

    run->was_asked_for = true;
    if (run->was_inline)
        run->runs->late_ms = uv_now(run->runs->loop) + 1;
    DL_FOREACH_SAFE(run->watches, watch, next)
    {
        watch->on_reader(watch->context);
    }
}

struct gh_run_reader *
gh_runs_read(struct gh_runs *runs, struct gh_slice name, struct gh_slice key,
             const struct gh_run_reader_events *events, void *context)
{
    struct gh_run *run = find_or_make(runs, name);
    struct gh_run_reader *reader = gh_alloc(sizeof *reader);
    bool is_over = run->has_begun && run->active_calls == 0;

    reader->run = run;
    reader->events = events;
    reader->context = context;
    reader->key = key.len ? gh_strndup(key.bytes, key.len) : NULL;
    DL_APPEND(run->readers, reader);
    tell_asked_for(run);

    if (run->has_begun && !gh_run_reader_may_see(reader, run)) {
        gh_run_reader_end(reader);
        reader = NULL;
    } else if (run->active_calls > 0) {
        replay(reader);
    } else if (is_over && !run->was_read) {
        replay(reader);
        run->was_read = true;
        gh_run_reader_end(reader);
        reader = NULL;
    } else {
        /* Not begun; or ended and read before: then the reader most likely belongs to a next call
         * of the same name (each step of an async generator is one), else it wants a replay. */
        uint64_t wait_ms = runs->settings->logs_wait_ms;
        if (wait_ms > REREAD_WAIT_MS && (is_over || is_silent(runs, name)))
            wait_ms = REREAD_WAIT_MS;
        reader->replay_at_end_of_wait = is_over;
        reader->until_ms = uv_now(runs->loop) + wait_ms + 1;
        runs->waiting++;
    }
    wind_timer(runs);
    return reader;
}

struct gh_run_reader *
gh_run_read_for_call(struct gh_run *run, const struct gh_run_reader_events *events, void *context)
{
    struct gh_run_reader *reader = gh_alloc(sizeof *reader);

    reader->run = run;
    reader->events = events;
    reader->context = context;
    reader->is_of_call = run->was_inline = true;
    DL_APPEND(run->readers, reader);
    replay(reader);
    return reader;
}

bool
gh_runs_had_late_reader(const struct gh_runs *runs)
{
    return runs->late_ms && uv_now(runs->loop) - (runs->late_ms - 1) < LATE_REMEMBERED_MS;
}

bool
gh_run_was_asked_for(const struct gh_run *run)
{
    return run->was_asked_for;
}

bool
gh_run_has_output(const struct gh_run *run)
{
    return run->lines.len > 0 || run->cut > 0;
}

void
gh_run_watch(struct gh_run *run, struct gh_run_watch *watch)
{
    watch->run = run;
    DL_APPEND(run->watches, watch);
}

void
gh_run_unwatch(struct gh_run_watch *watch)
{
    DL_DELETE(watch->run->watches, watch);
}

void
gh_runs_each(struct gh_runs *runs, void (*fn)(void *context, const struct gh_run_facts *facts),
             void *context)
{
    uint64_t now = uv_now(runs->loop);
    struct gh_run *run, *next;

    HASH_ITER(hh, runs->by_name, run, next)
    {
        bool is_active = run->active_calls > 0;
        struct gh_run_facts facts = {run->name, run->active_calls, run->lines.len,
                                     is_active ? 0 : (double)(now - run->ended_ms) / 1000};
        if (run->has_begun)
            fn(context, &facts);
    }
}

bool
gh_runs_kept(struct gh_runs *runs, struct gh_slice name, struct gh_buf *out)
{
    struct gh_run *run;

    HASH_FIND(hh, runs->by_name, name.bytes, name.len, run);
    if (!run || !run->has_begun)
        return false;
    gh_buf_add(out, run->lines.bytes, run->lines.len);
    return true;
}

void
gh_runs_end_readers(struct gh_runs *runs)
{
    struct gh_run *run, *next;

    HASH_ITER(hh, runs->by_name, run, next)
    {
        while (run->readers)
            gh_run_reader_end(run->readers);
    }
}

static void
end_waits(struct gh_run *run, uint64_t now)
{
    struct gh_run_reader *reader, *next;

    DL_FOREACH_SAFE(run->readers, reader, next)
    {
        if (!reader->until_ms || now < reader->until_ms)
            continue;
        if (reader->replay_at_end_of_wait)
            replay(reader);
        if (!run->has_begun)
            run->ended_ms = now;
        gh_run_reader_end(reader);
    }
}

/* RUN, which is idle, was kept long enough. */
static bool
is_due(const struct gh_run *run, uint64_t now, uint64_t keep_ms)
{
    uint64_t age_ms = now - run->ended_ms;
    bool is_kept_unbegun = strchr(run->name, UNBEGUN_SIGN) && age_ms <= UNBEGUN_KEEP_MS;

    return age_ms > keep_ms || (!run->has_begun && !is_kept_unbegun);
}

static void
on_tick(uv_timer_t *timer)
{
    struct gh_runs *runs = timer->data;
    uint64_t now = uv_now(runs->loop);
    uint64_t keep_ms = runs->settings->logs_keep_s * 1000;
    struct gh_run *run, *next;

    HASH_ITER(hh, runs->by_name, run, next)
    {
        if (runs->waiting)
            end_waits(run, now);
        if (run->active_calls == 0 && !run->readers && is_due(run, now, keep_ms))
            forget(run);
    }
    wind_timer(runs);
}
