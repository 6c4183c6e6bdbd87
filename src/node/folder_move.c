/* SPDX-License-Identifier: Apache-2.0
 *
 * node/folder_move.c - renaming, and moving to another file system, which is left to the program mv: it
 * knows all that a file has beside its content. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/environment.h"
#include "node/folder.h"

static int
run_mv(const char *path, const char *dest, bool overwrite, struct gh_fault *fault)
{
    const char *args[] = {"mv", overwrite ? "-fT" : "-nT", "--", path, dest, NULL};
    char **environment GH_SCOPED(gh_free) = gh_environment(NULL);
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int number =
        posix_spawnp(&pid, "mv", &actions, NULL, (char *const *)(uintptr_t)args, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (number != 0)
        return gh_fault_errno(fault, number, "mv");
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return gh_fault_errno(fault, errno, "mv");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return gh_fault_set(fault, 200, GH_PY_OS_ERROR,
                        "Moving %s to %s, on another file system, failed; the log of the node has "
                        "what mv said",
                        path, dest);
}

static int
move(const char *path, const char *dest, bool overwrite, struct gh_fault *fault)
{
    int rc = overwrite ? rename(path, dest)
                       : renameat2(AT_FDCWD, path, AT_FDCWD, dest, RENAME_NOREPLACE);

    if (rc == 0)
        return 0;
    if (errno == EXDEV || errno == EINVAL) {
        /* EINVAL: a folder into itself, or a file system that cannot promise not to replace. */
        size_t len = strlen(path);
        if (strncmp(path, dest, len) != 0 || dest[len] != '/')
            return run_mv(path, dest, overwrite, fault);
        return gh_fault_set(fault, 200, GH_PY_OS_ERROR,
                            "Cannot move a directory '%s' into itself '%s'.", path, dest);
    }
    return gh_fault_errno(fault, errno, errno == ENOENT ? path : dest);
}

int
gh_folder_mv(const char *path, const char *dest, bool overwrite, struct gh_fault *fault)
{
    const char *name = strrchr(path, '/') + 1;
    struct stat source, target;

    if (lstat(path, &source) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? gh_fault_set(fault, 404, 0, "The source path %s does not exist", path)
                   : gh_fault_errno(fault, errno, path);
    bool has_target = stat(dest, &target) == 0;
    if (has_target && !overwrite)
        return gh_fault_set(fault, 409, 0,
                            "The destination path %s already exists. Set `overwrite` to `True` to "
                            "overwrite the destination path",
                            dest);
    if (has_target && source.st_dev == target.st_dev && source.st_ino == target.st_ino)
        return 0;

    if (has_target && S_ISDIR(target.st_mode)) {
        char *inner GH_SCOPED(gh_free) = gh_asprintf("%s/%s", dest, name);
        if (access(inner, F_OK) == 0)
            return gh_fault_set(fault, 200, GH_PY_OS_ERROR, "Destination path '%s' already exists",
                                inner);
        return move(path, inner, false, fault);
    }

    const char *slash = strrchr(dest, '/');
    char *parent GH_SCOPED(gh_free) = gh_strndup(dest, (size_t)(slash - dest));
    if (slash != dest && gh_folder_make(parent, fault) != 0)
        return -1;
    return move(path, dest, overwrite, fault);
}
