/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/daemon.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static struct gh_err err;

/* A folder of this test's own, and a socket's path in it. */
static char folder[64];

static char *
make_path(void)
{
    strcpy(folder, "/tmp/gh-daemon-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return gh_asprintf("%s/control-1.sock", folder);
}

static void
remove_path(char *path)
{
    unlink(path);
    rmdir(folder);
    free(path);
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    return fd;
}

/* A process that listens at PATH, and does ON_TERM at SIGTERM. */
static pid_t
start_listener(const char *path, void (*on_term)(int))
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, on_term); /* Check has a handler of its own */
        listen_at(path);
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

START_TEST(who_listens_is_found_with_its_command_and_folder)
{
    struct gh_daemon daemon;
    char *path = make_path();
    int fd = listen_at(path);

    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_OK);
    ck_assert_int_eq(daemon.pid, getpid());
    ck_assert_uint_ge(daemon.words.count, 1);
    assert_contains(daemon.words.list[0], "cli_daemon_test");
    ck_assert_ptr_nonnull(daemon.folder);
    gh_daemon_done(&daemon);
    close(fd);
    remove_path(path);
}
END_TEST

START_TEST(a_socket_that_nobody_listens_at_is_no_daemon)
{
    struct gh_daemon daemon;
    char *path = make_path();

    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_NO_CONNECTION);
    close(listen_at(path)); /* the file stays */
    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_NO_CONNECTION);
    assert_contains(err.text, "Connection refused");
    remove_path(path);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_no_daemon)
{
    struct gh_daemon daemon;
    char path[200];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_NO_CONNECTION);
}
END_TEST

START_TEST(it_is_ended_and_waited_for)
{
    struct gh_daemon daemon;
    char *path = make_path();
    pid_t pid = start_listener(path, SIG_DFL);
    int status;

    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_OK);
    ck_assert_int_eq(daemon.pid, pid);
    ck_assert_int_eq(gh_daemon_end(&daemon, 3000, &err), GH_EXIT_OK);
    ck_assert_int_eq(waitpid(pid, &status, WNOHANG), pid);
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
    ck_assert_int_eq(gh_daemon_end(&daemon, 3000, &err), GH_EXIT_OK); /* it has ended already */
    gh_daemon_done(&daemon);
    remove_path(path);
}
END_TEST

START_TEST(one_that_does_not_end_in_time_is_told_by_its_pid)
{
    struct gh_daemon daemon;
    char *path = make_path();
    char wanted[32];

    pid_t pid = start_listener(path, SIG_IGN);
    ck_assert_int_eq(gh_daemon_find(path, &daemon, &err), GH_EXIT_OK);
    ck_assert_int_eq(gh_daemon_end(&daemon, 10, &err), GH_EXIT_TIMED_OUT);
    snprintf(wanted, sizeof wanted, "pid %d, still runs", pid);
    assert_contains(err.text, wanted);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    gh_daemon_done(&daemon);
    remove_path(path);
}
END_TEST

START_TEST(options_are_those_of_the_command_less_the_ready_fd)
{
    struct gh_daemon daemon = {.pidfd = -1};
    struct gh_words options GH_SCOPED(gh_words_done) = {0};
    static const char *const words[] = {"gatehoused", "--ready-fd",   "3",   "--port",
                                        "80",         "--ready-fd=3", "--x", ""};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        gh_words_add(&daemon.words, words[i]);
    gh_daemon_options(&daemon, &options);
    ck_assert_uint_eq(options.count, 4);
    ck_assert_str_eq(options.list[0], "--port");
    ck_assert_str_eq(options.list[1], "80");
    ck_assert_str_eq(options.list[2], "--x");
    ck_assert_str_eq(options.list[3], "");
    gh_daemon_done(&daemon);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, who_listens_is_found_with_its_command_and_folder);
    tcase_add_test(tests, a_socket_that_nobody_listens_at_is_no_daemon);
    tcase_add_test(tests, a_path_too_long_for_a_socket_is_no_daemon);
    tcase_add_test(tests, it_is_ended_and_waited_for);
    tcase_add_test(tests, one_that_does_not_end_in_time_is_told_by_its_pid);
    tcase_add_test(tests, options_are_those_of_the_command_less_the_ready_fd);
}

int
main(void)
{
    int pidfd = pidfd_open(getpid(), 0);

    if (pidfd < 0 && errno == ENOSYS) { /* valgrind 3.19 */
        printf("SKIP: processes cannot be held by descriptors here (pidfd_open)\n");
        return 77;
    }
    close(pidfd);
    return run_tests("cli_daemon", add);
}
