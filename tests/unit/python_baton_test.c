/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor thread never ends, so each baton here is static; tests wait for what threads do, with
 * condition variables, and never for time to pass. */
#include "modules/python/baton.h"

#include "tests/unit/suite.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* What the threads report; under the lock. */
static unsigned ticks, leaders, ended;
static bool has_more;

static void
report(unsigned *counter)
{
    pthread_mutex_lock(&lock);
    (*counter)++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Until *COUNTER is at least COUNT. */
static void
wait_for(const unsigned *counter, unsigned count)
{
    pthread_mutex_lock(&lock);
    while (*counter < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static unsigned
read_of(const unsigned *counter)
{
    pthread_mutex_lock(&lock);
    unsigned count = *counter;
    pthread_mutex_unlock(&lock);
    return count;
}

static bool
on_tick(void *data)
{
    (void)data;
    report(&ticks);
    return has_more;
}

static void *
sit(void *baton)
{
    report(gh_baton_sit(baton, true) ? &leaders : &ended);
    return NULL;
}

/* Start a thread as the runtime does when the baton wants one. */
static pthread_t
start_sitter(struct gh_baton *baton)
{
    pthread_t thread;

    ck_assert(gh_baton_wants_thread(baton));
    ck_assert_int_eq(pthread_create(&thread, NULL, sit, baton), 0);
    return thread;
}

/* Read under the baton's own lock. */
static unsigned
seated(struct gh_baton *baton)
{
    pthread_mutex_lock(&baton->lock);
    unsigned count = baton->seated_count;
    pthread_mutex_unlock(&baton->lock);
    return count;
}

static void
wait_until_seated(struct gh_baton *baton, unsigned count)
{
    while (seated(baton) < count)
        sched_yield();
}

START_TEST(first_to_sit_leads_at_once)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    uint64_t token = gh_baton_begin(&baton);
    ck_assert(gh_baton_end(&baton, token));
}
END_TEST

START_TEST(tokens_are_never_used_twice)
{
    static struct gh_baton baton;
    uint64_t last = 0;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t token = gh_baton_begin(&baton);
        ck_assert_uint_gt(token, last);
        ck_assert(gh_baton_end(&baton, token));
        ck_assert(!gh_baton_end(&baton, token));
        last = token;
    }
}
END_TEST

START_TEST(one_spare_thread_is_wanted_and_no_more)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(!gh_baton_wants_thread(&baton)); /* it is starting */
    ck_assert(gh_baton_sit(&baton, true));     /* and leads */
    ck_assert(gh_baton_wants_thread(&baton));  /* so another one is to be spare */
    gh_baton_thread_failed(&baton);
    pthread_t spare = start_sitter(&baton);
    wait_until_seated(&baton, 1);
    ck_assert(!gh_baton_wants_thread(&baton));
    gh_baton_stop(&baton);
    pthread_join(spare, NULL);
    ck_assert_uint_eq(ended, 1);
}
END_TEST

START_TEST(threads_have_a_limit)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    baton.threads = GH_BATON_THREADS_MAX - 1;
    ck_assert(gh_baton_wants_thread(&baton));
    gh_baton_thread_failed(&baton);
    baton.threads = GH_BATON_THREADS_MAX;
    ck_assert(!gh_baton_wants_thread(&baton));
}
END_TEST

/* The leader's call goes on for longer than a tick: the spare thread leads, the old one learns it. */
START_TEST(slow_call_costs_the_leadership)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    pthread_t spare = start_sitter(&baton);
    if (_i)
        wait_until_seated(&baton, 1); /* else it may be deposed before the other has sat down */
    uint64_t token = gh_baton_begin(&baton);
    wait_for(&leaders, 1);
    ck_assert(!gh_baton_end(&baton, token));
    pthread_join(spare, NULL);
}
END_TEST

/* A thread that is asked for and not there yet takes the vacant leadership when it sits down. */
START_TEST(leadership_waits_for_a_thread_that_starts)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    ck_assert(gh_baton_wants_thread(&baton)); /* never started: it "starts" for long */
    uint64_t token = gh_baton_begin(&baton);
    while (atomic_load(&baton.running) == token)
        sched_yield();
    ck_assert(!gh_baton_end(&baton, token));
    ck_assert(gh_baton_sit(&baton, true));
}
END_TEST

