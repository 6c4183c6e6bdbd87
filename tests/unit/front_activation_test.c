/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets that the service manager hands over: which are taken, and as what. */
#include "front/activation.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

#define FIRST_FD 3
#define HANDED_MAX 4

static struct gh_activation activation;
static mode_t mode_of_unix = 0077; /* what the file of a UNIX socket is made without */
static struct gh_err err;
static char *folder;
static bool is_closed_on_exec[HANDED_MAX], is_non_blocking[HANDED_MAX];

static void
set_up(void)
{
    folder = make_folder();
    unsetenv("LISTEN_FDNAMES");
    setenv("LISTEN_FDS", "0", 1);
}

static void
tear_down(void)
{
    for (size_t i = 0; i < activation.count; i++)
        close(activation.list[i].fd);
    remove_folder(folder);
}

/* A listening TCP socket of 127.0.0.1 (4), any address (0) or ::1 (6). */
static int
listen_tcp(char kind)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_v6 = kind == '6';

    v4.sin_addr.s_addr = htonl(kind == '4' ? INADDR_LOOPBACK : INADDR_ANY);
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, is_v6 ? (void *)&v6 : (void *)&v4, is_v6 ? sizeof v6 : sizeof v4), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

static int
listen_unix(bool is_abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s%s/%d.sock",
                       is_abstract ? "@" : "", folder, (int)getpid());

    if (is_abstract)
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    mode_t kept = umask(mode_of_unix);
    ck_assert_int_eq(bind(fd, (void *)&address, (socklen_t)(sizeof(sa_family_t) + (size_t)len)), 0);
    umask(kept);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

/* A letter each: 4, 0, 6 listening TCP; u UNIX, a the same, abstract; d datagram; c not listening; l netlink; f a file; n none. */
static int
make_fd(char kind)
{
    switch (kind) {
    case 'u':
    case 'a':
        return listen_unix(kind == 'a');
    case 'd':
        return socket(AF_INET, SOCK_DGRAM, 0);
    case 'c':
        return socket(AF_INET, SOCK_STREAM, 0);
    case 'l':
        return socket(AF_NETLINK, SOCK_RAW, 0);
    case 'f':
        return open("/dev/null", O_RDONLY);
    default:
        return -1;
    }
}

/* Take these descriptors as a manager hands them over. Check has descriptors of its own from 3 on, which are
 * put aside meanwhile; what was taken is moved away before they come back. */
static int
take(const char *kinds, const char *names)
{
    size_t count = strlen(kinds);
    int kept[HANDED_MAX], ours[HANDED_MAX];
    char number[24];

    snprintf(number, sizeof number, "%zu", count);
    setenv("LISTEN_FDS", number, 1);
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
    for (size_t i = 0; i < count; i++) {
        int fd = strchr("406", kinds[i]) ? listen_tcp(kinds[i]) : make_fd(kinds[i]);
        ours[i] = fcntl(fd, F_DUPFD_CLOEXEC, 150);
        close(fd);
    }
    for (size_t i = 0; i < count; i++) {
        kept[i] = fcntl(FIRST_FD + (int)i, F_DUPFD_CLOEXEC, 200);
        close(FIRST_FD + (int)i);
        if (ours[i] >= 0)
            dup2(ours[i], FIRST_FD + (int)i);
    }

    int rc = gh_activation_take(&activation, &err);

    for (size_t i = 0; i < activation.count; i++) {
        struct gh_handed *handed = &activation.list[i];
        is_closed_on_exec[i] = fcntl(handed->fd, F_GETFD) == FD_CLOEXEC;
        is_non_blocking[i] = fcntl(handed->fd, F_GETFL) & O_NONBLOCK;
        handed->fd = fcntl(handed->fd, F_DUPFD_CLOEXEC, 100);
    }
    for (size_t i = 0; i < count; i++) {
        close(FIRST_FD + (int)i);
        if (kept[i] >= 0)
            dup2(kept[i], FIRST_FD + (int)i);
        close(kept[i]);
        close(ours[i]);
    }
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
    ck_assert_ptr_null(getenv("LISTEN_PID"));
    ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
    return rc;
}

START_TEST(without_a_manager_there_is_nothing)
{
    unsetenv("LISTEN_FDS");
    ck_assert_int_eq(gh_activation_take(&activation, &err), GH_OK);
    ck_assert_uint_eq(activation.count, 0);
    ck_assert(!gh_activation_has_clients(&activation));
}
END_TEST

START_TEST(what_is_for_another_process_is_left_alone)
{
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    ck_assert_int_eq(gh_activation_take(&activation, &err), GH_OK);
    ck_assert_uint_eq(activation.count, 0);
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
}
END_TEST

