/* SPDX-License-Identifier: Apache-2.0
 *
 * baton.h - which thread reads the socket.
 *
 * One thread, the leader, reads frames and runs their calls itself: no hand-over between threads on
 * the fast path. A monitor thread looks once a millisecond; when it sees the same call twice, it
 * takes the leadership away and gives it to a thread that sits idle, so a slow call delays nobody.
 * The deposed thread learns of it when its call ends, answers, and sits down.
 *
 *     leader                                   monitor
 *     token = gh_baton_begin()                 sees running == token, one tick later again
 *     ... the call ...                         compare-and-swap running: token -> 0, so it has it
 *     gh_baton_end(token): swap fails          calls a seated thread to lead
 *
 * A leader that knows beforehand that a call will be slow gives the leadership away first, with
 * gh_baton_hand_over(); else only one slow call could begin every two ticks.
 *
 * `running` holds a number that is never used twice, so a new call cannot be taken for an old one.
 * While no call runs and nothing waits to be sent, the monitor sleeps on a futex and costs nothing.
 *
 * Nothing here knows of Python, and no function may be called with the interpreter lock held except
 * gh_baton_begin, gh_baton_end, gh_baton_hand_over, gh_baton_wants_thread, gh_baton_thread_failed and
 * gh_baton_poke.
 * Source: shared design notes, section 2, "baton". */
#ifndef GH_BATON_H
#define GH_BATON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GH_BATON_TICK_NS 1000000L
#define GH_BATON_QUIET_TICKS 5u    /* idle ticks after which the monitor goes to sleep */
#define GH_BATON_IDLE_MAX 64u      /* seated threads; one more ends instead */
#define GH_BATON_THREADS_MAX 1024u /* past it, a call has to wait for another to end */

struct gh_seat;

struct gh_baton {
    _Atomic uint64_t running;        /* the leader's call, 0 between calls */
    _Atomic uint32_t monitor_sleeps; /* futex: 1 while the monitor sleeps without a time limit */
    uint64_t last_token;             /* the leader's */

    pthread_mutex_t lock;
    struct gh_seat *seated; /* idle threads, the last to sit first */
    unsigned seated_count;
    unsigned starting; /* threads asked for that have not sat down yet */
    unsigned threads;  /* all of them, starting ones included */
    bool vacant;       /* no leader: the next to sit down leads at once */
    bool stopping;

    /* The monitor's second duty: called each tick, says whether there is more to do soon. */
    bool (*on_tick)(void *data);
    void *on_tick_data;
};

/* Set up with a vacant leadership and start the monitor. 0, or an errno value. */
int gh_baton_start(struct gh_baton *baton, bool (*on_tick)(void *data), void *data);

/* True when a thread should be started now, which must then call gh_baton_sit(), or
 * gh_baton_thread_failed() in its place. There is always to be one thread to spare. */
bool gh_baton_wants_thread(struct gh_baton *baton);
void gh_baton_thread_failed(struct gh_baton *baton);

/* Wait to be made leader: true; false: this thread is to end. IS_NEW on a thread's first time. */
bool gh_baton_sit(struct gh_baton *baton, bool is_new);

/* The leader's, around each call. gh_baton_end is false when it has been deposed. */
uint64_t gh_baton_begin(struct gh_baton *baton);
bool gh_baton_end(struct gh_baton *baton, uint64_t token);

/* The leader's, between calls: have another thread lead. False when none is at hand; the caller then
 * leads on. */
bool gh_baton_hand_over(struct gh_baton *baton);

/* Have on_tick called within about two ticks. Any thread. */
void gh_baton_poke(struct gh_baton *baton);

/* Let all seated threads go, now and later. */
void gh_baton_stop(struct gh_baton *baton);

#endif
