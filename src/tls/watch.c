/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"

#define SETTLE_MS 30 /* files of one change come one after the other */
#define AGAIN_MS 1000
#define LOOK_MS 10000

/* What tells one content of a file from another. */
struct trace {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

struct folder {
    uv_fs_event_t event;
    char *path;
};

struct gh_watch {
    uv_loop_t *loop;
    struct gh_words files;
    struct trace *traces; /* of each file */
    struct folder *folders;
    size_t folder_count;
    uv_timer_t settle; /* runs from a notice to the look that follows */
    uv_timer_t again;  /* to the second call */
    uv_timer_t look;
    gh_watch_fn *fn;
    void *context;
    size_t open_handles;
};

/* ---- what changed ---- */

static struct trace
trace_of(const char *path)
{
    struct stat info;
    struct trace trace;

    memset(&trace, 0, sizeof trace); /* compared as bytes */
    if (stat(path, &info) != 0)
        return trace;
    trace.device = info.st_dev;
    trace.inode = info.st_ino;
    trace.size = info.st_size;
    trace.written = info.st_mtim;
    trace.changed = info.st_ctim;
    return trace;
}

static bool
has_changed(struct gh_watch *watch)
{
    bool is_other = false;

    for (size_t i = 0; i < watch->files.count; i++) {
        struct trace trace = trace_of(watch->files.list[i]);
        if (memcmp(&trace, &watch->traces[i], sizeof trace) == 0)
            continue;
        watch->traces[i] = trace;
        is_other = true;
    }
    return is_other;
}

static void
on_again(uv_timer_t *timer)
{
    struct gh_watch *watch = timer->data;

    (void)watch->fn(watch->context, true);
}

static void
look(struct gh_watch *watch)
{
    if (!has_changed(watch))
        return;
    uv_timer_stop(&watch->again);
    if (!watch->fn(watch->context, false))
        uv_timer_start(&watch->again, on_again, AGAIN_MS, 0);
}

static void
on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

static void
on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct gh_watch *watch = event->data;

    (void)name;
    (void)events;
    if (status == 0 && !uv_is_active((uv_handle_t *)&watch->settle))
        uv_timer_start(&watch->settle, on_timer, SETTLE_MS, 0);
}

/* ---- start and stop ---- */

static bool
knows_folder(const struct gh_watch *watch, const char *path)
{
    for (size_t i = 0; i < watch->folder_count; i++)
        if (strcmp(watch->folders[i].path, path) == 0)
            return true;
    return false;
}

static void
watch_folder(struct gh_watch *watch, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *path = slash && slash != file ? gh_strndup(file, (size_t)(slash - file)) : gh_strdup("/");

    if (knows_folder(watch, path)) {
        free(path);
        return;
    }
    struct folder *folder = &watch->folders[watch->folder_count++];
    folder->path = path;
    uv_fs_event_init(watch->loop, &folder->event);
    folder->event.data = watch;
    int rc = uv_fs_event_start(&folder->event, on_event, path, 0);
    if (rc != 0)
        gh_log(GH_LOG_DEBUG, "tls.not_noticed", "folder=%s reason=%s", gh_log_quote(path),
               uv_err_name(rc));
}

struct gh_watch *
gh_watch_new(uv_loop_t *loop, const struct gh_words *files, gh_watch_fn *fn, void *context)
{
    struct gh_watch *watch = gh_alloc(sizeof *watch);

    *watch = (struct gh_watch){.loop = loop, .fn = fn, .context = context};
    gh_words_add_all(&watch->files, files);
    watch->traces = gh_alloc((files->count + 1) * sizeof watch->traces[0]);
    watch->folders = gh_alloc((files->count + 1) * sizeof watch->folders[0]);
    has_changed(watch);
    for (size_t i = 0; i < files->count; i++)
        watch_folder(watch, files->list[i]);
    uv_timer_init(loop, &watch->settle);
    uv_timer_init(loop, &watch->again);
    uv_timer_init(loop, &watch->look);
    watch->settle.data = watch->again.data = watch->look.data = watch;
    uv_timer_start(&watch->look, on_timer, LOOK_MS, LOOK_MS);
    watch->open_handles = watch->folder_count + 3;
    return watch;
}

static void
on_closed(uv_handle_t *handle)
{
    struct gh_watch *watch = handle->data;

    if (--watch->open_handles > 0)
        return;
    for (size_t i = 0; i < watch->folder_count; i++)
        free(watch->folders[i].path);
    free(watch->folders);
    free(watch->traces);
    gh_words_done(&watch->files);
    free(watch);
}

void
gh_watch_stop(struct gh_watch **watch_of)
{
    struct gh_watch *watch = gh_take(*watch_of);

    if (!watch)
        return;
    for (size_t i = 0; i < watch->folder_count; i++)
        uv_close((uv_handle_t *)&watch->folders[i].event, on_closed);
    uv_close((uv_handle_t *)&watch->settle, on_closed);
    uv_close((uv_handle_t *)&watch->again, on_closed);
    uv_close((uv_handle_t *)&watch->look, on_closed);
}
