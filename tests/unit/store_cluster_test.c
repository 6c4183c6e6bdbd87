/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cluster.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "conf/settings.h"
#include "tests/unit/suite.h"

static char *home, *home_before;
static struct gh_settings settings;
static struct gh_cluster cluster;
static struct gh_err err;

static void
set_up(void)
{
    char *argv[] = {(char *)(uintptr_t) "test", NULL};
    struct gh_faults faults = {0};

    ck_assert_int_eq(gh_settings_load(&settings, 1, argv, &faults), GH_SETTINGS_RUN);
    home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    home = make_folder();
    setenv("HOME", home, 1);
    cluster.config = NULL;
    memset(&err, 0, sizeof err);
}

static void
tear_down(void)
{
    gh_cluster_done(&cluster);
    gh_cluster_done(&cluster);
    gh_settings_done(&settings);
    remove_folder(home);
    setenv("HOME", home_before, 1);
    gh_free(&home_before);
}

/* Load with TEXT as the file; NULL: without one. */
static int
load(const char *text)
{
    if (text) {
        char *folder GH_SCOPED(gh_free) = gh_asprintf("%s/.rh", home);
        mkdir(folder, 0700);
        free(write_file(folder, "cluster_config.json", text));
    }
    return gh_cluster_load(&cluster, &settings, 4321, &err);
}

static const char *
text_of(const char *name)
{
    return json_string_value(json_object_get(cluster.config, name));
}

START_TEST(missing_file_is_all_defaults)
{
    ck_assert_int_eq(load(NULL), GH_OK);
    ck_assert(json_is_null(json_object_get(cluster.config, "name")));
    ck_assert_str_eq(text_of("resource_subtype"), "Cluster");
    ck_assert(json_is_false(json_object_get(cluster.config, "den_auth")));
    ck_assert_int_eq(json_integer_value(json_object_get(cluster.config, "server_port")), 4321);
    ck_assert_str_eq(text_of("server_connection_type"), "none");
    ck_assert_str_eq(text_of("server_host"), "127.0.0.1");
    ck_assert_str_eq(gh_cluster_ip(&cluster), "127.0.0.1");
    ck_assert(json_is_boolean(json_object_get(cluster.config, "is_gpu")));
    ck_assert_ptr_null(json_object_get(cluster.config, "compute_properties"));
}
END_TEST

START_TEST(file_goes_over_defaults)
{
    ck_assert_int_eq(load("{\"name\": \"/me/box\", \"server_port\": 1, \"server_host\": null, "
                          "\"ips\": [\"10.0.0.1\", \"10.0.0.2\"], \"autostop_mins\": 5, "
                          "\"compute_properties\": {\"cloud\": \"x\"}}"),
                     GH_OK);
    ck_assert_str_eq(text_of("name"), "/me/box");
    ck_assert_int_eq(json_integer_value(json_object_get(cluster.config, "server_port")),
                     4321);                                /* ours */
    ck_assert_str_eq(text_of("server_host"), "127.0.0.1"); /* null is no value */
    ck_assert_str_eq(gh_cluster_ip(&cluster), "10.0.0.1");
    ck_assert_int_eq(json_integer_value(json_object_get(cluster.config, "autostop_mins")), 5);
    ck_assert_ptr_nonnull(json_object_get(cluster.config, "compute_properties"));
}
END_TEST

START_TEST(credentials_and_unknown_members_are_not_kept)
{
    ck_assert_int_eq(load("{\"creds\": {\"token\": \"s3cret\"}, \"ssh_private_key\": \"s3cret\", "
                          "\"api_server_url\": \"s3cret\"}"),
                     GH_OK);
    char *text GH_SCOPED(gh_free) = json_dumps(cluster.config, 0);
    ck_assert_ptr_null(strstr(text, "s3cret"));
}
END_TEST

START_TEST(hello_has_the_config)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(load("{\"name\": \"a\\\"b\"}"), GH_OK);
    gh_cluster_set(&cluster, "autostop_mins", json_integer(9));
    gh_buf_add_text(&out, "{\"x\":1");
    gh_cluster_add_hello(&cluster, &out);
    gh_buf_add_byte(&out, '}');
    json_t *tree = json_loadb((char *)out.bytes, out.len, 0, NULL);
    json_t *config = json_object_get(tree, "cluster_config");
    ck_assert_str_eq(json_string_value(json_object_get(config, "name")), "a\"b");
    ck_assert_int_eq(json_integer_value(json_object_get(config, "autostop_mins")), 9);
    json_decref(tree);
}
END_TEST

static const struct {
    const char *text, *problem;
} bad[] = {
    {"", "cluster_config.json, line 1 column"},
    {"{\n\"name\": }", "cluster_config.json, line 2 column"},
    {"[]", "a JSON object is needed"},
    {"\"x\"", "cluster_config.json"},
};

START_TEST(bad_file_is_an_error_that_names_it)
{
    ck_assert_int_eq(load(bad[_i].text), GH_E_INPUT);
    assert_contains(err.text, bad[_i].problem);
    assert_contains(err.text, home);
}
END_TEST

static const struct {
    char *host;
    const char *ip;
} hosts[] = {
    {"127.0.0.2", "127.0.0.2"}, {"10.0.0.5", "10.0.0.5"}, {"0.0.0.0", "127.0.0.1"},
    {"::", "127.0.0.1"},        {"fd00::5", "127.0.0.1"}, {"localhost", "127.0.0.1"},
};

START_TEST(ip_is_where_it_listens)
{
    struct gh_settings listening = settings;

    listening.host = hosts[_i].host;
    ck_assert_int_eq(gh_cluster_load(&cluster, &listening, 4321, &err), GH_OK);
    ck_assert_str_eq(gh_cluster_ip(&cluster), hosts[_i].ip);
}
END_TEST

START_TEST(ip_of_the_file_wins)
{
    ck_assert_int_eq(load("{\"ips\": [\"192.0.2.7\"]}"), GH_OK);
    ck_assert_str_eq(gh_cluster_ip(&cluster), "192.0.2.7");
}
END_TEST

static const char *const odd_ips[] = {"null", "[]", "[1]", "\"10.0.0.1\"", "{}", "[null, \"x\"]"};

START_TEST(ip_of_odd_lists_is_loopback)
{
    char *text GH_SCOPED(gh_free) = gh_asprintf("{\"ips\": %s}", odd_ips[_i]);

    ck_assert_int_eq(load(text), GH_OK);
    ck_assert_str_eq(gh_cluster_ip(&cluster), "127.0.0.1");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, missing_file_is_all_defaults);
    tcase_add_test(tests, file_goes_over_defaults);
    tcase_add_test(tests, credentials_and_unknown_members_are_not_kept);
    tcase_add_test(tests, hello_has_the_config);
    tcase_add_loop_test(tests, bad_file_is_an_error_that_names_it, 0, (int)COUNT(bad));
    tcase_add_loop_test(tests, ip_of_odd_lists_is_loopback, 0, (int)COUNT(odd_ips));
    tcase_add_loop_test(tests, ip_is_where_it_listens, 0, (int)COUNT(hosts));
    tcase_add_test(tests, ip_of_the_file_wins);
}

int
main(void)
{
    return run_tests("store_cluster", add);
}
