/* SPDX-License-Identifier: Apache-2.0 */
#include "store/runs.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/settings.h"
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

static void
attach(struct reader *reader, const char *name)
{
    reader->handle = gh_runs_read(runs, slice(name), &events, reader);
}

static void
reader_done(struct reader *reader)
{
    gh_buf_done(&reader->lines);
}

static struct gh_run *
begin(const char *name)
{
    return gh_run_begin(runs, slice(name));
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
    struct gh_err err;

    ck_assert_int_eq(gh_settings_load(&settings, 1, argv, &err), GH_SETTINGS_RUN);
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

START_TEST(reader_gets_each_line_as_it_is_written_and_then_the_end)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&reader, "r");
    ck_assert_ptr_nonnull(reader.handle);
    ck_assert_uint_eq(reader.lines.len, 0);
    write_text(run, "one\n");
    assert_slice(reader.lines, LINE("\"one\\n\""));
    gh_run_write(run, GH_STREAM_STDERR, "two\n", 4);
    assert_slice(reader.lines, LINE("\"one\\n\"") LINE("\"two\\n\""));
    ck_assert(!reader.is_ended);
    gh_run_end(run);
    ck_assert(reader.is_ended);
    ck_assert_uint_eq(reader.ends, 1);
}
END_TEST

static const struct {
    const char *text, *line;
} texts[] = {
    {"a", LINE("\"a\"")},
    {"a\n", LINE("\"a\\n\"")},
    {"a\nb", LINE("\"a\\n\", \"b\"")},
    {"\n\n", LINE("\"\\n\", \"\\n\"")},
    {"a\r\nb\n", LINE("\"a\\r\\n\", \"b\\n\"")},
    {"caf\xc3\xa9 \x1b[0m\xff\n", LINE("\"caf\\u00e9 \\u001b[0m\\ufffd\\n\"")},
    {"", ""},
};

START_TEST(text_is_split_at_line_ends)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&reader, "r");
    write_text(run, texts[_i].text);
    assert_slice(reader.lines, texts[_i].line);
    gh_run_end(run);
}
END_TEST

START_TEST(late_reader_of_an_active_run_gets_what_was_written)
{
    struct reader first GH_SCOPED(reader_done) = {0};
    struct reader late GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&first, "r");
    write_text(run, "1\n");
    attach(&late, "r");
    assert_slice(late.lines, LINE("\"1\\n\""));
    write_text(run, "2\n");
    gh_run_end(run);
    assert_slice(first.lines, LINE("\"1\\n\"") LINE("\"2\\n\""));
    assert_slice(late.lines, LINE("\"1\\n\"") LINE("\"2\\n\""));
    ck_assert(first.is_ended && late.is_ended);
}
END_TEST

START_TEST(reader_of_an_ended_run_gets_all_at_once)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    write_text(run, "1\n");
    gh_run_end(run);
    attach(&reader, "r");
    ck_assert_ptr_null(reader.handle);
    ck_assert(reader.is_ended);
    assert_slice(reader.lines, LINE("\"1\\n\""));
}
END_TEST

START_TEST(run_lasts_as_long_as_its_longest_call)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *one = begin("r");
    struct gh_run *two = begin("r");

    ck_assert_ptr_eq(one, two);
    attach(&reader, "r");
    gh_run_end(one);
    ck_assert(!reader.is_ended);
    write_text(two, "x");
    gh_run_end(two);
    ck_assert(reader.is_ended);
    assert_slice(reader.lines, LINE("\"x\""));
}
END_TEST

START_TEST(new_run_of_a_name_forgets_the_old_lines)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    write_text(run, "old");
    gh_run_end(run);
    run = begin("r");
    write_text(run, "new");
    attach(&reader, "r");
    assert_slice(reader.lines, LINE("\"new\""));
    gh_run_end(run);
}
END_TEST

