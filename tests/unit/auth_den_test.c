/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a Den, when, and for how long its answers count; with a network that answers what the
 * test says. How the daemon behaves with a Den is tests/integration/test_auth_den.py. */
#include "auth/auth.h"
#include "auth/denask.h"
#include "base/alloc.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "net/http.h"
#include "tests/unit/suite.h"

#define ASKED_MAX 2000

/* ---- a network ---- */

static struct gh_net_request {
    char *url, *bearer;
    gh_net_done *done;
    void *context;
    bool is_over;
} asked[ASKED_MAX];
static unsigned asked_count, cancelled;

struct gh_net_request *
gh_net_ask(struct gh_net *net, const struct gh_net_order *order, gh_net_done *done, void *context)
{
    struct gh_net_request *request = &asked[asked_count++];

    (void)net;
    ck_assert_uint_le(asked_count, ASKED_MAX);
    *request = (struct gh_net_request){gh_strdup(order->url), gh_strdup(order->bearer), done,
                                       context, false};
    return request;
}

void
gh_net_cancel(struct gh_net_request *request)
{
    ck_assert(!request->is_over);
    request->is_over = true;
    cancelled++;
}

static const char *
no_header(const struct gh_net_answer *answer, const char *name)
{
    (void)answer;
    (void)name;
    return NULL;
}

/* Answer the question number AT. */
static void
say(unsigned at, unsigned status, const char *body)
{
    struct gh_net_answer answer = {.status = status,
                                   .problem = status ? NULL : "connection refused",
                                   .body = {body, strlen(body)},
                                   .header = no_header};

    ck_assert_uint_lt(at, asked_count);
    ck_assert(!asked[at].is_over);
    asked[at].is_over = true;
    asked[at].done(asked[at].context, &answer);
}

/* ---- a node ---- */

static uv_loop_t loop;
static struct gh_settings settings;
static struct gh_auth auth;
static struct gh_auth_answer answer;
static struct gh_err err;
static char *folder;
static char some_net;

static void
set_up(void)
{
    char *argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t) "--api-server-url=http://den/",
                    (char *)(uintptr_t) "--den-denied-cache-s=1", NULL};
    struct gh_identity owner = {(char *)(uintptr_t) "own", (char *)(uintptr_t) "alice"};
    struct gh_faults faults = {0};

    asked_count = cancelled = 0;
    folder = make_folder();
    uv_loop_init(&loop);
    ck_assert_int_eq(gh_settings_load(&settings, 3, argv, &faults), GH_SETTINGS_RUN);
    struct gh_auth_place place = {.loop = &loop,
                                  .net = (struct gh_net *)(void *)&some_net,
                                  .settings = &settings,
                                  .state_dir = folder,
                                  .node_address = "/alice/gpu"};
    ck_assert_int_eq(gh_auth_open(&auth, &place, &owner, &err), GH_OK);
}

static void
tear_down(void)
{
    gh_auth_close(&auth);
    for (unsigned i = 0; i < asked_count; i++) {
        free(asked[i].url);
        free(asked[i].bearer);
    }
    gh_settings_done(&settings);
    uv_loop_close(&loop);
    remove_folder(folder);
}

static enum gh_auth_state
want(enum gh_need need, const char *authorization, const char *object)
{
    struct gh_auth_question question = {
        .authorization = authorization,
        .need = need,
        .object = {.key = {"fn", 2}, .address = object},
        .node_address = "/alice/gpu",
        .asking = GH_DENFACT_ASK,
    };
    return gh_auth_decide(&auth, &question, &answer);
}

/* Let MS pass on the loop's clock. */
static void
pass(unsigned ms)
{
    uint64_t until_ms = uv_now(&loop) + ms;

    for (uv_update_time(&loop); uv_now(&loop) < until_ms; uv_update_time(&loop))
        usleep(10000);
}

#define USER "{\"data\": {\"username\": \"bob\"}}"
#define READ "{\"data\": {\"access_level\": \"read\"}}"
#define WRITE "{\"data\": {\"access_level\": \"write\"}}"

