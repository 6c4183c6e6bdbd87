/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "store/keys.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/fake_worker.h"
#include "tests/unit/pool_rig.h"

static struct gh_keys keys;
static struct gh_api api;
static struct fake_request fake;
static bool is_gone;

static const struct gh_pool_events events = {
    &keys,           gh_keys_on_started, gh_keys_on_put, gh_keys_on_gone,
    gh_keys_on_died, gh_keys_on_removed, rig_add_hello,  rig_add_environment};

static void
set_up(void)
{
    keys = (struct gh_keys){0};
    is_gone = false;
    rig_up(&events);
    struct gh_process *process = ready_process("serves");
    gh_keys_declare(&keys, "app", process)->app = gh_strdup("asgi");
    gh_keys_declare(&keys, "function", process);
    api = (struct gh_api){
        .loop = &rig.loop, .settings = &rig.settings, .pool = rig.pool, .keys = &keys};
}

static void
tear_down(void)
{
    fake_request_done(&fake);
    rig_down();
    gh_keys_done(&keys);
}

static void
begin(enum gh_method method, const char *target, bool has_body)
{
    ck_assert_int_eq(fake_request_init(&fake, method, target, strlen(target), NULL, 0), 0);
    fake.request.has_body = has_body;
    gh_api_begin(&api, &fake.request);
}

static void
run_until_over(void)
{
    while (fake.answers == 0 || (fake.is_stream && !fake.is_ended && !fake.is_cut))
        rig_turn();
}

static void
run_until_no_call(void)
{
    while (gh_pool_first(rig.pool)->call_count > 0)
        rig_turn();
}

START_TEST(answer_comes_with_its_head_and_body)
{
    begin(GH_GET, "/app/hello", false);
    gh_api_handle(&api, &fake.request);
    run_until_over();
    ck_assert_uint_eq(fake.status, 201);
    ck_assert_str_eq(gh_buf_text(&fake.headers), "x-a: b\n");
    assert_slice(fake.answer, "hello");
    ck_assert(fake.is_ended && !fake.is_cut);
    ck_assert_ptr_null(fake.request.on_gone);
}
END_TEST

START_TEST(requests_of_every_method_and_path_below_the_key_are_the_apps)
{
    static const char *const targets[] = {"/app", "/app/", "/app/a/b/c/d/e/f/g/h/i/hello",
                                          "/%61pp/hello", "/app/openapi.json"};
    static const char *const others[] = {"/",      "//app",       "/function/call",
                                         "/check", "/apps/hello", "/ap%00p/hello"};
    for (size_t i = 0; i < COUNT(targets); i++) {
        fake_request_init(&fake, GH_OTHER, targets[i], strlen(targets[i]), NULL, 0);
        ck_assert_msg(gh_api_is_for_app(&api, &fake.request), "%s", targets[i]);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        fake_request_init(&fake, GH_OTHER, others[i], strlen(others[i]), NULL, 0);
        ck_assert_msg(!gh_api_is_for_app(&api, &fake.request), "%s", others[i]);
    }
}
END_TEST

START_TEST(routes_of_the_daemon_are_not_the_apps)
{
    gh_keys_declare(&keys, "check", gh_pool_first(rig.pool))->app = gh_strdup("asgi");
    fake_request_init(&fake, GH_OTHER, "/check", 6, NULL, 0);
    ck_assert(!gh_api_is_for_app(&api, &fake.request));
    fake_request_init(&fake, GH_OTHER, "/check/x", 8, NULL, 0);
    ck_assert(gh_api_is_for_app(&api, &fake.request));
}
END_TEST

START_TEST(body_is_paused_while_the_window_is_full)
{
    static const char block[GH_HTTP_WINDOW_BYTES];

    begin(GH_POST, "/app/wait", true);
    ck_assert_ptr_nonnull(fake.request.on_body);
    ck_assert(fake.request.on_body(&fake.request, fake.request.on_gone_context, block, 1000));
    ck_assert(
        !fake.request.on_body(&fake.request, fake.request.on_gone_context, block, sizeof block));
    ck_assert_uint_eq(fake.reads_on, 0);
    while (fake.reads_on == 0)
        rig_turn();
    ck_assert(fake.request.on_body(&fake.request, fake.request.on_gone_context, block, 1));
    gh_api_handle(&api, &fake.request);
    run_until_over();
    assert_slice(fake.answer, "263145");
    ck_assert_uint_eq(fake.reads_on, 1);
}
END_TEST

