/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers are answered when they may not, and which of them are not asked. The whole table of callers
 * and routes is tests/integration/test_auth.py. */
#include "api/admit.h"

#include "api/routes.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "store/cluster.h"
#include "store/keys.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static struct gh_settings settings;
static struct gh_auth auth;
static struct gh_keys keys;
static struct gh_cluster cluster;
static struct gh_api api;
static struct fake_request fake;
static char *folder;

static void
set_up(void)
{
    char *argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t) "--use-den-auth", NULL};
    struct gh_identity owner = {(char *)(uintptr_t) "secret", (char *)(uintptr_t) "olga"};
    struct gh_faults faults = {0};
    struct gh_err err;

    folder = make_folder();
    uv_loop_init(&loop);
    ck_assert_int_eq(gh_settings_load(&settings, 2, argv, &faults), GH_SETTINGS_RUN);
    struct gh_auth_place place = {.loop = &loop, .settings = &settings, .state_dir = folder};
    ck_assert_int_eq(gh_auth_open(&auth, &place, &owner, &err), GH_OK);
    cluster.config = json_object();
    api = (struct gh_api){
        .loop = &loop, .settings = &settings, .auth = &auth, .keys = &keys, .cluster = &cluster};
}

static void
tear_down(void)
{
    fake_request_done(&fake);
    gh_keys_done(&keys);
    gh_auth_close(&auth);
    gh_cluster_done(&cluster);
    gh_settings_done(&settings);
    uv_loop_close(&loop);
    remove_folder(folder);
}

/* METHOD TARGET with AUTHORIZATION (or NULL), as far as its route. */
static struct gh_request *
request(enum gh_method method, const char *target, const char *authorization)
{
    unsigned status;

    fake_request_done(&fake);
    ck_assert_int_eq(fake_request_init(&fake, method, target, strlen(target), NULL, 0), 0);
    fake.header_name = authorization ? "Authorization" : NULL;
    fake.header_value = authorization;
    fake.request.route = gh_route_find(&api, &fake.request, &status);
    ck_assert_ptr_nonnull(fake.request.route);
    return &fake.request;
}

/* No Den is named, so nothing has to wait. */
static void
not_again(struct gh_api *whose, struct gh_request *which)
{
    (void)whose;
    (void)which;
    ck_abort_msg("nothing waits here");
}

static bool
admit(struct gh_request *which)
{
    return gh_admit(&api, which, not_again) == GH_ADMITTED;
}

static bool
admit_for(enum gh_need need, struct gh_slice key)
{
    return gh_admit_for(&api, &fake.request, need, key, not_again) == GH_ADMITTED;
}

START_TEST(owner_is_let_in_and_named)
{
    ck_assert(admit(request(GH_GET, "/keys", "Bearer secret")));
    ck_assert_uint_eq(fake.answers, 0);
    ck_assert_str_eq(fake.request.user, "olga");
    ck_assert_ptr_null(fake.request.denied);
}
END_TEST

START_TEST(nobody_is_told_how_to_come)
{
    ck_assert(!admit(request(GH_GET, "/keys", NULL)));
    ck_assert_uint_eq(fake.status, 401);
    ck_assert_str_eq(fake.seen_headers, "WWW-Authenticate ");
    ck_assert_str_eq(fake.request.denied, "no_token");
    ck_assert_ptr_null(fake.request.headers); /* of this answer alone */
    fake.answer.bytes[fake.answer.len - 1] = '\0';
    assert_contains((char *)fake.answer.bytes,
                    "No Runhouse token provided. Try running `$ runhouse");
}
END_TEST

START_TEST(stranger_is_refused_and_then_waits)
{
    char guess[40];

    for (unsigned i = 0; i < GH_THROTTLE_FREE; i++) {
        snprintf(guess, sizeof guess, "Bearer wrong-%u", i);
        ck_assert(!admit(request(GH_POST, "/key/call", guess)));
        ck_assert_uint_eq(fake.status, 403);
        ck_assert_str_eq(fake.request.denied, "wrong_token");
    }
    ck_assert(!admit(request(GH_POST, "/key/call", "Bearer wrong")));
    ck_assert_uint_eq(fake.status, 429);
    ck_assert_uint_eq(fake.request.retry_after_s, 1);
    ck_assert_str_eq(fake.request.denied, "throttled");
    ck_assert(admit(request(GH_POST, "/key/call", "Bearer secret")));
}
END_TEST

START_TEST(key_is_named_as_it_is_meant)
{
    ck_assert(!admit(request(GH_POST, "/%6Bey%2F1/call", "Bearer wrong")));
    assert_slice(fake.answer, "{\"detail\":\"Unauthorized access to resource key/1.\","
                              "\"request_id\":\"id-1\"}");
}
END_TEST

static const struct {
    const char *visibility;
    bool is_resource, is_open;
} objects[] = {
    {"unlisted", true, true}, {"private", true, false},   {"public", true, false},
    {NULL, true, false},      {"unlisted", false, false},
};