START_TEST(own_tokens_ask_nobody)
{
    ck_assert_int_eq(want(GH_NEED_WRITE, "Bearer own", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_ALLOWED);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, NULL, NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NO_TOKEN);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer gh_revoked", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NOT_FOR_THE_NODE);
    ck_assert_uint_eq(asked_count, 0);
}
END_TEST

START_TEST(three_questions_are_asked_at_once_and_once)
{
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 3);
    ck_assert_str_eq(asked[0].url, "http://den/user");
    ck_assert_str_eq(asked[1].url, "http://den/resource/alice:gpu");
    ck_assert_str_eq(asked[2].url, "http://den/auth/token/cluster/alice:gpu");
    for (unsigned i = 0; i < 3; i++)
        ck_assert_str_eq(asked[i].bearer, "bobs");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    say(2, 404, "{}");
    say(1, 200, READ);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    say(0, 200, USER);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_ALLOWED);
    ck_assert_str_eq(answer.caller.user, "bob");
    ck_assert_int_eq(want(GH_NEED_WRITE, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NOT_FOR_THE_NODE);
    ck_assert_uint_eq(asked_count, 3);
}
END_TEST

/* What the Den says of user, level on the node, validity for it. */
static const struct {
    unsigned user, level, validity;
    const char *level_body;
    enum gh_auth_state state;
    enum gh_verdict verdict;
    enum gh_caller_kind kind;
} sayings[] = {
    {200, 200, 404, WRITE, GH_AUTH_DECIDED, GH_ALLOWED, GH_CALLER_KNOWN},
    {200, 404, 200, "", GH_AUTH_DECIDED, GH_ALLOWED, GH_CALLER_KNOWN},
    {401, 404, 200, "", GH_AUTH_DECIDED, GH_ALLOWED, GH_CALLER_KNOWN},
    {200, 404, 404, "", GH_AUTH_DECIDED, GH_NOT_FOR_THE_NODE, GH_CALLER_KNOWN},
    {401, 404, 404, "", GH_AUTH_DECIDED, GH_NOT_FOR_THE_NODE, GH_CALLER_STRANGER},
    {200, 200, 404, READ, GH_AUTH_DECIDED, GH_NOT_FOR_THE_NODE, GH_CALLER_KNOWN},
    {200, 200, 404, "{\"data\": {\"access_level\": \"denied\"}}", GH_AUTH_DECIDED,
     GH_NOT_FOR_THE_NODE, GH_CALLER_KNOWN},
    {200, 200, 404, "{\"data\": {\"access_level\": \"admin\"}}", GH_AUTH_DECIDED,
     GH_NOT_FOR_THE_NODE, GH_CALLER_KNOWN},
    {200, 200, 404, "{\"data\": {}}", GH_AUTH_DECIDED, GH_NOT_FOR_THE_NODE, GH_CALLER_KNOWN},
    /* Not known, so nobody gets in; but what was said stays said. */
    {200, 200, 404, "{\"data\": {\"access_level\": 1}}", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_KNOWN},
    {200, 200, 404, "{\"data\": [\"write\"]}", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_KNOWN},
    {200, 200, 404, "\"write\"", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_KNOWN},
    {200, 200, 404, "{\"data\": {\"access_level\": \"write\"", GH_AUTH_CANNOT_SAY, 0,
     GH_CALLER_KNOWN},
    {401, 500, 404, "", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_STRANGER},
    {401, 0, 404, "", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_STRANGER},
    {401, 429, 404, "", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_STRANGER},
    {0, 404, 404, "", GH_AUTH_CANNOT_SAY, 0, GH_CALLER_STRANGER},
    {0, 404, 200, "", GH_AUTH_DECIDED, GH_ALLOWED, GH_CALLER_KNOWN},
    {500, 200, 500, WRITE, GH_AUTH_DECIDED, GH_ALLOWED, GH_CALLER_KNOWN},
};

