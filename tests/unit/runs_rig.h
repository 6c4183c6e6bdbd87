/* SPDX-License-Identifier: Apache-2.0
 *
 * runs_rig.h - the runs of store/runs.h in a loop of their own, and readers that keep what they are
 * told. */
#ifndef GH_TEST_RUNS_RIG_H
#define GH_TEST_RUNS_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "store/runs.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static struct gh_settings settings;
static struct gh_runs *runs;

/* A reader and what it was told. */
struct reader {
    struct gh_run_reader *handle;
    struct gh_buf lines;
    size_t backlog; /* what it says is not passed on yet */
    bool is_ended;
    unsigned ends;
};

static size_t
on_lines(void *context, const char *lines, size_t len)
{
    struct reader *reader = context;

    ck_assert(!reader->is_ended);
    gh_buf_add(&reader->lines, lines, len);
    return reader->backlog;
}

static void
on_end(void *context)
{
    struct reader *reader = context;

    reader->is_ended = true;
    reader->ends++;
}

static const struct gh_run_reader_events events = {on_lines, on_end};

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

/* A reader that may see runs of KEY alone; "" for all. */
static void
attach_for(struct reader *reader, const char *name, const char *key)
{
    reader->handle = gh_runs_read(runs, slice(name), slice(key), &events, reader);
}

static void
attach(struct reader *reader, const char *name)
{
    attach_for(reader, name, "");
}

static void
reader_done(struct reader *reader)
{
    gh_buf_done(&reader->lines);
}

static struct gh_run *
begin(const char *name)
{
    return gh_run_begin(runs, slice(name), slice("key"));
}

static void
write_text(struct gh_run *run, const char *text)
{
    gh_run_write(run, GH_STREAM_STDOUT, text, strlen(text));
}

#define LINE(list) "{\"data\": [" list "], \"output_type\": \"stdout\", \"serialization\": null}\n"

static void
set_up(void)
{
    char *argv[] = {(char *)(uintptr_t) "test", NULL};
    struct gh_faults faults = {0};

    ck_assert_int_eq(gh_settings_load(&settings, 1, argv, &faults), GH_SETTINGS_RUN);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    runs = gh_runs_new(&loop, &settings);
}

static void
tear_down(void)
{
    gh_runs_free(&runs);
    gh_runs_free(&runs);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    gh_settings_done(&settings);
}

#endif
