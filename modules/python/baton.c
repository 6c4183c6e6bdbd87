/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/baton.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct gh_seat {
    pthread_cond_t called;
    bool leads;
    struct gh_seat *next;
};

uint64_t
gh_baton_begin(struct gh_baton *baton)
{
    uint64_t token = ++baton->last_token;

    /* Sequentially consistent, as is the monitor's pair of store and load in fall_asleep(): either
     * it sees our call, or we see it asleep. */
    atomic_store(&baton->running, token);
    if (atomic_load(&baton->monitor_sleeps))
        gh_baton_poke(baton);
    return token;
}

bool
gh_baton_end(struct gh_baton *baton, uint64_t token)
{
    return atomic_compare_exchange_strong(&baton->running, &token, 0);
}

void
gh_baton_poke(struct gh_baton *baton)
{
    if (atomic_exchange(&baton->monitor_sleeps, 0))
        syscall(SYS_futex, &baton->monitor_sleeps, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool
gh_baton_wants_thread(struct gh_baton *baton)
{
    pthread_mutex_lock(&baton->lock);
    bool wants = baton->seated_count + baton->starting == 0 &&
                 baton->threads < GH_BATON_THREADS_MAX && !baton->stopping;
    if (wants) {
        baton->starting++;
        baton->threads++;
    }
    pthread_mutex_unlock(&baton->lock);
    return wants;
}

void
gh_baton_thread_failed(struct gh_baton *baton)
{
    pthread_mutex_lock(&baton->lock);
    baton->starting--;
    baton->threads--;
    pthread_mutex_unlock(&baton->lock);
}

/* With the lock held. */
static bool
wait_in_seat(struct gh_baton *baton)
{
    struct gh_seat seat = {.next = baton->seated};

    pthread_cond_init(&seat.called, NULL);
    baton->seated = &seat;
    baton->seated_count++;
    while (!seat.leads && !baton->stopping)
        pthread_cond_wait(&seat.called, &baton->lock);
    pthread_cond_destroy(&seat.called);
    return seat.leads;
}

/* A thread that gh_baton_thread_failed() gave up may turn up all the same: Thread.start() can raise
 * after the thread was made. With the lock held. */
static void
count_arrival(struct gh_baton *baton)
{
    if (baton->starting)
        baton->starting--;
    else
        baton->threads++;
}

bool
gh_baton_sit(struct gh_baton *baton, bool is_new)
{
    bool leads = false;

    pthread_mutex_lock(&baton->lock);
    if (is_new)
        count_arrival(baton);
    if (baton->stopping) {
        leads = false;
    } else if (baton->vacant) {
        baton->vacant = false;
        leads = true;
    } else if (baton->seated_count < GH_BATON_IDLE_MAX) {
        leads = wait_in_seat(baton);
    }
    if (!leads)
        baton->threads--;
    pthread_mutex_unlock(&baton->lock);
    return leads;
}

/* Let a thread that sits lead, else the next to sit down. With the lock held. */
static void
call_successor(struct gh_baton *baton)
{
    struct gh_seat *seat = baton->seated;

    if (seat) {
        baton->seated = seat->next;
        baton->seated_count--;
        seat->leads = true;
        pthread_cond_signal(&seat->called);
    } else {
        baton->vacant = true;
    }
}

/* The call TOKEN is slow: have another thread lead. Without one at hand the leader stays. */
static void
depose(struct gh_baton *baton, uint64_t token)
{
    pthread_mutex_lock(&baton->lock);
    bool has_successor = baton->seated || baton->starting;
    if (has_successor && atomic_compare_exchange_strong(&baton->running, &token, 0))
        call_successor(baton);
    pthread_mutex_unlock(&baton->lock);
}

bool
gh_baton_hand_over(struct gh_baton *baton)
{
    pthread_mutex_lock(&baton->lock);
    bool has_successor = baton->seated || baton->starting;
    if (has_successor)
        call_successor(baton);
    pthread_mutex_unlock(&baton->lock);
    return has_successor;
}

static void
fall_asleep(struct gh_baton *baton)
{
    atomic_store(&baton->monitor_sleeps, 1);
    if (atomic_load(&baton->running) || baton->on_tick(baton->on_tick_data)) {
        atomic_store(&baton->monitor_sleeps, 0);
        return;
    }
    while (atomic_load(&baton->monitor_sleeps))
        syscall(SYS_futex, &baton->monitor_sleeps, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void *
watch(void *data)
{
    struct gh_baton *baton = data;
    const struct timespec tick = {.tv_nsec = GH_BATON_TICK_NS};
    uint64_t seen = 0;
    unsigned quiet_ticks = 0;

    for (;;) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
        uint64_t token = atomic_load(&baton->running);
        if (token && token == seen)
            depose(baton, token);
        seen = token;

        bool has_more = baton->on_tick(baton->on_tick_data);
        quiet_ticks = token || has_more ? 0 : quiet_ticks + 1;
        if (quiet_ticks >= GH_BATON_QUIET_TICKS) {
            fall_asleep(baton);
            quiet_ticks = 0;
        }
    }
    return NULL;
}

int
gh_baton_start(struct gh_baton *baton, bool (*on_tick)(void *data), void *data)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, saved;

    *baton = (struct gh_baton){.vacant = true, .on_tick = on_tick, .on_tick_data = data};
    pthread_mutex_init(&baton->lock, NULL);

    /* Signals are for the main thread, and this one must never run a handler of Python's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    int rc = pthread_create(&thread, &attributes, watch, baton);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return rc;
}

void
gh_baton_stop(struct gh_baton *baton)
{
    pthread_mutex_lock(&baton->lock);
    baton->stopping = true;
    for (struct gh_seat *seat = baton->seated; seat; seat = seat->next)
        pthread_cond_signal(&seat->called);
    baton->seated = NULL;
    baton->seated_count = 0;
    pthread_mutex_unlock(&baton->lock);
}
