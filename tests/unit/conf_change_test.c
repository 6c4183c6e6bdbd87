/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/change.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/rows.h"
#include "conf/settings.h"
#include "conf/show.h"
#include "tests/unit/suite.h"

static char *folder, *file, *home_before;
static struct gh_settings settings;
static struct gh_faults faults;
static char *argv[3] = {(char *)(uintptr_t) "test"};

static void
configure(const char *text)
{
    free(file);
    file = write_file(folder, "gatehouse.yaml", text);
}

static void
set_up(void)
{
    gh_log_setup(GH_LOG_ERR, GH_LOG_TEXT);
    folder = make_folder();
    home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", folder, 1);
    configure("port: 81\nlog_level: ERROR\n");
    argv[1] = gh_asprintf("--config=%s", file);
    ck_assert_int_eq(gh_settings_load(&settings, 2, argv, &faults), GH_SETTINGS_RUN);
}

static void
tear_down(void)
{
    gh_settings_done(&settings);
    gh_faults_done(&faults);
    gh_free(&argv[1]);
    gh_free(&file);
    setenv("HOME", home_before, 1);
    gh_free(&home_before);
    remove_folder(folder);
}

static int
change(const char *json)
{
    json_t *wanted = json_loads(json, 0, NULL);

    ck_assert_ptr_nonnull(wanted);
    int rc = gh_change_apply(&settings, wanted, &faults);
    json_decref(wanted);
    return rc;
}

START_TEST(all_of_a_change_holds)
{
    ck_assert_int_eq(change("{\"body_max_bytes\": 5000, \"log_level\": \"DEBUG\", "
                            "\"all_gpus_visible\": true}"),
                     GH_OK);
    ck_assert_uint_eq(settings.body_max_bytes, 5000);
    ck_assert_str_eq(settings.log_level, "DEBUG");
    ck_assert(settings.all_gpus_visible);
    ck_assert_str_eq(gh_row_source(&settings, gh_row_find("body_max_bytes")), "live change");
    ck_assert_int_eq(change("{}"), GH_OK);
}
END_TEST

static const struct {
    const char *json, *fault;
} refused[] = {
    {"{\"prot\": 1}", "unknown setting 'prot'; did you mean port"},
    {"{\"port\": 1}", "port cannot change while the daemon runs: it needs a restart"},
    {"{\"modules\": {}}", "modules cannot change while the daemon runs: it needs a restart"},
    {"{\"body_max_bytes\": \"5000\"}", "body_max_bytes must be a whole number"},
    {"{\"body_max_bytes\": 5000.5}", "body_max_bytes must be a whole number"},
    {"{\"body_max_bytes\": null}", "body_max_bytes must be a whole number"},
    {"{\"body_max_bytes\": -1}",
     "body_max_bytes is '-1', but must be a whole number from 1024 to 1099511627776 bytes"},
    {"{\"all_gpus_visible\": 1}", "all_gpus_visible must be true or false"},
    {"{\"log_level\": 10}", "log_level must be text"},
    {"{\"log_level\": \"LOUD\"}", "log_level is 'LOUD', but must be DEBUG, INFO, WARNING or ERROR"},
    {"{\"log_format\": \"\"}", "log_format is '', but must be one of auto|text|json"},
};

/* With one wrong value nothing changes, whatever stands before and behind it. */
START_TEST(a_wrong_value_refuses_the_whole_change)
{
    char *json GH_SCOPED(gh_free) =
        gh_asprintf("{\"header_timeout_ms\": 77, %.*s, \"send_timeout_ms\": 78}",
                    (int)strlen(refused[_i].json) - 2, refused[_i].json + 1);

    ck_assert_int_eq(change(json), GH_E_INPUT);
    ck_assert_uint_eq(faults.texts.count, 1);
    ck_assert_str_eq(faults.texts.list[0], refused[_i].fault);
    ck_assert_uint_eq(settings.header_timeout_ms, 15000);
    ck_assert_uint_eq(settings.send_timeout_ms, 60000);
    ck_assert_uint_eq(settings.port, 81);
}
END_TEST

START_TEST(every_fault_is_told)
{
    ck_assert_int_eq(change("{\"port\": 1, \"x\": 2, \"log_level\": 3}"), GH_E_INPUT);
    ck_assert_uint_eq(faults.texts.count, 3);
}
END_TEST

START_TEST(reload_makes_what_is_live_hold_and_undoes_changes)
{
    ck_assert_int_eq(change("{\"body_max_bytes\": 5000}"), GH_OK);
    configure("port: 82\nlog_level: CRITICAL\n");
    ck_assert_int_eq(gh_change_reload(&settings, 2, argv, &faults), GH_OK);
    ck_assert_str_eq(settings.log_level, "CRITICAL");
    ck_assert_uint_eq(settings.body_max_bytes, 4294967296ull);
    ck_assert_uint_eq(settings.port, 81); /* needs a restart */
}
END_TEST

START_TEST(reload_of_a_broken_file_changes_nothing)
{
    configure("log_level: DEBUG\nbody_max_bytes: 1\n");
    ck_assert_int_eq(gh_change_reload(&settings, 2, argv, &faults), GH_E_INPUT);
    ck_assert_str_eq(settings.log_level, "ERROR");
    assert_contains(faults.texts.list[0], "gatehouse.yaml:2:17: body_max_bytes is '1'");
}
END_TEST

START_TEST(shown_with_source_and_without_passwords)
{
    ck_assert_int_eq(change("{\"torch_index_url\": \"https://me:secret@x/simple\"}"), GH_OK);
    json_t *shown = gh_show_settings(&settings);
    char *text GH_SCOPED(gh_free) = json_dumps(shown, 0);
    const json_t *port = json_object_get(json_object_get(shown, "settings"), "port");

    ck_assert_ptr_null(strstr(text, "secret"));
    ck_assert_int_eq(json_integer_value(json_object_get(port, "value")), 81);
    ck_assert_int_eq(json_integer_value(json_object_get(port, "default")), 32300);
    ck_assert(json_is_false(json_object_get(port, "live")));
    assert_contains(json_string_value(json_object_get(port, "source")), "gatehouse.yaml:1:7");
    json_decref(shown);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_of_a_change_holds);
    tcase_add_loop_test(tests, a_wrong_value_refuses_the_whole_change, 0, (int)COUNT(refused));
    tcase_add_test(tests, every_fault_is_told);
    tcase_add_test(tests, reload_makes_what_is_live_hold_and_undoes_changes);
    tcase_add_test(tests, reload_of_a_broken_file_changes_nothing);
    tcase_add_test(tests, shown_with_source_and_without_passwords);
}

int
main(void)
{
    return run_tests("conf_change", add);
}