START_TEST(unlisted_resources_alone_are_open)
{
    struct gh_key *key = gh_keys_declare(&keys, "key", NULL);

    key->is_resource = objects[_i].is_resource;
    key->visibility = objects[_i].visibility ? gh_strdup(objects[_i].visibility) : NULL;
    ck_assert_int_eq(admit(request(GH_POST, "/key/call", NULL)), objects[_i].is_open);
    ck_assert_int_eq(admit(request(GH_GET, "/logs/key/r/json", NULL)), objects[_i].is_open);
    ck_assert(!admit(request(GH_GET, "/key/openapi.json", NULL)));
    fake_request_done(&fake);
}
END_TEST

START_TEST(not_everybody_is_asked)
{
    ck_assert(admit(request(GH_GET, "/check", "Bearer wrong")));
    request(GH_GET, "/keys", "Bearer wrong")->is_local = true;
    ck_assert(admit(&fake.request));
    settings.use_den_auth = false;
    ck_assert(admit(request(GH_GET, "/keys", NULL)));
    ck_assert_str_eq(fake.request.user, "");
    settings.use_den_auth = true;
    api.auth = NULL;
    ck_assert(admit(request(GH_GET, "/keys", NULL)));
}
END_TEST

/* It may turn out to be an app, so it has no route yet. */
START_TEST(module_that_is_loading_is_named_to_those_alone_who_may_call_it)
{
    static const char target[] = "/slow/a/b";
    struct gh_process process = {.name = (char *)(uintptr_t) "p", .state = GH_PROCESS_READY};

    gh_keys_declare(&keys, "slow", &process)->is_pending = true;
    for (int is_owner = 0; is_owner < 2; is_owner++) {
        fake_request_done(&fake);
        fake_request_init(&fake, GH_PUT, target, sizeof target - 1, NULL, 0);
        fake.header_name = is_owner ? "Authorization" : NULL;
        fake.header_value = "Bearer secret";
        gh_api_begin(&api, &fake.request);
        ck_assert_uint_eq(fake.answers, 1);
        ck_assert_uint_eq(fake.status, is_owner ? 503 : 401);
    }
}
END_TEST

static const struct {
    const char *header, *value;
    bool is_taken;
} bodies[] = {
    {"Content-Length", "65536", true},
    {"Content-Length", "65537", false},
    {"Transfer-Encoding", "chunked", false},
};

START_TEST(body_that_names_its_key_is_taken_from_nobody_when_it_is_long)
{
    request(GH_POST, "/logs", NULL)->has_body = true;
    fake.header_name = bodies[_i].header;
    fake.header_value = bodies[_i].value;
    ck_assert_int_eq(admit(&fake.request), bodies[_i].is_taken);
    ck_assert_uint_eq(fake.status, bodies[_i].is_taken ? 0 : 401);
}
END_TEST

START_TEST(what_the_body_asks_is_decided_then)
{
    struct gh_slice key = {"key", 3}, none = {"", 0};

    request(GH_POST, "/logs", NULL);
    ck_assert(!admit_for(GH_NEED_OBJECT, key));
    ck_assert_uint_eq(fake.status, 401);
    request(GH_POST, "/logs", "secret");
    ck_assert(admit_for(GH_NEED_CLUSTER, none));
    ck_assert(gh_admit_sees_node(&api, &fake.request));
    ck_assert(!gh_admit_sees_node(&api, request(GH_POST, "/logs", NULL)));
    ck_assert_uint_eq(fake.answers, 0);
}
END_TEST

START_TEST(pickles_are_refused_where_that_is_set)
{
    struct gh_slice none = {"", 0};

    request(GH_POST, "/key/call", "Bearer secret");
    ck_assert(gh_admit_data(&api, &fake.request, GH_SERIALIZATION_PICKLE, none));
    settings.refuse_pickle = true;
    ck_assert(gh_admit_data(&api, &fake.request, GH_SERIALIZATION_JSON, none));
    ck_assert(gh_admit_data(&api, &fake.request, GH_SERIALIZATION_NONE, none));
    ck_assert(!gh_admit_data(&api, &fake.request, GH_SERIALIZATION_PICKLE, none));
    ck_assert_uint_eq(fake.status, 415);
    ck_assert_str_eq(fake.request.denied, "pickle");
    request(GH_POST, "/key/call", NULL)->is_local = true;
    ck_assert(gh_admit_data(&api, &fake.request, GH_SERIALIZATION_PICKLE, none));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, owner_is_let_in_and_named);
    tcase_add_test(tests, nobody_is_told_how_to_come);
    tcase_add_test(tests, stranger_is_refused_and_then_waits);
    tcase_add_test(tests, key_is_named_as_it_is_meant);
    tcase_add_loop_test(tests, unlisted_resources_alone_are_open, 0, (int)COUNT(objects));
    tcase_add_test(tests, not_everybody_is_asked);
    tcase_add_test(tests, module_that_is_loading_is_named_to_those_alone_who_may_call_it);
    tcase_add_loop_test(tests, body_that_names_its_key_is_taken_from_nobody_when_it_is_long, 0,
                        (int)COUNT(bodies));
    tcase_add_test(tests, what_the_body_asks_is_decided_then);
    tcase_add_test(tests, pickles_are_refused_where_that_is_set);
}

int
main(void)
{
    return run_tests("api_admit", add);
}
