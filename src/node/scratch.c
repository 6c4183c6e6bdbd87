/* SPDX-License-Identifier: Apache-2.0 */
#include "node/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "node/child.h"

#define PREFIX ".gatehouse-scratch-"

int
gh_scratch_make(struct gh_scratch *scratch, const char *parent, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/" PREFIX "XXXXXX", parent);

    if (!mkdtemp(path))
        return gh_err_set(err, GH_E_SYSTEM, "making a folder in %s: %s", parent, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        gh_err_set(err, GH_E_SYSTEM, "locking %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        rmdir(path);
        return GH_E_SYSTEM;
    }
    *scratch = (struct gh_scratch){.path = gh_take(path), .fd = fd};
    return GH_OK;
}

static void
let_go(struct gh_scratch *scratch)
{
    close(scratch->fd);
    gh_free(&scratch->path);
}

void
gh_scratch_drop(struct gh_scratch *scratch, uv_loop_t *loop)
{
    if (!scratch->path)
        return;
    if (rmdir(scratch->path) != 0 && errno != ENOENT) {
        struct gh_words paths GH_SCOPED(gh_words_done) = {0};
        gh_words_add(&paths, scratch->path);
        gh_scratch_remove(&paths, loop);
    }
    let_go(scratch);
}

int
gh_scratch_become(struct gh_scratch *scratch, const char *path, struct gh_err *err)
{
    if (rename(scratch->path, path) != 0)
        return gh_err_set(err, GH_E_SYSTEM, "renaming %s to %s: %s", scratch->path, path,
                          strerror(errno));
    let_go(scratch);
    return GH_OK;
}

/* Does nobody hold the folder PATH, which is ours? */
static bool
is_stale(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &info) == 0 && info.st_uid == geteuid();
    bool is_free = is_ours && flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_free;
}

void
gh_scratch_find_stale(const char *parent, struct gh_words *paths)
{
    DIR *folder = opendir(parent);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", parent, entry->d_name);
        if (is_stale(path))
            gh_words_add(paths, path);
    }
    if (folder)
        closedir(folder);
}

static void
on_line(void *owner, const char *line, size_t len)
{
    (void)owner;
    (void)len;
    gh_log(GH_LOG_WARN, "scratch.not_removed", "reason=%s", gh_log_quote(line));
}

static void
on_exit_of_rm(void *owner, int64_t status, int term_signal)
{
    (void)owner;
    (void)status;
    (void)term_signal; /* what it could not do it has said */
}

void
gh_scratch_remove(const struct gh_words *paths, uv_loop_t *loop)
{
    static const struct gh_child_events events = {on_line, on_exit_of_rm};
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_child *child;
    struct gh_err err;

    if (paths->count == 0)
        return;
    gh_words_add(&argv, "rm");
    gh_words_add(&argv, "-rf");
    gh_words_add(&argv, "--");
    gh_words_add_all(&argv, paths);
    struct gh_child_program program = {.argv = argv.list, .folder = "/", .line_max_bytes = 400};
    if (gh_child_start(loop, &program, &events, NULL, &child, &err) != GH_OK)
        on_line(NULL, err.text, 0);
}
