/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "store/keys.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/suite.h"

#define ROUTE(name) gh_route_##name

static const struct {
    const char *path;
    enum gh_method method;
    void (*handle)(struct gh_api *api, struct gh_request *request);
} served[] = {
    {"/check", GH_GET, ROUTE(check)},
    {"/livez", GH_GET, ROUTE(livez)},
    {"/readyz", GH_GET, ROUTE(readyz)},
    {"/status", GH_GET, ROUTE(status)},
    {"/settings", GH_POST, ROUTE(settings)},
    {"/processes", GH_GET, ROUTE(processes)},
    {"/create_process", GH_POST, ROUTE(create_process)},
    {"/kill_process", GH_POST, ROUTE(kill_process)},
    {"/env_vars", GH_POST, ROUTE(env_vars)},
    {"/install_package", GH_POST, ROUTE(install_package)},
    {"/process_env_vars", GH_POST, ROUTE(env_vars)},
    {"/run_bash", GH_POST, ROUTE(run_bash)},
    {"/cert", GH_GET, ROUTE(cert)},
    {"/folder/method/ls", GH_POST, ROUTE(folder_ls)},
    {"/folder/method/mkdir", GH_POST, ROUTE(folder_mkdir)},
    {"/folder/method/get", GH_POST, ROUTE(folder_get)},
    {"/folder/method/put", GH_POST, ROUTE(folder_put)},
    {"/folder/method/rm", GH_POST, ROUTE(folder_rm)},
    {"/folder/method/mv", GH_POST, ROUTE(folder_mv)},
    {"/folder/method/exists", GH_POST, ROUTE(folder_exists)},
    {"/folder/method", GH_POST, ROUTE(call_post)},
    {"/resource", GH_POST, ROUTE(put_resource)},
    {"/object", GH_POST, ROUTE(put_object)},
    {"/object", GH_GET, ROUTE(get_object)},
    {"/rename", GH_POST, ROUTE(rename)},
    {"/delete_object", GH_POST, ROUTE(delete_object)},
    {"/keys", GH_GET, ROUTE(keys)},
    {"/logs", GH_POST, ROUTE(logs)},
    {"/logs/key/run@1/pickle", GH_GET, ROUTE(logs_get)},
    {"/logs/key", GH_GET, ROUTE(call_get)},
    {"/openapi.json", GH_GET, ROUTE(node_openapi)},
    {"/docs", GH_GET, ROUTE(node_docs)},
    {"/redoc", GH_GET, ROUTE(node_redoc)},
    {"/_gatehouse/assets/page.css", GH_GET, ROUTE(asset)},
    {"/key/openapi.json", GH_GET, ROUTE(module_openapi)},
    {"/key/docs", GH_GET, ROUTE(module_docs)},
    {"/key/redoc", GH_GET, ROUTE(module_redoc)},
    {"/key/docs", GH_POST, ROUTE(call_post)},
    {"/docs/call", GH_GET, ROUTE(call_get)},
    {"/key/method", GH_POST, ROUTE(call_post)},
    {"/key/method", GH_GET, ROUTE(call_get)},
    {"/check/call", GH_GET, ROUTE(call_get)}, /* a key may have any name */
    {"/status/status", GH_POST, ROUTE(call_post)},
    {"/%6Bey/a%2Fb", GH_GET, ROUTE(call_get)},
};

static struct gh_api api;

static const struct gh_route *
find(struct fake_request *fake, enum gh_method method, const char *target, unsigned *status)
{
    ck_assert_int_eq(fake_request_init(fake, method, target, strlen(target), NULL, 0), 0);
    return gh_route_find(&api, &fake->request, status);
}