START_TEST(what_den_says_decides)
{
    ck_assert_int_eq(want(GH_NEED_WRITE, "Bearer bobs", NULL), GH_AUTH_WAITS);
    say(0, sayings[_i].user, sayings[_i].user == 200 ? USER : "{}");
    say(1, sayings[_i].level, sayings[_i].level_body);
    say(2, sayings[_i].validity, "{}");
    ck_assert_int_eq(want(GH_NEED_WRITE, "Bearer bobs", NULL), sayings[_i].state);
    ck_assert_int_eq(answer.caller.kind, sayings[_i].kind);
    if (sayings[_i].state == GH_AUTH_DECIDED)
        ck_assert_int_eq(answer.verdict, sayings[_i].verdict);
    else
        ck_assert_uint_ge(answer.retry_after_s, 1);
}
END_TEST

static const char *const bad_users[] = {
    "{}",
    "[]",
    "{\"data\": null}",
    "{\"data\": {\"username\": 7}}",
    "{\"data\": {\"username\": \"a b\"}}",
    "{\"data\": {\"username\": \"\"}}",
    "nonsense",
    "",
};

START_TEST(user_without_a_name_is_not_known)
{
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    say(0, 200, bad_users[_i]);
    say(1, 404, "{}");
    say(2, 404, "{}");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_CANNOT_SAY);
}
END_TEST

START_TEST(object_is_asked_about_when_the_node_does_not_do)
{
    ck_assert_int_eq(want(GH_NEED_OBJECT, "Bearer bobs", "/carl/fn x"), GH_AUTH_WAITS);
    say(0, 200, USER);
    say(1, 404, "{}");
    say(2, 404, "{}");
    ck_assert_int_eq(want(GH_NEED_OBJECT, "Bearer bobs", "/carl/fn x"), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 5);
    ck_assert_str_eq(asked[3].url, "http://den/resource/carl:fn%20x");
    ck_assert_str_eq(asked[4].url, "http://den/auth/token/cluster/carl:fn%20x");
    say(3, 200, READ);
    say(4, 404, "{}");
    ck_assert_int_eq(want(GH_NEED_OBJECT, "Bearer bobs", "/carl/fn x"), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_ALLOWED);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", "/carl/fn x"), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NOT_FOR_THE_NODE);
    ck_assert_int_eq(want(GH_NEED_DOCUMENT, "Bearer bobs", "/carl/fn x"), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NOT_FOR_THE_NODE);
    ck_assert_int_eq(want(GH_NEED_OBJECT, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_NOT_FOR_THE_KEY);
    ck_assert_uint_eq(asked_count, 5);
}
END_TEST

/* ---- time ---- */

static void
let_bob_in(const char *level)
{
    unsigned from = asked_count;

    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    say(from, 200, USER);
    say(from + 1, 200, level);
    say(from + 2, 404, "{}");
}

START_TEST(denials_count_shortly)
{
    let_bob_in("{\"data\": {}}");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    pass(1100);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 5); /* the user, who exists, is not asked about again */
    say(3, 200, READ);
    say(4, 404, "{}");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.verdict, GH_ALLOWED);
}
END_TEST

/* With den_stale_s what was allowed counts on while Den fails. */
START_TEST(while_den_fails_what_it_allowed_counts_on)
{
    settings.den_cache_s = 1;
    settings.den_stale_s = _i ? 100 : 0;
    let_bob_in(READ);
    pass(1100);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    for (unsigned i = 3; i < 6; i++)
        say(i, 0, "");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL),
                     _i ? GH_AUTH_DECIDED : GH_AUTH_CANNOT_SAY);
    if (_i)
        ck_assert_int_eq(answer.verdict, GH_ALLOWED);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer others", NULL),
                     GH_AUTH_WAITS); /* two failures are none yet */
    for (unsigned i = 6; i < 9; i++)
        say(i, 500, "");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer others", NULL), GH_AUTH_CANNOT_SAY);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer third", NULL), GH_AUTH_CANNOT_SAY);
    ck_assert_uint_eq(asked_count, 9); /* and now nobody is asked for a while */
    ck_assert_uint_ge(answer.retry_after_s, 1);
}
END_TEST

