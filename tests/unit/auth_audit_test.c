/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log: what a line holds, files that change under it, and a bound on what waits. */
#include "auth/audit.h"

#include <jansson.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *folder, *path;
static uv_loop_t loop;
static struct gh_audit audit;
static struct gh_err err;

static void
set_up(void)
{
    folder = make_folder();
    path = gh_asprintf("%s/audit.log", folder);
    uv_loop_init(&loop);
    gh_audit_init(&audit, &loop);
}

static void
tear_down(void)
{
    gh_audit_flush(&audit);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_audit_done(&audit);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    gh_free(&path);
    remove_folder(folder);
}

static void
add_entry(const char *id)
{
    const struct gh_audit_entry entry = {
        .request_id = id,
        .user = "ann",
        .address = "192.0.2.7",
        .method = "POST",
        .route = "/{key}/{method}",
        .key = {"a\"b", 3},
        .key_method = {"call", 4},
        .status = 200,
        .duration_ms = 1.25,
    };
    gh_audit_add(&audit, &entry);
}

static void
write_all(void)
{
    gh_audit_flush(&audit);
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* Line NUMBER of the file at WHERE as JSON, or NULL. */
static json_t *
line_at(const char *where, int number)
{
    FILE *file = fopen(where, "r");
    char text[1024] = "";

    for (int i = 0; i <= number; i++)
        if (!fgets(text, sizeof text, file)) {
            fclose(file);
            return NULL;
        }
    fclose(file);
    return json_loads(text, 0, NULL);
}

static void
assert_id(const char *where, int number, const char *id)
{
    json_t *line = line_at(where, number);

    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(json_string_value(json_object_get(line, "request_id")), id);
    json_decref(line);
}

START_TEST(line_says_who_asked_for_what)
{
    struct stat info;

    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    add_entry("id-1");
    write_all();
    json_t *line = line_at(path, 0);
    const char *time = json_string_value(json_object_get(line, "time"));
    ck_assert_uint_eq(strlen(time), strlen("2026-11-26T03:40:05.465Z"));
    json_object_del(line, "time");
    char *text GH_SCOPED(gh_free) = json_dumps(line, JSON_COMPACT);
    ck_assert_str_eq(text, "{\"request_id\":\"id-1\",\"user\":\"ann\",\"address\":\"192.0.2.7\","
                           "\"method\":\"POST\",\"route\":\"/{key}/{method}\",\"key\":\"a\\\"b\","
                           "\"key_method\":\"call\",\"status\":200,\"duration_ms\":1.25,"
                           "\"denied\":null}");
    json_decref(line);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(nothing_is_kept_while_it_is_off)
{
    ck_assert(!gh_audit_is_on(&audit));
    ck_assert(!gh_audit_is_on(NULL));
    add_entry("id-1");
    ck_assert_uint_eq(audit.lines.len, 0);
    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    ck_assert(gh_audit_is_on(&audit));
    ck_assert_int_eq(gh_audit_open(&audit, "", &err), GH_OK);
    ck_assert(!gh_audit_is_on(&audit));
}
END_TEST

/* A write is under way to the old file when the new one is opened. */
START_TEST(renamed_file_gets_no_more_lines)
{
    char *old GH_SCOPED(gh_free) = gh_asprintf("%s.1", path);

    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    add_entry("one");
    gh_audit_flush(&audit);
    add_entry("two");
    ck_assert_int_eq(rename(path, old), 0);
    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    write_all();
    assert_id(old, 0, "one");
    ck_assert_ptr_null(line_at(old, 1));
    assert_id(path, 0, "two");
}
END_TEST

START_TEST(file_that_cannot_be_opened_changes_nothing)
{
    char *nowhere GH_SCOPED(gh_free) = gh_asprintf("%s/no/file", folder);

    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    ck_assert_int_eq(gh_audit_open(&audit, nowhere, &err), GH_E_SYSTEM);
    assert_contains(err.text, "no/file cannot be opened: No such file");
    add_entry("one");
    write_all();
    assert_id(path, 0, "one");
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    while (audit.lost < 3)
        add_entry("many");
    ck_assert_uint_lt(audit.lines.len, GH_AUDIT_BACKLOG_MAX_BYTES + 1024);
    write_all();
    ck_assert_uint_eq(audit.lost, 0);
    FILE *file = fopen(path, "r");
    char text[1024], last[1024] = "";
    while (fgets(text, sizeof text, file))
        strcpy(last, text);
    fclose(file);
    assert_contains(last, "\"lost\":3}");
}
END_TEST

START_TEST(full_disk_is_survived)
{
    ck_assert_int_eq(gh_audit_open(&audit, "/dev/full", &err), GH_OK);
    add_entry("one");
    add_entry("two");
    write_all();
    ck_assert_uint_eq(audit.lost, 2);
    ck_assert(audit.is_failing);
    ck_assert_int_eq(gh_audit_open(&audit, path, &err), GH_OK);
    add_entry("three");
    write_all();
    assert_id(path, 0, "three");
    json_t *line = line_at(path, 1);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "lost")), 2);
    json_decref(line);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, line_says_who_asked_for_what);
    tcase_add_test(tests, nothing_is_kept_while_it_is_off);
    tcase_add_test(tests, renamed_file_gets_no_more_lines);
    tcase_add_test(tests, file_that_cannot_be_opened_changes_nothing);
    tcase_add_test(tests, what_does_not_fit_is_counted);
    tcase_add_test(tests, full_disk_is_survived);
}

int
main(void)
{
    return run_tests("auth_audit", add);
}