START_TEST(runs_of_other_names_are_not_mixed)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *one = begin("r");
    struct gh_run *two = begin("r2");

    attach(&reader, "r");
    write_text(two, "not mine");
    write_text(one, "mine");
    gh_run_end(two);
    assert_slice(reader.lines, LINE("\"mine\""));
    ck_assert(!reader.is_ended);
    gh_run_end(one);
}
END_TEST

START_TEST(early_reader_waits_for_its_run)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    attach(&reader, "r");
    ck_assert_ptr_nonnull(reader.handle);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(!reader.is_ended);
    struct gh_run *run = begin("r");
    write_text(run, "at last");
    gh_run_end(run);
    ck_assert(reader.is_ended);
    assert_slice(reader.lines, LINE("\"at last\""));
}
END_TEST

START_TEST(early_reader_waits_no_longer_than_the_setting)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    settings.logs_wait_ms = 60;
    uint64_t from_ms = uv_now(&loop);
    attach(&reader, "r");
    while (!reader.is_ended)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_ge(uv_now(&loop) - from_ms, 60);
    ck_assert_uint_eq(reader.lines.len, 0);

    /* the run that never was is forgotten: the loop ends, having no timer left */
    uv_run(&loop, UV_RUN_DEFAULT);
}
END_TEST

/* The SDK asks again for the steps of an async generator: a second reader gets the next call's
 * output if there is one soon, else the old output once more. */
START_TEST(reader_of_a_run_read_before_gets_the_next_one)
{
    struct reader first GH_SCOPED(reader_done) = {0};
    struct reader second GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&first, "r");
    write_text(run, "step 1");
    gh_run_end(run);
    attach(&second, "r");
    ck_assert_ptr_nonnull(second.handle);
    ck_assert_uint_eq(second.lines.len, 0);
    run = begin("r");
    write_text(run, "step 2");
    gh_run_end(run);
    ck_assert(second.is_ended);
    assert_slice(second.lines, LINE("\"step 2\""));
}
END_TEST

START_TEST(reader_of_a_run_read_before_gets_a_replay_when_none_follows)
{
    struct reader first GH_SCOPED(reader_done) = {0};
    struct reader second GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&first, "r");
    write_text(run, "once");
    gh_run_end(run);
    attach(&second, "r");
    while (!second.is_ended)
        uv_run(&loop, UV_RUN_ONCE);
    assert_slice(second.lines, LINE("\"once\""));
}
END_TEST

static uint64_t
time_to_end(struct reader *reader)
{
    uv_update_time(&loop);
    uint64_t start = uv_now(&loop);

    while (!reader->is_ended)
        uv_run(&loop, UV_RUN_ONCE);
    return uv_now(&loop) - start;
}

START_TEST(reader_of_a_silent_run_waits_shortly)
{
    struct reader late GH_SCOPED(reader_done) = {0};
    struct reader early GH_SCOPED(reader_done) = {0};
    struct reader other GH_SCOPED(reader_done) = {0};

    settings.logs_wait_ms = 60000;
    gh_runs_note_silent(runs, slice("late"));
    attach(&late, "late");
    ck_assert_ptr_nonnull(late.handle);
    ck_assert_uint_lt(time_to_end(&late), 30000);
    ck_assert_uint_eq(late.lines.len, 0);

    attach(&early, "early");
    attach(&other, "other");
    gh_runs_note_silent(runs, slice("early"));
    ck_assert_uint_lt(time_to_end(&early), 30000);
    ck_assert(!other.is_ended);
    gh_run_reader_drop(other.handle);
}
END_TEST

START_TEST(silent_run_may_be_followed_by_one_that_speaks)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    gh_runs_note_silent(runs, slice("r"));
    attach(&reader, "r");
    struct gh_run *run = begin("r");
    write_text(run, "said");
    gh_run_end(run);
    ck_assert(reader.is_ended);
    assert_slice(reader.lines, LINE("\"said\""));
}
END_TEST

