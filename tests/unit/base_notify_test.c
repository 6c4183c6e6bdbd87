/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service manager is told, and what is left of its variables for children. */
#include "base/notify.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *folder, *path;
static int manager; /* the socket that NOTIFY_SOCKET names */
static uv_loop_t loop;
static struct gh_notify notify;
static struct gh_err err;

/* A manager that listens at NAME, "@..." being abstract. */
static void
listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(sizeof(sa_family_t) + strlen(name));

    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    else
        len++;
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, len), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void
set_up(void)
{
    folder = make_folder();
    path = gh_asprintf("%s/notify", folder);
    listen_at(path);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    ck_assert_int_eq(uv_loop_init(&loop), 0);
}

static void
tear_down(void)
{
    gh_notify_stop(&notify);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(manager);
    free(path);
    remove_folder(folder);
}

static void
take(void)
{
    ck_assert_int_eq(gh_notify_take(&notify, &err), GH_OK);
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    ck_assert_ptr_null(getenv("WATCHDOG_PID"));
}

/* The next datagram; "" when there is none yet. */
static const char *
heard(void)
{
    static char text[1024];
    ssize_t len = recv(manager, text, sizeof text - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    return text;
}

/* Turn the loop until something is said. */
static const char *
hear_from_loop(void)
{
    const char *text;

    while (!*(text = heard()))
        uv_run(&loop, UV_RUN_ONCE);
    return text;
}

START_TEST(nobody_is_told_when_nobody_asks)
{
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "1000", 1);
    take();
    ck_assert_int_eq(notify.fd, -1);
    gh_notify_start(&notify, &loop);
    gh_notify_ready(&notify, "ready");
    gh_notify_reloading(&notify);
    gh_notify_status(&notify, "here");
    gh_notify_stopping(&notify, "going");
    ck_assert_str_eq(heard(), "");
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
}
END_TEST

START_TEST(ready_names_us_and_our_state)
{
    char *wanted GH_SCOPED(gh_free) =
        gh_asprintf("READY=1\nMAINPID=%d\nSTATUS=serves port 7\n", (int)getpid());
    take();
    gh_notify_ready(&notify, "serves port %d", 7);
    ck_assert_str_eq(heard(), wanted);
}
END_TEST

START_TEST(abstract_socket_is_found)
{
    char *name GH_SCOPED(gh_free) = gh_asprintf("@gatehouse-test-%d", (int)getpid());

    close(manager);
    listen_at(name);
    take();
    gh_notify_status(&notify, "here");
    ck_assert_str_eq(heard(), "STATUS=here\n");
}
END_TEST

START_TEST(status_is_one_line)
{
    take();
    gh_notify_status(&notify, "first\nREADY=1");
    ck_assert_str_eq(heard(), "STATUS=first\n");
}
END_TEST

START_TEST(reload_says_when_it_began)
{
    unsigned long long at_us;

    take();
    uint64_t before_us = uv_hrtime() / 1000;
    gh_notify_reloading(&notify);
    uint64_t after_us = uv_hrtime() / 1000;
    ck_assert_int_eq(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &at_us), 1);
    ck_assert(at_us >= before_us && at_us <= after_us);
}
END_TEST

START_TEST(turning_loop_feeds_the_watchdog)
{
    char *pid GH_SCOPED(gh_free) = gh_asprintf("%d", (int)getpid());

    setenv("WATCHDOG_USEC", "40000", 1);
    setenv("WATCHDOG_PID", pid, 1);
    take();
    gh_notify_start(&notify, &loop);
    uint64_t start_ms = uv_hrtime() / 1000000;
    uv_ref((uv_handle_t *)&notify.beat); /* alone it does not keep a loop going */
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(hear_from_loop(), "WATCHDOG=1\n");
    ck_assert_uint_ge(uv_hrtime() / 1000000 - start_ms + 1, 40); /* at 0, 20 and 40 ms */
}
END_TEST

START_TEST(loop_that_stands_says_nothing)
{
    setenv("WATCHDOG_USEC", "2000", 1);
    take();
    gh_notify_start(&notify, &loop);
    usleep(10000);
    ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(watchdog_of_another_process_is_not_ours)
{
    setenv("WATCHDOG_USEC", "2000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    take();
    ck_assert_uint_eq(notify.watchdog_us, 0);
}
END_TEST

START_TEST(time_is_asked_for_while_stopping)
{
    take();
    gh_notify_start(&notify, &loop);
    gh_notify_stopping(&notify, "%d calls", 2);
    ck_assert_str_eq(heard(), "STOPPING=1\nSTATUS=2 calls\n");
    uv_ref((uv_handle_t *)&notify.beat);
    ck_assert_str_eq(hear_from_loop(), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=20000000\n");
}
END_TEST

static const struct {
    const char *name, *value, *reason;
} bad[] = {
    {"NOTIFY_SOCKET", "relative", "must be a path"},
    {"NOTIFY_SOCKET", "/", "must be a path"},
    {"NOTIFY_SOCKET", "vsock:2:1234", "must be a path"},
    {"NOTIFY_SOCKET",
     "/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "012345678901234567890",
     "at most 107"},
    {"WATCHDOG_USEC", "soon", "must be a number"},
    {"WATCHDOG_USEC", "-1", "must be a number"},
    {"WATCHDOG_USEC", "0", "must be a number"},
    {"WATCHDOG_USEC", "99999999999999999999", "must be a number"},
};

START_TEST(what_cannot_be_is_refused_and_removed)
{
    setenv(bad[_i].name, bad[_i].value, 1);
    ck_assert_int_eq(gh_notify_take(&notify, &err), GH_E_INPUT);
    assert_contains(err.text, bad[_i].name);
    assert_contains(err.text, bad[_i].reason);
    ck_assert_int_eq(notify.fd, -1);
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
}
END_TEST

START_TEST(manager_that_is_gone_is_no_trouble)
{
    take();
    close(manager);
    unlink(path);
    gh_notify_ready(&notify, "ready");
    gh_notify_stopping(&notify, "going");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nobody_is_told_when_nobody_asks);
    tcase_add_test(tests, ready_names_us_and_our_state);
    tcase_add_test(tests, abstract_socket_is_found);
    tcase_add_test(tests, status_is_one_line);
    tcase_add_test(tests, reload_says_when_it_began);
    tcase_add_test(tests, turning_loop_feeds_the_watchdog);
    tcase_add_test(tests, loop_that_stands_says_nothing);
    tcase_add_test(tests, watchdog_of_another_process_is_not_ours);
    tcase_add_test(tests, time_is_asked_for_while_stopping);
    tcase_add_loop_test(tests, what_cannot_be_is_refused_and_removed, 0, (int)COUNT(bad));
    tcase_add_test(tests, manager_that_is_gone_is_no_trouble);
}

int
main(void)
{
    return run_tests("base_notify", add);
}