/* As it stands, with a slash behind, with a query, in absolute form. */
START_TEST(each_url_has_its_function)
{
    static const char *const forms[] = {"%s", "%s/", "%s?a=1", "%s/?a=1/b", "http://host:1%s"};
    struct fake_request fake;
    unsigned status = 99;
    char target[100];

    for (size_t i = 0; i < COUNT(forms); i++) {
        const char *mark = strstr(forms[i], "%s");
        snprintf(target, sizeof target, "%.*s%s%s", (int)(mark - forms[i]), forms[i],
                 served[_i].path, mark + 2);
        const struct gh_route *route = find(&fake, served[_i].method, target, &status);
        ck_assert_msg(route != NULL, "%s has no route", target);
        ck_assert(route->handle == served[_i].handle);
    }
}
END_TEST

START_TEST(head_is_answered_as_get)
{
    struct fake_request fake;
    unsigned status = 0;
    const struct gh_route *route = find(&fake, GH_HEAD, served[_i].path, &status);

    if (served[_i].method != GH_GET)
        return;
    ck_assert_ptr_nonnull(route);
    ck_assert(route->handle == served[_i].handle);
}
END_TEST

static const char *const unknown[] = {
    "/",
    "//",
    "/nothing",
    "/checks",
    "/chec",
    "/CHECK",
    "//check",
    "/a/b/c",
    "/a//",
    "//b",
    "/a//b",
    "/check//",
    "/1/2/3/4/5/6/7/8/9",
    "/%63heck",
    "/metrics",
    "/status/a/b",
};

START_TEST(unknown_urls_are_not_found)
{
    struct fake_request fake;
    unsigned status = 0;

    for (int method = GH_GET; method <= GH_OTHER; method++) {
        ck_assert_ptr_null(find(&fake, (enum gh_method)method, unknown[_i], &status));
        ck_assert_uint_eq(status, 404);
        ck_assert_ptr_null(fake.request.allow);
    }
}
END_TEST

START_TEST(wrong_method_is_told_the_right_one)
{
    static const enum gh_method wrong[] = {GH_PUT, GH_DELETE, GH_OPTIONS, GH_OTHER};
    struct fake_request fake;
    unsigned status = 0;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        ck_assert_ptr_null(find(&fake, wrong[i], served[_i].path, &status));
        ck_assert_uint_eq(status, 405);
        ck_assert_ptr_nonnull(fake.request.allow);
    }
}
END_TEST

START_TEST(allow_names_what_is_served)
{
    struct fake_request fake;
    unsigned status = 0;

    ck_assert_ptr_null(find(&fake, GH_POST, "/check", &status));
    ck_assert_uint_eq(status, 405);
    assert_contains(fake.request.allow, "GET");
    ck_assert_ptr_null(find(&fake, GH_GET, "/rename/", &status));
    ck_assert_str_eq(fake.request.allow, "POST, OPTIONS");
    ck_assert_ptr_null(find(&fake, GH_HEAD, "/rename", &status));
    ck_assert_str_eq(fake.request.allow, "POST, OPTIONS");
}
END_TEST

/* RFC 9110 section 10.2.1: the set of methods of the resource. */
START_TEST(allow_names_both_methods_of_a_url_with_two)
{
    struct fake_request fake;
    unsigned status = 0;

    ck_assert_ptr_null(find(&fake, GH_PUT, _i ? "/object" : "/key/method", &status));
    ck_assert_uint_eq(status, 405);
    assert_contains(fake.request.allow, "GET");
    assert_contains(fake.request.allow, "POST");
}
END_TEST