START_TEST(names_say_what_each_is)
{
    ck_assert_int_eq(take("406u", "https:http:http:control"), GH_OK);
    ck_assert_uint_eq(activation.count, 4);
    ck_assert_int_eq(activation.list[0].kind, GH_PORT_HTTPS);
    ck_assert_int_eq(activation.list[1].kind, GH_PORT_HTTP);
    ck_assert_int_eq(activation.list[2].kind, GH_PORT_HTTP);
    ck_assert_int_eq(activation.list[3].kind, GH_PORT_CONTROL);
    ck_assert(activation.list[0].is_loopback);
    ck_assert(!activation.list[1].is_loopback);
    ck_assert(activation.list[2].is_loopback);
    ck_assert(gh_activation_has_clients(&activation));
    for (int i = 0; i < 4; i++)
        ck_assert_msg(is_closed_on_exec[i] && is_non_blocking[i], "socket %d", i);
}
END_TEST

START_TEST(places_are_told_as_people_write_them)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%d.sock", folder, (int)getpid());
    char text[64];

    ck_assert_int_eq(take("46u", NULL), GH_OK);
    snprintf(text, sizeof text, "127.0.0.1:%u", activation.list[0].port);
    ck_assert_str_eq(activation.list[0].where, text);
    snprintf(text, sizeof text, "[::1]:%u", activation.list[1].port);
    ck_assert_str_eq(activation.list[1].where, text);
    ck_assert_str_eq(activation.list[2].where, path);
    ck_assert_uint_eq(activation.list[2].port, 0);
}
END_TEST

START_TEST(family_tells_where_there_is_no_name)
{
    ck_assert_int_eq(take("4u", NULL), GH_OK);
    ck_assert_int_eq(activation.list[0].kind, GH_PORT_HTTP);
    ck_assert_int_eq(activation.list[1].kind, GH_PORT_CONTROL);
}
END_TEST

START_TEST(control_alone_is_no_address_for_clients)
{
    ck_assert_int_eq(take("u", "control"), GH_OK);
    ck_assert(!gh_activation_has_clients(&activation));
}
END_TEST

static const struct {
    const char *kinds, *names, *reason;
} bad[] = {
    {"d", "http", "socket 1 of 1 that the service manager handed over: it does not listen"},
    {"4c", "http:http", "socket 2 of 2 that the service manager handed over: it does not listen"},
    {"f", "http", "it is no socket"},
    {"n", "http", "it is no socket"},
    {"l", "http", "neither a TCP nor a UNIX socket"},
    {"u", "http", "it is called 'http', but is no TCP socket"},
    {"4", "control", "it is called 'control', but is no UNIX socket"},
    {"4", "gatehoused.socket", "it is called 'gatehoused.socket', but must be called http, https"},
    {"4", "htt", "must be called"},
    {"a", "control", "must have a path from / on, whose mode says who may open it, but is '@/"},
};

START_TEST(what_cannot_be_served_is_said)
{
    ck_assert_int_eq(take(bad[_i].kinds, bad[_i].names), GH_E_INPUT);
    assert_contains(err.text, bad[_i].reason);
    ck_assert_uint_eq(activation.count, 0);
}
END_TEST

START_TEST(control_socket_for_all_is_refused)
{
    mode_of_unix = 0;
    ck_assert_int_eq(take("u", "control"), GH_E_INPUT);
    assert_contains(err.text, "everybody may open the control socket");
    assert_contains(err.text, "SocketMode=0600");
}
END_TEST

static const char *const bad_counts[] = {"33", "-1", "x", "1x", ""};

START_TEST(number_of_sockets_is_checked)
{
    char pid[12];

    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", bad_counts[_i], 1);
    setenv("LISTEN_PID", pid, 1);
    ck_assert_int_eq(gh_activation_take(&activation, &err), GH_E_INPUT);
    assert_contains(err.text, "LISTEN_FDS is");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, without_a_manager_there_is_nothing);
    tcase_add_test(tests, what_is_for_another_process_is_left_alone);
    tcase_add_test(tests, names_say_what_each_is);
    tcase_add_test(tests, places_are_told_as_people_write_them);
    tcase_add_test(tests, family_tells_where_there_is_no_name);
    tcase_add_test(tests, control_alone_is_no_address_for_clients);
    tcase_add_loop_test(tests, what_cannot_be_served_is_said, 0, (int)COUNT(bad));
    tcase_add_test(tests, control_socket_for_all_is_refused);
    tcase_add_loop_test(tests, number_of_sockets_is_checked, 0, (int)COUNT(bad_counts));
}

int
main(void)
{
    return run_tests("front_activation", add);
}
