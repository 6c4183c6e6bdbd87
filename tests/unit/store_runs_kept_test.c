/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of the output of runs, and for how long. */
#include "tests/unit/runs_rig.h"

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
    return run_tests("store_runs_kept", add);
}