/* Its other programs see a URL that is not there. */
START_TEST(what_is_local_is_served_on_the_control_socket_only)
{
    static const char path[] = "/_gatehouse/v1/config";
    static const enum gh_method methods[] = {GH_GET, GH_PATCH, GH_POST};
    struct fake_request fake;
    unsigned status;

    for (size_t i = 0; i < COUNT(methods); i++) {
        ck_assert_ptr_null(find(&fake, methods[i], path, &status));
        ck_assert_uint_eq(status, 404);
        ck_assert_ptr_null(fake.request.allow);
    }
    fake.request.is_local = true;
    ck_assert_ptr_null(gh_route_find(&api, &fake.request, &status));
    ck_assert_uint_eq(status, 405);
    ck_assert_str_eq(fake.request.allow, "GET, HEAD, PATCH, OPTIONS");
    fake.request.method = GH_PATCH;
    ck_assert_ptr_nonnull(gh_route_find(&api, &fake.request, &status));
    fake.request.method = GH_GET;
    ck_assert(gh_route_find(&api, &fake.request, &status)->handle == ROUTE(config_get));
}
END_TEST

/* With a Den (NULL: none of its rows), and without. */
static const struct {
    const char *path;
    enum gh_method method;
    void (*handle)(struct gh_api *api, struct gh_request *request);
    void (*without)(struct gh_api *api, struct gh_request *request);
} of_den[] = {
    {"/user", GH_GET, ROUTE(den_user), NULL},
    {"/user/config", GH_PUT, ROUTE(den_user_config), NULL},
    {"/user/config", GH_POST, ROUTE(call_post), ROUTE(call_post)},
    {"/user/secret", GH_GET, ROUTE(den_secrets), ROUTE(call_get)},
    {"/user/secret/alice:key", GH_DELETE, ROUTE(den_secret_delete), NULL},
    {"/user/call", GH_GET, ROUTE(call_get), ROUTE(call_get)},
    {"/auth/token/cluster", GH_POST, ROUTE(den_cluster_token), NULL},
    {"/auth/token", GH_POST, ROUTE(call_post), ROUTE(call_post)},
    {"/auth/token/cluster/alice:gpu", GH_GET, ROUTE(den_cluster_token_check), NULL},
    {"/resource", GH_GET, ROUTE(den_list), NULL},
    {"/resource", GH_POST, ROUTE(den_create), ROUTE(put_resource)},
    {"/resource/alice:gpu", GH_GET, ROUTE(den_get), ROUTE(call_get)},
    {"/resource/alice:gpu", GH_PUT, ROUTE(den_put), NULL},
    {"/resource/alice:gpu", GH_POST, ROUTE(call_post), ROUTE(call_post)},
    {"/resource/history/alice:gpu", GH_GET, ROUTE(den_history), NULL},
    {"/resource/alice:gpu/cluster/status", GH_POST, ROUTE(den_status_post), NULL},
    {"/resource/alice:gpu/logs/file", GH_GET, ROUTE(den_logs_link), NULL},
    {"/cluster/up", GH_POST, ROUTE(den_launch), ROUTE(call_post)},
    {"/cluster/call", GH_POST, ROUTE(call_post), ROUTE(call_post)},
};

START_TEST(a_den_has_urls_of_its_own)
{
    struct fake_request fake;
    unsigned status;

    for (int with = 0; with < 2; with++) {
        api.den = with ? (struct gh_den *)&api : NULL; /* not looked into */
        const struct gh_route *route = find(&fake, of_den[_i].method, of_den[_i].path, &status);
        ck_assert((route ? route->handle : NULL) ==
                  (with ? of_den[_i].handle : of_den[_i].without));
    }
}
END_TEST

START_TEST(what_is_posted_to_resource_is_told_by_its_type)
{
    static const char *const types[] = {"application/json", "Application/JSON; charset=utf-8"};
    struct fake_request fake;
    unsigned status;

    api.den = (struct gh_den *)&api;
    find(&fake, GH_POST, "/resource", &status);
    fake.header_name = "Content-Type";
    for (size_t i = 0; i < COUNT(types); i++) {
        fake.header_value = types[i];
        ck_assert(gh_route_find(&api, &fake.request, &status)->handle == ROUTE(put_resource));
    }
    fake.header_value = "text/plain";
    ck_assert(gh_route_find(&api, &fake.request, &status)->handle == ROUTE(den_create));
    ck_assert_ptr_null(find(&fake, GH_PATCH, "/resource/a:b", &status));
    ck_assert_str_eq(fake.request.allow, "GET, HEAD, PUT, DELETE, POST, OPTIONS");
}
END_TEST

