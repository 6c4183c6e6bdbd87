/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/settings.h"

#include <ctype.h>
#include <limits.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static struct gh_settings settings;
static struct gh_faults faults;
static char *first_fault; /* "" when there is none */

/* Load with these options behind the program's name; a NULL ends them. */
static enum gh_settings_result
load(const char *first, const char *second, const char *third)
{
    char *argv[5] = {(char *)(uintptr_t) "gatehoused", (char *)(uintptr_t)first,
                     (char *)(uintptr_t)second, (char *)(uintptr_t)third, NULL};
    int argc = 1;

    while (argv[argc])
        argc++;
    enum gh_settings_result result = gh_settings_load(&settings, argc, argv, &faults);
    first_fault = faults.texts.count > 0 ? faults.texts.list[0] : (char *)(uintptr_t) "";
    return result;
}

static void
unload(void)
{
    gh_settings_done(&settings);
    gh_faults_done(&faults);
}

static const char *
spelled(const char *prefix, const char *name, bool is_variable)
{
    static char out[100];
    size_t at = (size_t)snprintf(out, sizeof out, "%s", prefix);

    for (; *name; name++)
        out[at++] = is_variable ? (char)toupper((unsigned char)*name) : *name == '_' ? '-' : *name;
    out[at] = '\0';
    return out;
}

START_TEST(defaults_are_those_of_the_table)
{
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.host, "127.0.0.1");
    ck_assert_uint_eq(settings.port, 32300);
    ck_assert_uint_eq(settings.body_max_bytes, 4294967296ull);
    ck_assert_str_eq(settings.rh_version, "0.0.42");
    ck_assert(!settings.insecure);
    ck_assert_uint_eq(settings.declared.module_count, 0);
#define GH_CHECK_UINT(name, preset) ck_assert_uint_eq(settings.name, strtoull(preset, NULL, 10));
#define GH_CHECK_TEXT(name, preset) ck_assert_str_eq(settings.name, preset);
#define GH_CHECK_FLAG(name, preset) ck_assert_int_eq(settings.name, preset[0] == '1');
#define X(kind, name, preset, ...) GH_CHECK_##kind(name, preset)
    GH_SETTINGS(X)
#undef X
}
END_TEST

