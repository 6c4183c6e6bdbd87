/* SPDX-License-Identifier: Apache-2.0 */
#include "node/gpu.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"

#define END_MS 500u /* a library that does not return within this is left behind */

/* What the two threads share. It outlives the loop's side when the library hangs. */
struct feed {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *library, *visible;
    struct gh_gpu_sample *fresh; /* the newest that the loop has not taken */
    struct gh_err err;           /* why there are no GPUs; code is GH_OK when there are */
    uv_async_t *wake;            /* NULL once the loop has let go */
    bool is_stopping, is_done;
};

struct gh_gpus {
    uv_loop_t *loop;
    pthread_t thread;
    struct feed *feed;
    uv_async_t *wake;
    uv_timer_t *limit; /* of the first answer */
    struct gh_gpu_sample *sample;
    struct gh_gpus_waiter *waiters;
    bool is_counted, is_answered; /* counted without an answer: the limit has passed */
    bool is_thread;
    void (*on_counted)(void *context);
    void *context;
};

/* ---- the thread that asks ---- */

static void
publish(struct feed *feed, struct gh_gpu_sample *sample, const struct gh_err *err)
{
    pthread_mutex_lock(&feed->lock);
    gh_gpu_sample_free(&feed->fresh);
    feed->fresh = sample;
    if (err)
        feed->err = *err;
    if (feed->wake)
        uv_async_send(feed->wake);
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

static struct timespec
in_ms(unsigned ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* False when it is time to end. */
static bool
rest(struct feed *feed)
{
    struct timespec until = in_ms(GH_GPUS_SAMPLE_MS);
    int rc = 0;

    pthread_mutex_lock(&feed->lock);
    while (!feed->is_stopping && rc == 0)
        rc = pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    bool goes_on = !feed->is_stopping;
    pthread_mutex_unlock(&feed->lock);
    return goes_on;
}

static void
feed_free(struct feed *feed)
{
    gh_gpu_sample_free(&feed->fresh);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    free(feed->library);
    free(feed->visible);
    free(feed);
}

static void *
watch(void *context)
{
    struct feed *feed = context;
    struct gh_nvml *nvml = NULL;
    struct gh_err err = {0};

    if (gh_nvml_open(feed->library, feed->visible, &nvml, &err) != GH_OK) {
        publish(feed, gh_alloc(sizeof(struct gh_gpu_sample)), &err);
    } else {
        /* The driver's own descriptors are none of our children's business. */
        close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
        do
            publish(feed, gh_nvml_sample(nvml), NULL);
        while (rest(feed));
        gh_nvml_close(&nvml);
    }

    pthread_mutex_lock(&feed->lock);
    feed->is_done = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

/* ---- the loop's side ---- */

static void
tell_waiters(struct gh_gpus *gpus)
{
    while (gpus->waiters) {
        struct gh_gpus_waiter *waiter = gpus->waiters;
        DL_DELETE(gpus->waiters, waiter);
        waiter->on_counted(waiter->context);
    }
}

static void
tell(struct gh_gpus *gpus)
{
    gpus->is_counted = true;
    gpus->on_counted(gpus->context);
    tell_waiters(gpus);
}

static void
log_first(const struct gh_gpus *gpus, const struct gh_err *err)
{
    if (err->code == GH_OK)
        gh_log(GH_LOG_INFO, "gpu.found", "count=%u", gpus->sample->gpu_count);
    else
        gh_log(err->code == GH_E_NOT_FOUND ? GH_LOG_DEBUG : GH_LOG_WARN, "gpu.none", "reason=%s",
               gh_log_quote(err->text));
}

/* Take what the thread has published, if anything. */
static void
take_fresh(struct gh_gpus *gpus)
{
    struct feed *feed = gpus->feed;
    struct gh_err err;

    pthread_mutex_lock(&feed->lock);
    struct gh_gpu_sample *fresh = gh_take(feed->fresh);
    err = feed->err;
    pthread_mutex_unlock(&feed->lock);
    if (!fresh)
        return;

    gh_gpu_sample_free(&gpus->sample);
    gpus->sample = fresh;
    if (gpus->is_answered)
        return;
    gpus->is_answered = true;
    uv_timer_stop(gpus->limit);
    log_first(gpus, &err);
    tell(gpus);
}

static void
on_wake(uv_async_t *wake)
{
    take_fresh(wake->data);
}

static void
on_limit(uv_timer_t *limit)
{
    struct gh_gpus *gpus = limit->data;

    gh_log(GH_LOG_WARN, "gpu.no_answer", "library=%s waited_ms=%u note=%s",
           gh_log_quote(gpus->feed->library), GH_GPUS_KNOWN_MS,
           "\"counted as no GPUs until it answers\"");
    tell(gpus);
}

struct gh_gpus *
gh_gpus_start(uv_loop_t *loop, const char *library, const char *visible,
              void (*on_counted)(void *context), void *context)
{
    struct gh_gpus *gpus = gh_alloc(sizeof *gpus);
    struct feed *feed = gh_alloc(sizeof *feed);
    pthread_condattr_t monotonic;
    sigset_t all, before;

    gpus->loop = loop;
    gpus->feed = feed;
    gpus->on_counted = on_counted;
    gpus->context = context;
    gpus->sample = gh_alloc(sizeof *gpus->sample);
    gpus->wake = gh_alloc(sizeof *gpus->wake);
    gpus->limit = gh_alloc(sizeof *gpus->limit);
    uv_async_init(loop, gpus->wake, on_wake);
    uv_timer_init(loop, gpus->limit);
    gpus->wake->data = gpus->limit->data = gpus;
    uv_timer_start(gpus->limit, on_limit, GH_GPUS_KNOWN_MS, 0);

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&feed->lock, NULL);
    feed->library = gh_strdup(library);
    feed->visible = visible ? gh_strdup(visible) : NULL;
    feed->wake = gpus->wake;

    /* Signals are the loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&gpus->thread, NULL, watch, feed);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        struct gh_err err;
        gh_err_set(&err, GH_E_SYSTEM, "no thread: %s", strerror(rc));
        feed->is_done = true;
        publish(feed, gh_alloc(sizeof(struct gh_gpu_sample)), &err);
    }
    gpus->is_thread = rc == 0;
    return gpus;
}

void
gh_gpus_wait(struct gh_gpus *gpus, unsigned timeout_ms)
{
    struct feed *feed = gpus->feed;
    struct timespec until = in_ms(timeout_ms);
    int rc = 0;

    pthread_mutex_lock(&feed->lock);
    while (!feed->fresh && rc == 0 && !gpus->is_answered)
        rc = pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    pthread_mutex_unlock(&feed->lock);
    take_fresh(gpus);
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Whether the thread ended within END_MS. */
static bool
end_thread(struct feed *feed)
{
    struct timespec until = in_ms(END_MS);
    int rc = 0;

    pthread_mutex_lock(&feed->lock);
    feed->wake = NULL;
    feed->is_stopping = true;
    pthread_cond_broadcast(&feed->changed);
    while (!feed->is_done && rc == 0)
        rc = pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    bool is_done = feed->is_done;
    pthread_mutex_unlock(&feed->lock);
    return is_done;
}

void
gh_gpus_stop(struct gh_gpus **gpus_of)
{
    struct gh_gpus *gpus = *gpus_of;

    if (!gpus)
        return;
    *gpus_of = NULL;
    tell_waiters(gpus);
    if (end_thread(gpus->feed)) {
        if (gpus->is_thread)
            pthread_join(gpus->thread, NULL);
        feed_free(gpus->feed);
    } else {
        pthread_detach(gpus->thread); /* the feed stays its own */
    }
    uv_close((uv_handle_t *)gpus->wake, on_closed);
    uv_close((uv_handle_t *)gpus->limit, on_closed);
    gh_gpu_sample_free(&gpus->sample);
    free(gpus);
}

bool
gh_gpus_are_counted(const struct gh_gpus *gpus)
{
    return gpus->is_counted;
}

const struct gh_gpu_sample *
gh_gpus_sample(const struct gh_gpus *gpus)
{
    return gpus->sample;
}

void
gh_gpus_when_counted(struct gh_gpus *gpus, struct gh_gpus_waiter *waiter)
{
    if (gpus->is_counted)
        waiter->on_counted(waiter->context);
    else
        DL_APPEND(gpus->waiters, waiter);
}

/* WSL has its GPUs at dxg, Tegra at nvhost, AMD's at kfd; a broken driver still has its files. */
bool
gh_gpus_may_be_others(void)
{
    static const char *const files[] = {"/dev/nvidiactl",  "/dev/nvidia0", "/dev/dxg",
                                        "/dev/nvhost-gpu", "/dev/nvgpu",   "/dev/kfd"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (access(files[i], F_OK) == 0)
            return true;
    return false;
}