START_TEST(dropped_reader_hears_nothing_more)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct reader waiting GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&reader, "r");
    attach(&waiting, "later");
    gh_run_reader_drop(reader.handle);
    gh_run_reader_drop(waiting.handle);
    write_text(run, "x");
    gh_run_end(run);
    ck_assert_uint_eq(reader.lines.len, 0);
    ck_assert_uint_eq(reader.ends + waiting.ends, 0);
}
END_TEST

START_TEST(shutdown_ends_readers_of_all_kinds)
{
    struct reader active GH_SCOPED(reader_done) = {0};
    struct reader waiting GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&active, "r");
    attach(&waiting, "later");
    gh_runs_end_readers(runs);
    ck_assert_uint_eq(active.ends, 1);
    ck_assert_uint_eq(waiting.ends, 1);
    gh_run_end(run);
    ck_assert_uint_eq(active.ends, 1);
}
END_TEST

START_TEST(free_ends_readers)
{
    struct reader waiting GH_SCOPED(reader_done) = {0};

    attach(&waiting, "later");
    gh_runs_free(&runs);
    ck_assert_ptr_null(runs);
    ck_assert_uint_eq(waiting.ends, 1);
}
END_TEST

/* ---- bounds ---- */

/* The newest lines stay, whole, and whoever reads later is told how much is missing. */
START_TEST(kept_output_has_a_limit)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct reader late GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");
    char text[16];

    settings.run_log_max_bytes = 4096;
    attach(&reader, "r");
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%u\n", i);
        write_text(run, text);
    }
    attach(&late, "r");
    gh_run_end(run);
    const char *all = gh_buf_text(&reader.lines), *kept = gh_buf_text(&late.lines);

    assert_contains(all, LINE("\"0\\n\""));
    assert_contains(all, LINE("\"999\\n\""));
    ck_assert_uint_le(late.lines.len, 4096 + 200);
    ck_assert_uint_ge(late.lines.len, 4096 / 2 - 100);
    ck_assert_int_eq(strncmp(kept, "{\"data\": [\"[gatehouse: about ", 29), 0);
    assert_contains(kept, " bytes of output left out here]\\n\"]");
    assert_contains(kept, LINE("\"999\\n\""));
    ck_assert_ptr_null(strstr(kept, LINE("\"0\\n\"")));
    /* after the note, exactly the end of what was written */
    const char *rest = strchr(kept, '\n') + 1;
    ck_assert_str_eq(rest, all + strlen(all) - strlen(rest));
}
END_TEST

START_TEST(last_line_is_kept_however_long)
{
    struct reader late GH_SCOPED(reader_done) = {0};
    char *text GH_SCOPED(gh_free) = gh_asprintf("%*s", 10000, "x");
    struct gh_run *run = begin("r");

    settings.run_log_max_bytes = 4096;
    write_text(run, "before\n");
    write_text(run, text);
    attach(&late, "r");
    gh_run_end(run);
    assert_contains(gh_buf_text(&late.lines), text);
    ck_assert_ptr_null(strstr(gh_buf_text(&late.lines), "before"));
}
END_TEST

/* A text of many lines becomes lines of the wire of about 4 KiB, cut at line ends only. */
START_TEST(long_texts_are_cut_at_line_ends)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_run *run = begin("r");
    unsigned wire_lines = 0, lines = 0;

    for (unsigned i = 0; i < 2000; i++)
        gh_buf_addf(&text, "line %u%*s\n", i, (int)(i % 90), "");
    gh_buf_addf(&text, "%*s", 9000, "no end");
    attach(&reader, "r");
    gh_run_write(run, GH_STREAM_STDOUT, (char *)text.bytes, text.len);
    gh_run_end(run);

    const char *all = gh_buf_text(&reader.lines), *end;
    for (const char *cursor = all; *cursor; cursor = end + 1, wire_lines++) {
        end = strchr(cursor, '\n');
        ck_assert_int_eq(strncmp(cursor, "{\"data\": [\"", 11), 0);
        if (!memmem(cursor, (size_t)(end - cursor), "no end", 6))
            ck_assert_int_le(end - cursor, 8192);
    }
    for (const char *at = all; (at = strstr(at, "\\n\"")); at++)
        lines++;
    ck_assert_uint_eq(lines, 2000);
    ck_assert_uint_ge(wire_lines, text.len / 4096);
    assert_contains(all, "no end\"], ");
}
END_TEST