/* For each row of numbers: its limits are taken, one below and one above are not. */
START_TEST(limits_of_each_number_hold)
{
    char text[32];

#define GH_TRY_UINT(name, lowest, highest)                                                         \
    snprintf(text, sizeof text, "%llu", (unsigned long long)(lowest));                             \
    ck_assert_int_eq(load(spelled("--", #name, false), text, NULL), GH_SETTINGS_RUN);              \
    ck_assert_uint_eq(settings.name, (lowest));                                                    \
    unload();                                                                                      \
    snprintf(text, sizeof text, "%llu", (unsigned long long)(highest));                            \
    ck_assert_int_eq(load(spelled("--", #name, false), text, NULL), GH_SETTINGS_RUN);              \
    ck_assert_uint_eq(settings.name, (highest));                                                   \
    unload();                                                                                      \
    snprintf(text, sizeof text, "%llu", (unsigned long long)(highest) + 1);                        \
    ck_assert_int_eq(load(spelled("--", #name, false), text, NULL), GH_SETTINGS_BAD_VALUE);        \
    assert_contains(first_fault, #name);                                                           \
    assert_contains(first_fault, text);                                                            \
    unload();                                                                                      \
    snprintf(text, sizeof text, "%lld", (long long)(lowest)-1);                                    \
    ck_assert_int_eq(load(spelled("--", #name, false), text, NULL), GH_SETTINGS_BAD_VALUE);        \
    unload();
#define GH_TRY_TEXT(name, lowest, highest)
#define GH_TRY_FLAG(name, lowest, highest)
#define X(kind, name, preset, lowest, highest, ...) GH_TRY_##kind(name, lowest, highest)
    GH_SETTINGS(X)
#undef X
}
END_TEST

static const char *const no_numbers[] = {
    "",
    "x",
    "1x",
    "0x10",
    " 1",
    "1 ",
    "+1",
    "-1",
    "1.5",
    "1e3",
    "18446744073709551616",
    "99999999999999999999999",
};

START_TEST(what_is_no_number_is_a_bad_value)
{
    ck_assert_int_eq(load("--port", no_numbers[_i], NULL), GH_SETTINGS_BAD_VALUE);
    assert_contains(first_fault, "port");
    assert_contains(first_fault, "from 0 to 65535");
}
END_TEST

static const char *const file_settings[] = {"ssl_certfile", "ssl_keyfile", "ssl_ocspfile",
                                            "client_ca",    "acme_ca",     "acme_eab_key_file",
                                            "den_ca"};

/* A text that is not the default, and that the setting NAME takes. */
static const char *
other_text(const char *name)
{
    if (strcmp(name, "config") == 0)
        return "/dev/null";
    if (strcmp(name, "log_level") == 0)
        return "DEBUG";
    for (size_t i = 0; i < COUNT(file_settings); i++)
        if (strcmp(name, file_settings[i]) == 0)
            return "/other.pem"; /* made absolute */
    if (strcmp(name, "cors_origins") == 0)
        return "https://a.example";
    if (strcmp(name, "trusted_proxies") == 0)
        return "10.0.0.0/8,unix";
    if (strcmp(name, "acme_challenge") == 0)
        return "http-01";
    if (strcmp(name, "api_server_url") == 0)
        return "https://other";
    return strcmp(name, "log_format") == 0 ? "json" : "other";
}

START_TEST(each_setting_has_a_variable)
{
#define GH_VARIABLE_UINT(name, preset)                                                             \
    setenv(spelled("GATEHOUSE_", #name, true), preset, 1);                                         \
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);                                     \
    unload();                                                                                      \
    setenv(spelled("GATEHOUSE_", #name, true), "x", 1);                                            \
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_BAD_VALUE);                               \
    assert_contains(first_fault, spelled("environment variable GATEHOUSE_", "", false));           \
    assert_contains(first_fault, spelled("GATEHOUSE_", #name, true));                              \
    unload();                                                                                      \
    unsetenv(spelled("GATEHOUSE_", #name, true));
#define GH_VARIABLE_TEXT(name, preset)                                                             \
    setenv(spelled("GATEHOUSE_", #name, true), other_text(#name), 1);                              \
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);                                     \
    ck_assert_str_eq(settings.name, other_text(#name));                                            \
    unload();                                                                                      \
    unsetenv(spelled("GATEHOUSE_", #name, true));
#define GH_VARIABLE_FLAG(name, preset)                                                             \
    setenv(spelled("GATEHOUSE_", #name, true), "true", 1);                                         \
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);                                     \
    ck_assert(settings.name);                                                                      \
    unload();                                                                                      \
    unsetenv(spelled("GATEHOUSE_", #name, true));
#define X(kind, name, preset, ...) GH_VARIABLE_##kind(name, preset)
    GH_SETTINGS(X)
#undef X
}
END_TEST

START_TEST(options_of_the_clients_server_are_taken_and_mean_nothing)
{
    char *argv[] = {"gatehoused",    "--use-caddy",   "--conda-env", "lab", "--restart-proxy",
                    "--from-python", "--conda-env=x", "--port",      "9",   NULL};

    ck_assert_int_eq(gh_settings_load(&settings, 9, argv, &faults), GH_SETTINGS_RUN);
    ck_assert_uint_eq(settings.port, 9);
    unload();
}
END_TEST

START_TEST(files_count_from_where_we_were_started)
{
    char folder[4096], wanted[5000];

    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    snprintf(wanted, sizeof wanted, "%s/a.crt,/b.crt", folder);
    ck_assert_int_eq(load("--ssl-certfile", "a.crt,/b.crt", NULL), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.ssl_certfile, wanted);
    unload();
}
END_TEST

START_TEST(flag_goes_over_variable_and_an_empty_variable_counts_for_nothing)
{
    setenv("GATEHOUSE_PORT", "1234", 1);
    setenv("GATEHOUSE_HOST", "", 1);
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);
    ck_assert_uint_eq(settings.port, 1234);
    ck_assert_str_eq(settings.host, "127.0.0.1");
    unload();
    ck_assert_int_eq(load("--port=4321", NULL, NULL), GH_SETTINGS_RUN);
    ck_assert_uint_eq(settings.port, 4321);
    unsetenv("GATEHOUSE_PORT");
    unsetenv("GATEHOUSE_HOST");
}
END_TEST

START_TEST(client_variable_sets_the_log_level)
{
    setenv("RH_LOG_LEVEL", "DEBUG", 1);
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.log_level, "DEBUG");
    unload();
    setenv("GATEHOUSE_LOG_LEVEL", "ERROR", 1);
    ck_assert_int_eq(load(NULL, NULL, NULL), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.log_level, "ERROR");
    unsetenv("GATEHOUSE_LOG_LEVEL");
    unsetenv("RH_LOG_LEVEL");
}
END_TEST

START_TEST(both_spellings_of_an_option_are_read)
{
    ck_assert_int_eq(load("--host", "::1", "--insecure"), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.host, "::1");
    ck_assert(settings.insecure);
    unload();
    ck_assert_int_eq(load("--host=", "--insecure=0", NULL), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.host, "");
    ck_assert(!settings.insecure);
    unload();
    ck_assert_int_eq(load("--env=a=b", "--host=1", "--host=2"), GH_SETTINGS_RUN);
    ck_assert_str_eq(settings.env, "a=b");
    ck_assert_str_eq(settings.host, "2");
}
END_TEST

START_TEST(flag_takes_true_and_false_only)
{
    ck_assert_int_eq(load("--insecure=yes", NULL, NULL), GH_SETTINGS_BAD_VALUE);
    assert_contains(first_fault, "insecure");
    assert_contains(first_fault, "yes");
}
END_TEST

START_TEST(unknown_option_names_the_nearest)
{
    ck_assert_int_eq(load("--body-max-byte", NULL, NULL), GH_SETTINGS_USAGE);
    assert_contains(first_fault, "--body-max-byte'");
    assert_contains(first_fault, "did you mean --body-max-bytes");
    unload();
    ck_assert_int_eq(load("--zzz", NULL, NULL), GH_SETTINGS_USAGE);
    ck_assert_ptr_null(strstr(first_fault, "did you mean"));
    unload();
    ck_assert_int_eq(load("stray", NULL, NULL), GH_SETTINGS_USAGE);
    unload();
    ck_assert_int_eq(load("-p", "1", NULL), GH_SETTINGS_USAGE);
    unload();
    ck_assert_int_eq(load("--body_max_bytes", "2048", NULL), GH_SETTINGS_USAGE);
}
END_TEST

START_TEST(option_without_value_is_misuse)
{
    ck_assert_int_eq(load("--port", NULL, NULL), GH_SETTINGS_USAGE);
    assert_contains(first_fault, "--port");
    unload();
    ck_assert_int_eq(load("--module", NULL, NULL), GH_SETTINGS_USAGE);
}
END_TEST

START_TEST(help_and_version_end_before_anything_is_checked)
{
    setenv("GATEHOUSE_PORT", "x", 1);
    ck_assert_int_eq(load("--nonsense", "--help", NULL), GH_SETTINGS_DONE);
    unload();
    ck_assert_int_eq(load("--version", NULL, NULL), GH_SETTINGS_DONE);
    unsetenv("GATEHOUSE_PORT");
}
END_TEST

START_TEST(modules_are_named_files_with_an_attribute)
{
    char *folder = make_folder();
    char *file GH_SCOPED(gh_free) = write_file(folder, "a:b.py", "");
    char *one GH_SCOPED(gh_free) = gh_asprintf("m=%s:f", file);
    char *two GH_SCOPED(gh_free) =
        gh_asprintf("--module=n=%s/../%s:C", folder, strrchr(folder, '/') + 1);
    char real[PATH_MAX];

    ck_assert_ptr_nonnull(realpath(file, real));
    ck_assert_int_eq(load("--module", one, NULL), GH_SETTINGS_RUN);
    ck_assert_uint_eq(settings.declared.module_count, 1);
    ck_assert_str_eq(settings.declared.modules[0].name, "m");
    ck_assert_str_eq(settings.declared.modules[0].file, real);
    ck_assert_str_eq(settings.declared.modules[0].attr, "f");
    unload();
    ck_assert_int_eq(load("--module", one, two), GH_SETTINGS_RUN);
    ck_assert_uint_eq(settings.declared.module_count, 2);
    ck_assert_str_eq(settings.declared.modules[1].attr, "C");
    unload();
    char *again GH_SCOPED(gh_free) = gh_asprintf("--module=%s", one);
    ck_assert_int_eq(load("--module", one, again), GH_SETTINGS_BAD_VALUE);
    assert_contains(first_fault, "given twice");
    remove_folder(folder);
}
END_TEST

static const char *const bad_modules[] = {
    "",
    "m",
    "m=",
    "m=f",
    "m=/dev/null:",
    "=/dev/null:f",
    "m=:f",
    ":=f",
    "a/b=/:f",
    "a?b=/:f",
    "a#b=/:f",
    "_gatehouse=/:f",
    "_gatehouse_x=/:f",
    "m=/nonexistent/file.py:f",
};

START_TEST(bad_module_is_a_bad_value_that_shows_it)
{
    ck_assert_int_eq(load("--module", bad_modules[_i], NULL), GH_SETTINGS_BAD_VALUE);
    assert_contains(first_fault, "--module");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, unload);
    tcase_add_test(tests, defaults_are_those_of_the_table);
    tcase_add_test(tests, limits_of_each_number_hold);
    tcase_add_loop_test(tests, what_is_no_number_is_a_bad_value, 0, (int)COUNT(no_numbers));
    tcase_add_test(tests, each_setting_has_a_variable);
    tcase_add_test(tests, options_of_the_clients_server_are_taken_and_mean_nothing);
    tcase_add_test(tests, files_count_from_where_we_were_started);
    tcase_add_test(tests, flag_goes_over_variable_and_an_empty_variable_counts_for_nothing);
    tcase_add_test(tests, client_variable_sets_the_log_level);
    tcase_add_test(tests, both_spellings_of_an_option_are_read);
    tcase_add_test(tests, flag_takes_true_and_false_only);
    tcase_add_test(tests, unknown_option_names_the_nearest);
    tcase_add_test(tests, option_without_value_is_misuse);
    tcase_add_test(tests, help_and_version_end_before_anything_is_checked);
    tcase_add_test(tests, modules_are_named_files_with_an_attribute);
    tcase_add_loop_test(tests, bad_module_is_a_bad_value_that_shows_it, 0, (int)COUNT(bad_modules));
}

int
main(void)
{
    /* The tests' own, whatever the environment they run in. */
#define X(kind, name, ...) unsetenv(spelled("GATEHOUSE_", #name, true));
    GH_SETTINGS(X)
#undef X
    unsetenv("RH_LOG_LEVEL");
    return run_tests("conf_settings", add);
}
