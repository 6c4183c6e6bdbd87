/* SPDX-License-Identifier: Apache-2.0 */
#include "node/census.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/suite.h"

static uv_loop_t loop;
static struct gh_census *census;

static void
set_up(void)
{
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    census = gh_census_new(&loop);
}

static void
tear_down(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_census_free(&census);
    ck_assert_ptr_null(census);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void
count_up(void *context)
{
    ++*(unsigned *)context;
}

static void
take(void)
{
    unsigned taken = 0;
    struct gh_census_waiter waiter = {.on_taken = count_up, .context = &taken};

    gh_census_take(census, &waiter);
    ck_assert_uint_eq(taken, 0); /* in a later turn */
    while (taken == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

/* A child that holds LEN bytes and has one child of its own; both wait to be killed. */
static pid_t
start_family(size_t len, pid_t *grandchild_out)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char *volatile memory = malloc(len);
        memset(memory, 1, len);
        prctl(PR_SET_NAME, ") R 1 (9 9"); /* looks like the fields behind it */
        pid_t grandchild = fork();
        if (grandchild == 0)
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        else if (write(ends[1], &grandchild, sizeof grandchild) != sizeof grandchild)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], grandchild_out, sizeof *grandchild_out), sizeof(pid_t));
    close(ends[0]);
    return child;
}

static void
end_family(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

START_TEST(family_is_all_that_is_below)
{
    struct gh_family_usage usage;
    pid_t grandchild, child = start_family(16u << 20, &grandchild);

    take();
    gh_census_family(census, child, &usage);
    ck_assert_uint_eq(usage.process_count, 2);
    ck_assert_uint_ge(usage.used_bytes, 16u << 20);
    ck_assert(gh_census_is_family(census, child, child));
    ck_assert(gh_census_is_family(census, child, grandchild));
    ck_assert(gh_census_is_family(census, getpid(), grandchild));
    ck_assert(!gh_census_is_family(census, grandchild, child));
    ck_assert(!gh_census_is_family(census, child, getpid()));
    gh_census_family(census, getpid(), &usage);
    ck_assert_uint_eq(usage.process_count, 3);
    end_family(child);
}
END_TEST

START_TEST(process_that_is_gone_uses_nothing)
{
    struct gh_family_usage usage;
    pid_t grandchild, child = start_family(1, &grandchild);

    end_family(child);
    take();
    pid_t pids[] = {0, -1, child};
    for (size_t i = 0; i < COUNT(pids); i++) {
        memset(&usage, 0xFF, sizeof usage);
        gh_census_family(census, pids[i], &usage);
        ck_assert_uint_eq(usage.process_count, 0);
        ck_assert_uint_eq(usage.used_bytes, 0);
        ck_assert(usage.cpu_percent == 0);
        ck_assert(!gh_census_is_family(census, pids[i], pids[i]));
    }
}
END_TEST

START_TEST(nothing_is_known_before_the_first)
{
    struct gh_family_usage usage;

    gh_census_family(census, getpid(), &usage);
    ck_assert_uint_eq(usage.process_count, 0);
    ck_assert(!gh_census_is_family(census, getpid(), getpid()));
}
END_TEST

START_TEST(those_who_ask_meanwhile_share_one)
{
    unsigned taken = 0;
    struct gh_census_waiter waiters[8];

    for (size_t i = 0; i < COUNT(waiters); i++) {
        waiters[i] = (struct gh_census_waiter){.on_taken = count_up, .context = &taken};
        gh_census_take(census, &waiters[i]);
    }
    while (taken == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(taken, COUNT(waiters));
}
END_TEST

static struct gh_census_waiter second;
static unsigned second_taken;

static void
take_another(void *context)
{
    ++*(unsigned *)context;
    second = (struct gh_census_waiter){.on_taken = count_up, .context = &second_taken};
    gh_census_take(census, &second);
}

START_TEST(who_asks_in_an_answer_gets_a_new_one)
{
    unsigned taken = 0;
    struct gh_census_waiter waiter = {.on_taken = take_another, .context = &taken};

    gh_census_take(census, &waiter);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(taken, 1);
    ck_assert_uint_eq(second_taken, 1);
}
END_TEST

START_TEST(cpu_time_is_a_share_of_one_cpu)
{
    struct gh_family_usage usage;
    struct timespec now;

    do { /* some ticks of the clock */
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while (now.tv_sec == 0 && now.tv_nsec < 60000000);
    take();
    gh_census_family(census, getpid(), &usage);
    ck_assert_msg(usage.cpu_percent > 0 && usage.cpu_percent < 6400, "%f", usage.cpu_percent);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, family_is_all_that_is_below);
    tcase_add_test(tests, process_that_is_gone_uses_nothing);
    tcase_add_test(tests, nothing_is_known_before_the_first);
    tcase_add_test(tests, those_who_ask_meanwhile_share_one);
    tcase_add_test(tests, who_asks_in_an_answer_gets_a_new_one);
    tcase_add_test(tests, cpu_time_is_a_share_of_one_cpu);
}

int
main(void)
{
    return run_tests("node_census", add);
}