START_TEST(one_text_over_the_limit_is_let_go)
{
    struct reader late GH_SCOPED(reader_done) = {0};
    char *text GH_SCOPED(gh_free) = gh_asprintf("%*s", 10000, "x");
    struct gh_run *run = begin("r");

    settings.run_log_max_bytes = 4096;
    write_text(run, text);
    write_text(run, "after\n");
    attach(&late, "r");
    gh_run_end(run);
    assert_contains(gh_buf_text(&late.lines), "left out here");
    assert_contains(gh_buf_text(&late.lines), LINE("\"after\\n\""));
    ck_assert_uint_lt(late.lines.len, 500);
}
END_TEST

/* A reader that does not keep up misses lines, is told how many, and goes on; at the end too. */
START_TEST(slow_reader_is_told_what_it_missed)
{
    struct reader slow GH_SCOPED(reader_done) = {0};
    struct reader fast GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&slow, "r");
    attach(&fast, "r");
    slow.backlog = (4u << 20) + 1;
    write_text(run, "seen\n");
    write_text(run, "missed 1\n");
    write_text(run, "missed 2\n");
    slow.backlog = 0;
    write_text(run, "seen again\n");
    slow.backlog = (4u << 20) + 1;
    write_text(run, "the last seen\n");
    write_text(run, "missed 3\n");
    gh_run_end(run);
    const char *text = gh_buf_text(&slow.lines);
    assert_contains(text, "\"seen\\n\"");
    ck_assert_ptr_null(strstr(text, "missed"));
    char *note GH_SCOPED(gh_free) =
        gh_asprintf("[gatehouse: about %zu bytes of output left out here]",
                    2 * strlen(LINE("\"missed 1\\n\"")));
    assert_contains(strstr(text, note), "\"seen again\\n\"");
    assert_contains(strstr(text, "the last seen"), "left out here");
    assert_contains(gh_buf_text(&fast.lines), "missed 2");
}
END_TEST

START_TEST(backlog_at_the_limit_is_no_reason_to_drop)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach(&reader, "r");
    reader.backlog = 4u << 20;
    write_text(run, "1");
    write_text(run, "2");
    gh_run_end(run);
    assert_slice(reader.lines, LINE("\"1\"") LINE("\"2\""));
}
END_TEST

START_TEST(ended_runs_kept_have_a_limit_in_number)
{
    char name[12];

    settings.runs_kept_max = 10;
    struct gh_run *active = begin("active");
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "run%u", i);
        struct gh_run *run = begin(name);
        write_text(run, "x");
        gh_run_end(run);
    }
    for (unsigned i = 49; i >= 40; i--) { /* nine and the active one are kept */
        struct reader reader GH_SCOPED(reader_done) = {0};
        snprintf(name, sizeof name, "run%u", i);
        attach(&reader, name);
        ck_assert_int_eq(reader.is_ended, i > 40);
        assert_slice(reader.lines, i > 40 ? LINE("\"x\"") : "");
        if (reader.handle)
            gh_run_reader_drop(reader.handle);
    }
    write_text(active, "still here");
    gh_run_end(active);
}
END_TEST

START_TEST(name_used_again_is_as_young_as_its_last_run)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    char name[12];

    settings.runs_kept_max = 10;
    for (unsigned i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "run%u", i);
        gh_run_end(begin(name));
    }
    struct gh_run *again = begin("run0");
    write_text(again, "new");
    gh_run_end(again);
    gh_run_end(begin("another"));
    attach(&reader, "run0");
    assert_slice(reader.lines, LINE("\"new\""));
}
END_TEST