START_TEST(den_that_is_back_is_asked_one_question_first)
{
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(want(GH_NEED_CLUSTER, i ? "Bearer b" : "Bearer a", NULL), GH_AUTH_WAITS);
        for (unsigned j = 0; j < 3; j++)
            say(3 * i + j, 0, "");
    }
    auth.elsewhere.closed_until_ms = 0; /* the pause is over */
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer c", NULL), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 7); /* whose it is, to begin with */
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer d", NULL), GH_AUTH_CANNOT_SAY);
    say(6, 200, USER);
    ck_assert_uint_eq(auth.elsewhere.failures, 0);
    ck_assert(auth.elsewhere.is_failing); /* until it has answered some more */
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer c", NULL), GH_AUTH_WAITS);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer d", NULL), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 12);
}
END_TEST

/* ---- who waits ---- */

struct waiter {
    struct gh_denfact_wait wait;
    unsigned told;
    bool looks_again;
};

static void
on_told(void *context)
{
    struct waiter *waiter = context;

    waiter->told++;
    if (waiter->looks_again && want(GH_NEED_CLUSTER, "Bearer bobs", NULL) == GH_AUTH_WAITS)
        gh_denfact_await(answer.fact, &waiter->wait);
}

static void
wait_for_bob(struct waiter *waiter)
{
    *waiter = (struct waiter){.wait = {.fn = on_told}, .looks_again = true};
    waiter->wait.context = waiter;
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    gh_denfact_await(answer.fact, &waiter->wait);
}

START_TEST(waiters_are_told_once_and_may_leave)
{
    struct waiter waiters[3];

    for (unsigned i = 0; i < 3; i++)
        wait_for_bob(&waiters[i]);
    gh_denfact_leave(&waiters[1].wait);
    gh_denfact_leave(&waiters[1].wait);
    say(0, 200, USER);
    say(1, 200, READ);
    ck_assert_uint_eq(waiters[0].told, 1); /* and waits for the node now */
    say(2, 404, "{}");
    ck_assert_uint_eq(waiters[0].told, 2);
    ck_assert_uint_eq(waiters[1].told, 0);
    ck_assert_uint_eq(waiters[2].told, 2);
    ck_assert_uint_eq(asked_count, 3);
}
END_TEST

START_TEST(flush_makes_waiters_ask_again)
{
    struct waiter waiter;

    wait_for_bob(&waiter);
    gh_auth_flush(&auth);
    ck_assert_uint_eq(waiter.told, 0);
    say(0, 200, USER);
    ck_assert_uint_eq(waiter.told, 1);
    ck_assert_uint_eq(asked_count, 6);
    say(1, 200, READ); /* of the time before: nobody believes it */
    say(2, 404, "{}");
    say(3, 401, "{}");
    say(4, 404, "{}");
    say(5, 404, "{}");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.caller.kind, GH_CALLER_STRANGER);
}
END_TEST

static void
on_told_to_flush(void *context)
{
    struct waiter *waiter = context;

    waiter->told++;
    gh_auth_flush(&auth);
}

START_TEST(waiter_may_flush_what_it_waited_for)
{
    struct waiter waiter = {.wait = {.fn = on_told_to_flush}};

    waiter.wait.context = &waiter;
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_WAITS);
    gh_denfact_await(answer.fact, &waiter.wait);
    say(0, 200, USER);
    ck_assert_uint_eq(waiter.told, 1);
    ck_assert_uint_eq(HASH_COUNT(auth.elsewhere.by_names), 0);
}
END_TEST

/* Many at a Den that hangs fail at once: that is one reason to pause, and not thirty. */
START_TEST(failures_of_one_moment_are_one_pause)
{
    char bearer[40];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(bearer, sizeof bearer, "Bearer t%u", i);
        ck_assert_int_eq(want(GH_NEED_CLUSTER, bearer, NULL), GH_AUTH_WAITS);
    }
    for (unsigned i = 0; i < 60; i++)
        say(i, 0, "");
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer more", NULL), GH_AUTH_CANNOT_SAY);
    ck_assert_uint_eq(answer.retry_after_s, 1);
    gh_auth_flush(&auth); /* as when the address of the Den has changed */
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer more", NULL), GH_AUTH_WAITS);
}
END_TEST