START_TEST(bytes_that_were_taken_are_reported_in_steps)
{
    begin(GH_GET, "/app/flood", false);
    while (fake.answer.len < 5)
        rig_turn();
    fake.request.on_sent(&fake.request, fake.request.on_gone_context, 5);
    fake.request.on_sent(&fake.request, fake.request.on_gone_context, GH_HTTP_STEP_BYTES);
    run_until_over();
    assert_slice(fake.answer, "hellosent 65541");
}
END_TEST

START_TEST(worker_is_told_when_the_client_left)
{
    begin(GH_POST, "/app/wait", true);
    fake.request.on_gone(&fake.request, fake.request.on_gone_context);
    run_until_no_call();
    ck_assert_uint_eq(fake.answers, 0);
}
END_TEST

static const struct {
    const char *target;
    unsigned status;
    const char *detail;
} failures[] = {
    {"/app/die", 502, "Process serves died while app app served a GET (exit code 9)."},
    {"/app/result", 500, "{}"},
    {"/app/silent", 502, "App app sent no valid answer."},
    {"/app/odd", 502, "App app sent no valid answer."},
};

START_TEST(no_answer_is_an_error)
{
    begin(GH_GET, failures[_i].target, false);
    run_until_over();
    ck_assert_uint_eq(fake.status, failures[_i].status);
    ck_assert(!fake.is_stream);
    assert_contains(gh_buf_text(&fake.answer), failures[_i].detail);
}
END_TEST

START_TEST(answer_that_cannot_be_finished_is_cut)
{
    static const char *const targets[] = {"/app/die_late", "/app/broken", "/app/twice"};

    begin(GH_GET, targets[_i], false);
    run_until_over();
    ck_assert_uint_eq(fake.status, 201);
    assert_slice(fake.answer, "hello");
    ck_assert(fake.is_cut && !fake.is_ended);
}
END_TEST

START_TEST(websocket_is_refused)
{
    fake_request_init(&fake, GH_GET, "/app/chat", 9, NULL, 0);
    fake.header_name = "Upgrade";
    fake.header_value = "WebSocket";
    gh_api_begin(&api, &fake.request);
    ck_assert_uint_eq(fake.status, 501);
    ck_assert_uint_eq(gh_pool_first(rig.pool)->call_count, 0);
}
END_TEST

START_TEST(app_that_could_not_be_started_says_why)
{
    gh_keys_find(&keys, (struct gh_slice){"app", 3})->problem = gh_strdup("no model");
    begin(GH_GET, "/app/x", false);
    ck_assert_uint_eq(fake.status, 500);
    assert_contains(gh_buf_text(&fake.answer), "App app could not be started: no model");
}
END_TEST

START_TEST(full_process_is_a_503)
{
    rig.settings.calls_in_flight_max = 0;
    begin(GH_GET, "/app/hello", false);
    ck_assert_uint_eq(fake.status, 503);
    ck_assert_uint_eq(fake.request.retry_after_s, 1);
    ck_assert_ptr_null(fake.request.on_body);
}
END_TEST

START_TEST(module_that_is_being_loaded_is_a_503)
{
    gh_keys_declare(&keys, "new", gh_pool_first(rig.pool))->is_pending = true;
    begin(GH_GET, "/new/a/b", false);
    ck_assert_uint_eq(fake.status, 503);
    assert_contains(gh_buf_text(&fake.answer), "Module new is being loaded.");
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, answer_comes_with_its_head_and_body);
    tcase_add_test(tests, requests_of_every_method_and_path_below_the_key_are_the_apps);
    tcase_add_test(tests, routes_of_the_daemon_are_not_the_apps);
    tcase_add_test(tests, body_is_paused_while_the_window_is_full);
    tcase_add_test(tests, bytes_that_were_taken_are_reported_in_steps);
    tcase_add_test(tests, worker_is_told_when_the_client_left);
    tcase_add_loop_test(tests, no_answer_is_an_error, 0, COUNT(failures));
    tcase_add_loop_test(tests, answer_that_cannot_be_finished_is_cut, 0, 3);
    tcase_add_test(tests, websocket_is_refused);
    tcase_add_test(tests, app_that_could_not_be_started_says_why);
    tcase_add_test(tests, full_process_is_a_503);
    tcase_add_test(tests, module_that_is_being_loaded_is_a_503);
}

int
main(int argc, char **argv)
{
    if (is_fake_worker(argc, argv))
        return fake_worker(argc, argv);
    return run_tests("api_app_routes", add_tests);
}