/* Ten times 3000 bytes where 20,000 may be kept: the oldest runs lose their output, and say so. */
START_TEST(ended_runs_kept_have_a_limit_in_size)
{
    char *text GH_SCOPED(gh_free) = gh_asprintf("%*s", 3000, "x");
    char name[12];

    settings.logs_kept_max_bytes = 20000;
    for (unsigned i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "run%u", i);
        struct gh_run *run = begin(name);
        write_text(run, text);
        gh_run_end(run);
    }
    gh_run_end(begin("run9"));
    for (unsigned i = 0; i < 9; i++) {
        struct reader reader GH_SCOPED(reader_done) = {0};
        snprintf(name, sizeof name, "run%u", i);
        attach(&reader, name);
        ck_assert(reader.is_ended);
        bool is_kept = reader.lines.len > 3000;
        ck_assert_int_eq(is_kept, i >= 4);
        if (!is_kept)
            assert_contains(gh_buf_text(&reader.lines), "[gatehouse: about 30");
    }
}
END_TEST

START_TEST(ended_runs_are_forgotten_after_their_time)
{
    struct reader late GH_SCOPED(reader_done) = {0};

    settings.logs_keep_s = 0;
    struct gh_run *run = begin("r");
    write_text(run, "x");
    gh_run_end(run);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends when the timer does, with the last run */
    settings.logs_wait_ms = 0;
    attach(&late, "r");
    ck_assert_ptr_nonnull(late.handle); /* nothing to replay */
    while (!late.is_ended)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(late.lines.len, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, reader_gets_each_line_as_it_is_written_and_then_the_end);
    tcase_add_loop_test(tests, text_is_split_at_line_ends, 0, (int)COUNT(texts));
    tcase_add_test(tests, late_reader_of_an_active_run_gets_what_was_written);
    tcase_add_test(tests, reader_of_an_ended_run_gets_all_at_once);
    tcase_add_test(tests, run_lasts_as_long_as_its_longest_call);
    tcase_add_test(tests, new_run_of_a_name_forgets_the_old_lines);
    tcase_add_test(tests, runs_of_other_names_are_not_mixed);
    tcase_add_test(tests, early_reader_waits_for_its_run);
    tcase_add_test(tests, early_reader_waits_no_longer_than_the_setting);
    tcase_add_test(tests, reader_of_a_run_read_before_gets_the_next_one);
    tcase_add_test(tests, reader_of_a_run_read_before_gets_a_replay_when_none_follows);
    tcase_add_test(tests, reader_of_a_silent_run_waits_shortly);
    tcase_add_test(tests, silent_run_may_be_followed_by_one_that_speaks);
    tcase_add_test(tests, dropped_reader_hears_nothing_more);
    tcase_add_test(tests, shutdown_ends_readers_of_all_kinds);
    tcase_add_test(tests, free_ends_readers);
    tcase_add_test(tests, kept_output_has_a_limit);
    tcase_add_test(tests, last_line_is_kept_however_long);
    tcase_add_test(tests, long_texts_are_cut_at_line_ends);
    tcase_add_test(tests, one_text_over_the_limit_is_let_go);
    tcase_add_test(tests, slow_reader_is_told_what_it_missed);
    tcase_add_test(tests, backlog_at_the_limit_is_no_reason_to_drop);
    tcase_add_test(tests, ended_runs_kept_have_a_limit_in_number);
    tcase_add_test(tests, name_used_again_is_as_young_as_its_last_run);
    tcase_add_test(tests, ended_runs_kept_have_a_limit_in_size);
    tcase_add_test(tests, ended_runs_are_forgotten_after_their_time);
}

int
main(void)
{
    return run_tests("store_runs", add);
}