START_TEST(stop_tells_all_who_wait)
{
    struct waiter waiter;

    wait_for_bob(&waiter);
    gh_auth_stop(&auth);
    ck_assert_uint_ge(waiter.told, 1);
    ck_assert_uint_eq(cancelled, 3);
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer bobs", NULL), GH_AUTH_CANNOT_SAY);
}
END_TEST

START_TEST(whom_nobody_asks_about_takes_no_room)
{
    struct gh_auth_question question = {.authorization = "Bearer bobs", .need = GH_NEED_CLUSTER};

    ck_assert_int_eq(gh_auth_decide(&auth, &question, &answer), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.caller.kind, GH_CALLER_STRANGER);
    ck_assert_uint_eq(HASH_COUNT(auth.elsewhere.by_names), 0);
    ck_assert_uint_eq(asked_count, 0);
}
END_TEST

/* An address that sent wrong tokens: nothing new is asked for it, but what Den let in is asked about again. */
START_TEST(guesses_are_not_passed_on)
{
    struct gh_auth_question question = {.authorization = "Bearer bobs",
                                        .need = GH_NEED_CLUSTER,
                                        .node_address = "/alice/gpu",
                                        .asking = GH_DENFACT_ASK_AGAIN};

    ck_assert_int_eq(gh_auth_decide(&auth, &question, &answer), GH_AUTH_DECIDED);
    ck_assert_int_eq(answer.caller.kind, GH_CALLER_STRANGER);
    settings.den_cache_s = 1;
    let_bob_in(READ);
    pass(1100);
    ck_assert_int_eq(gh_auth_decide(&auth, &question, &answer), GH_AUTH_WAITS);
    ck_assert_uint_eq(asked_count, 6);
}
END_TEST

START_TEST(questions_under_way_are_bounded)
{
    char bearer[40];

    for (unsigned i = 0; i < GH_DENFACTS_ASKING_MAX / 2; i++) {
        snprintf(bearer, sizeof bearer, "Bearer t%u", i);
        ck_assert_int_eq(want(GH_NEED_CLUSTER, bearer, NULL), GH_AUTH_WAITS);
    }
    ck_assert_int_eq(want(GH_NEED_CLUSTER, "Bearer more", NULL), GH_AUTH_CANNOT_SAY);
    ck_assert_uint_eq(auth.elsewhere.asking, GH_DENFACTS_ASKING_MAX);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, own_tokens_ask_nobody);
    tcase_add_test(tests, three_questions_are_asked_at_once_and_once);
    tcase_add_loop_test(tests, what_den_says_decides, 0, COUNT(sayings));
    tcase_add_loop_test(tests, user_without_a_name_is_not_known, 0, COUNT(bad_users));
    tcase_add_test(tests, object_is_asked_about_when_the_node_does_not_do);
    tcase_add_test(tests, denials_count_shortly);
    tcase_add_loop_test(tests, while_den_fails_what_it_allowed_counts_on, 0, 2);
    tcase_add_test(tests, den_that_is_back_is_asked_one_question_first);
    tcase_add_test(tests, waiters_are_told_once_and_may_leave);
    tcase_add_test(tests, flush_makes_waiters_ask_again);
    tcase_add_test(tests, waiter_may_flush_what_it_waited_for);
    tcase_add_test(tests, failures_of_one_moment_are_one_pause);
    tcase_add_test(tests, stop_tells_all_who_wait);
    tcase_add_test(tests, whom_nobody_asks_about_takes_no_room);
    tcase_add_test(tests, guesses_are_not_passed_on);
    tcase_add_test(tests, questions_under_way_are_bounded);
}

int
main(void)
{
    return run_tests("auth_den", add);
}
