/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/runs_rig.h"

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

/* Its call may be on its way with a large body, and says nothing of who made it. */
START_TEST(run_that_was_asked_for_in_vain_is_known_when_it_begins)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    settings.logs_wait_ms = 10;
    attach(&reader, "r@1");
    while (!reader.is_ended)
        uv_run(&loop, UV_RUN_ONCE);
    struct gh_run *run = begin("r@1");
    ck_assert(gh_run_was_asked_for(run));
    ck_assert(!gh_run_has_output(run));
    gh_run_end(run);
    run = begin("never asked for");
    ck_assert(!gh_run_was_asked_for(run));
    gh_run_end(run);
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

/* Before it begins, while it is active, and after it has ended. */
START_TEST(reader_for_a_key_gets_nothing_of_other_keys)
{
    struct reader early GH_SCOPED(reader_done) = {0};
    struct reader midway GH_SCOPED(reader_done) = {0};
    struct reader late GH_SCOPED(reader_done) = {0};
    struct reader own GH_SCOPED(reader_done) = {0};

    attach_for(&early, "r", "other");
    struct gh_run *run = begin("r");
    ck_assert(early.is_ended);
    write_text(run, "secret\n");
    attach_for(&midway, "r", "other");
    ck_assert(midway.is_ended);
    attach_for(&own, "r", "key");
    gh_run_end(run);
    attach_for(&late, "r", "other");
    ck_assert(late.is_ended);
    ck_assert_uint_eq(early.lines.len + midway.lines.len + late.lines.len, 0);
    assert_slice(own.lines, LINE("\"secret\\n\""));
}
END_TEST

START_TEST(run_of_two_keys_is_for_neither_alone)
{
    struct reader reader GH_SCOPED(reader_done) = {0};
    struct gh_run *run = begin("r");

    attach_for(&reader, "r", "key");
    ck_assert(!reader.is_ended);
    ck_assert_ptr_eq(gh_run_begin(runs, slice("r"), slice("other")), run);
    ck_assert(reader.is_ended);
    write_text(run, "of whom?\n");
    ck_assert_uint_eq(reader.lines.len, 0);
    gh_run_end(run);
    gh_run_end(run);
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
    tcase_add_test(tests, run_that_was_asked_for_in_vain_is_known_when_it_begins);
    tcase_add_test(tests, reader_of_a_run_read_before_gets_the_next_one);
    tcase_add_test(tests, reader_of_a_run_read_before_gets_a_replay_when_none_follows);
    tcase_add_test(tests, reader_of_a_silent_run_waits_shortly);
    tcase_add_test(tests, silent_run_may_be_followed_by_one_that_speaks);
    tcase_add_test(tests, dropped_reader_hears_nothing_more);
    tcase_add_test(tests, reader_for_a_key_gets_nothing_of_other_keys);
    tcase_add_test(tests, run_of_two_keys_is_for_neither_alone);
    tcase_add_test(tests, shutdown_ends_readers_of_all_kinds);
    tcase_add_test(tests, free_ends_readers);
}

int
main(void)
{
    return run_tests("store_runs", add);
}