START_TEST(leader_without_successor_stays)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    uint64_t token = gh_baton_begin(&baton);
    wait_for(&ticks, read_of(&ticks) + 10);
    ck_assert(gh_baton_end(&baton, token));
}
END_TEST

START_TEST(deposed_thread_can_sit_down_and_lead_again)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    for (unsigned i = 1; i <= 20; i++) {
        pthread_t spare = start_sitter(&baton);
        uint64_t token = gh_baton_begin(&baton);
        wait_for(&leaders, i);
        ck_assert(!gh_baton_end(&baton, token));
        pthread_join(spare, NULL);

        /* The spare led and left without a word; what it ran is deposed as any call is. */
        pthread_mutex_lock(&baton.lock);
        baton.vacant = true;
        baton.threads--;
        pthread_mutex_unlock(&baton.lock);
        ck_assert(gh_baton_sit(&baton, false));
    }
}
END_TEST

START_TEST(seats_have_a_limit)
{
    static struct gh_baton baton;
    pthread_t threads[GH_BATON_IDLE_MAX];

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    ck_assert(gh_baton_wants_thread(&baton));
    ck_assert(gh_baton_sit(&baton, true));
    for (unsigned i = 0; i < GH_BATON_IDLE_MAX; i++) {
        pthread_mutex_lock(&baton.lock); /* more than it would ask for */
        baton.starting++;
        baton.threads++;
        pthread_mutex_unlock(&baton.lock);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sit, &baton), 0);
    }
    wait_until_seated(&baton, GH_BATON_IDLE_MAX);
    baton.threads++;
    ck_assert(!gh_baton_sit(&baton, false)); /* one more is sent home */
    gh_baton_stop(&baton);
    for (unsigned i = 0; i < GH_BATON_IDLE_MAX; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(ended, GH_BATON_IDLE_MAX);
    ck_assert_uint_eq(leaders, 0);
    ck_assert_uint_eq(baton.threads, 1);
    ck_assert(!gh_baton_sit(&baton, false));
    ck_assert(!gh_baton_wants_thread(&baton));
}
END_TEST

/* The monitor sleeps while nothing happens, and is awake again after a poke or a call. */
START_TEST(quiet_monitor_sleeps_and_wakes)
{
    static struct gh_baton baton;

    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    for (int round = 0; round < 20; round++) {
        while (!atomic_load(&baton.monitor_sleeps))
            sched_yield();
        unsigned before = read_of(&ticks);
        if (round % 2) {
            gh_baton_poke(&baton);
            wait_for(&ticks, before + 1);
        } else {
            uint64_t token = gh_baton_begin(&baton);
            wait_for(&ticks, before + 1);
            gh_baton_end(&baton, token);
        }
    }
    gh_baton_poke(&baton);
    gh_baton_poke(&baton);
}
END_TEST

START_TEST(monitor_with_more_to_do_does_not_sleep)
{
    static struct gh_baton baton;

    pthread_mutex_lock(&lock);
    has_more = true;
    pthread_mutex_unlock(&lock);
    ck_assert_int_eq(gh_baton_start(&baton, on_tick, NULL), 0);
    wait_for(&ticks, 4 * GH_BATON_QUIET_TICKS);
    ck_assert_uint_eq(atomic_load(&baton.monitor_sleeps), 0);
}
END_TEST

static void
set_up(void)
{
    pthread_mutex_lock(&lock);
    ticks = leaders = ended = 0;
    has_more = false;
    pthread_mutex_unlock(&lock);
}

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, first_to_sit_leads_at_once);
    tcase_add_test(tests, tokens_are_never_used_twice);
    tcase_add_test(tests, one_spare_thread_is_wanted_and_no_more);
    tcase_add_test(tests, threads_have_a_limit);
    tcase_add_loop_test(tests, slow_call_costs_the_leadership, 0, 2);
    tcase_add_test(tests, leadership_waits_for_a_thread_that_starts);
    tcase_add_test(tests, leader_without_successor_stays);
    tcase_add_test(tests, deposed_thread_can_sit_down_and_lead_again);
    tcase_add_test(tests, seats_have_a_limit);
    tcase_add_test(tests, quiet_monitor_sleeps_and_wakes);
    tcase_add_test(tests, monitor_with_more_to_do_does_not_sleep);
}

int
main(void)
{
    return run_tests("python_baton", add);
}