START_TEST(begin_answers_what_has_no_route)
{
    struct gh_keys keys = {0};
    struct fake_request fake;

    api.keys = &keys;

    fake_request_init(&fake, GH_GET, "/nothing", 8, NULL, 0);
    gh_api_begin(&api, &fake.request);
    ck_assert_uint_eq(fake.status, 404);
    assert_slice(fake.answer, "{\"detail\":\"Not Found\",\"request_id\":\"id-1\"}");
    fake_request_done(&fake);

    fake_request_init(&fake, GH_DELETE, "/check", 6, NULL, 0);
    gh_api_begin(&api, &fake.request);
    ck_assert_uint_eq(fake.status, 405);
    assert_slice(fake.answer, "{\"detail\":\"Method Not Allowed\",\"request_id\":\"id-1\"}");
    fake_request_done(&fake);

    fake_request_init(&fake, GH_GET, "/check", 6, NULL, 0);
    gh_api_begin(&api, &fake.request);
    ck_assert_uint_eq(fake.answers, 0);
    ck_assert(fake.request.route->handle == gh_route_check);
}
END_TEST

static const struct {
    const char *name;
    bool is_valid;
} run_names[] = {
    {"a", true},
    {"f--20260101--120000_123456", true},
    {"A.b_c@d-9", true},
    {"_x", true},
    {"-x", true},
    {"", false},
    {".", false},
    {"..", false},
    {".hidden", false},
    {"a/b", false},
    {"../a", false},
    {"a b", true},
    {"a%2f", true},
    {"caf\xc3\xa9", true},
    {"a\\b", true},
    {"a:b[1]", true},
    {"\xf0\x9f\x98\x80", true},
    {"a\n", false},
    {"a\x7f", false},
    {"a\x1b[1m", false},
    {"a\xc2\x9b", false},
    {"a\xc2", false},
    {"a\xff", false},
    {"\xed\xa0\x80", false},
};

START_TEST(run_names_are_no_paths)
{
    struct gh_slice name = {run_names[_i].name, strlen(run_names[_i].name)};
    ck_assert_int_eq(gh_run_name_is_valid(name), run_names[_i].is_valid);
}
END_TEST

START_TEST(run_names_have_a_limit)
{
    char name[514];

    memset(name, 'x', sizeof name);
    ck_assert(gh_run_name_is_valid((struct gh_slice){name, 512}));
    ck_assert(!gh_run_name_is_valid((struct gh_slice){name, 513}));
    ck_assert(!gh_run_name_is_valid((struct gh_slice){"a\0b", 3}));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, each_url_has_its_function, 0, (int)COUNT(served));
    tcase_add_loop_test(tests, head_is_answered_as_get, 0, (int)COUNT(served));
    tcase_add_loop_test(tests, unknown_urls_are_not_found, 0, (int)COUNT(unknown));
    tcase_add_loop_test(tests, wrong_method_is_told_the_right_one, 0, (int)COUNT(served));
    tcase_add_test(tests, allow_names_what_is_served);
    tcase_add_loop_test(tests, allow_names_both_methods_of_a_url_with_two, 0, 2);
    tcase_add_test(tests, what_is_local_is_served_on_the_control_socket_only);
    tcase_add_loop_test(tests, a_den_has_urls_of_its_own, 0, COUNT(of_den));
    tcase_add_test(tests, what_is_posted_to_resource_is_told_by_its_type);
    tcase_add_test(tests, begin_answers_what_has_no_route);
    tcase_add_loop_test(tests, run_names_are_no_paths, 0, (int)COUNT(run_names));
    tcase_add_test(tests, run_names_have_a_limit);
}

int
main(void)
{
    return run_tests("api_routes", add);
}
