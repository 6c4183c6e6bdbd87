/* SPDX-License-Identifier: Apache-2.0
 *
 * node/folder_remove.c - deleting. Folders are entered by descriptor and never through a link, so that
 * who swaps one for the other meanwhile gains nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "node/folder.h"

#define DEPTH_MAX 1000u
#define ENTER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int remove_tree(int parent, const char *name, const char *shown, unsigned depth,
                       struct gh_fault *fault);

/* Delete all that is in the folder that FD, now this function's, is open on. */
static int
empty_folder(int fd, const char *shown, unsigned depth, struct gh_fault *fault)
{
    const struct dirent *entry;
    DIR *folder = fdopendir(fd);
    int rc = 0;

    if (!folder) {
        close(fd);
        return gh_fault_errno(fault, errno, shown);
    }
    for (errno = 0; rc == 0 && (entry = readdir(folder)); errno = 0) {
        if (is_dots(entry->d_name))
            continue;
        char *inner GH_SCOPED(gh_free) = gh_asprintf("%s/%s", shown, entry->d_name);
        rc = remove_tree(dirfd(folder), entry->d_name, inner, depth + 1, fault);
    }
    if (rc == 0 && errno)
        rc = gh_fault_errno(fault, errno, shown);
    closedir(folder);
    return rc;
}

/* Delete NAME in the folder PARENT and all that is in it. SHOWN is its path, for errors. */
static int
remove_tree(int parent, const char *name, const char *shown, unsigned depth, struct gh_fault *fault)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return gh_fault_errno(fault, errno, shown);
    int number = errno;
    int fd = openat(parent, name, ENTER_FLAGS);
    if (fd < 0)
        return gh_fault_errno(fault, number == EPERM && errno == ENOTDIR ? number : errno, shown);
    if (depth >= DEPTH_MAX) {
        close(fd);
        return gh_fault_set(fault, 400, 0, "Path %s is nested more than %u folders deep", shown,
                            DEPTH_MAX);
    }
    if (empty_folder(fd, shown, depth, fault) != 0)
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return gh_fault_errno(fault, errno, shown);
}

static bool
is_link(int folder, const char *name)
{
    struct stat info;
    return fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

/* The folder that holds the last segment of NAME, which is in FOLDER; *LAST_OUT is that segment. -1: it
 * does not exist (FAULT is empty then), or FAULT says what is wrong. */
static int
enter_parent(int folder, const char *name, const char *shown, const char **last_out,
             struct gh_fault *fault)
{
    int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);

    for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        char *segment GH_SCOPED(gh_free) = gh_strndup(name, (size_t)(slash - name));
        int inner = openat(fd, segment, ENTER_FLAGS);
        int number = inner < 0 && is_link(fd, segment) ? ELOOP : errno;
        close(fd);
        fd = inner;
        errno = number;
    }
    *last_out = name;
    if (fd < 0 && errno == ELOOP)
        return gh_fault_set(fault, 400, 0, "Path %s leads through a link; nothing is removed there",
                            shown);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return gh_fault_errno(fault, errno, shown);
    return fd;
}

static int
remove_named(int folder, const char *path, const char *name, bool recursive, struct gh_fault *fault)
{
    char *shown GH_SCOPED(gh_free) = gh_asprintf("%s/%s", path, name);
    const char *last;
    struct stat info;
    int rc = 0;

    int parent = enter_parent(folder, name, shown, &last, fault);
    if (parent < 0)
        return fault->status ? -1 : 0; /* what is not there needs no removing */
    if (fstatat(parent, last, &info, AT_SYMLINK_NOFOLLOW) != 0)
        rc = errno == ENOENT ? 0 : gh_fault_errno(fault, errno, shown);
    else if (S_ISDIR(info.st_mode) && !recursive)
        rc = gh_fault_set(fault, 400, 0, "Path %s is a directory and recursive is set to False",
                          shown);
    else
        rc = remove_tree(parent, last, shown, 0, fault);
    close(parent);
    return rc;
}

static int
remove_names(const char *path, const char *const *names, size_t count, bool recursive,
             struct gh_fault *fault)
{
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        if (!gh_folder_is_inner(names[i]))
            return gh_fault_set(fault, 422, 0,
                                "`contents` holds '%s', which is no name inside the folder",
                                names[i]);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? 0 : gh_fault_errno(fault, errno, path);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = remove_named(folder, path, names[i], recursive, fault);
    close(folder);
    return rc;
}

/* The first folder in FD's folder, as a path in *FOUND, or NULL. FD stays open. */
static int
find_folder(int fd, const char *path, char **found, bool *is_empty, struct gh_fault *fault)
{
    const struct dirent *entry;
    struct stat info;
    DIR *folder = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));

    if (!folder)
        return gh_fault_errno(fault, errno, path);
    *is_empty = true;
    while (!*found && (entry = readdir(folder))) {
        if (is_dots(entry->d_name))
            continue;
        *is_empty = false;
        if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
            *found = gh_asprintf("%s/%s", path, entry->d_name);
    }
    closedir(folder);
    return 0;
}

/* Without `recursive` a folder loses its files and stays, or goes when it was empty; when a folder is in
 * it, nothing is removed. */
static int
remove_files(int parent, const char *name, const char *path, struct gh_fault *fault)
{
    char *inner GH_SCOPED(gh_free) = NULL;
    bool is_empty = true;
    int fd = openat(parent, name, ENTER_FLAGS);

    if (fd < 0)
        return gh_fault_errno(fault, errno, path);
    if (find_folder(fd, path, &inner, &is_empty, fault) != 0) {
        close(fd);
        return -1;
    }
    if (inner) {
        close(fd);
        return gh_fault_set(fault, 400, 0, "Folder %s found in %s, recursive is set to `False`",
                            inner, path);
    }
    if (!is_empty) {
        lseek(fd, 0, SEEK_SET); /* the copy of the descriptor has read it */
        return empty_folder(fd, path, 0, fault);
    }
    close(fd);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : gh_fault_errno(fault, errno, path);
}

static int
remove_path(const char *path, bool recursive, struct gh_fault *fault)
{
    const char *name = strrchr(path, '/') + 1;
    char *folder GH_SCOPED(gh_free) =
        name == path + 1 ? gh_strdup("/") : gh_strndup(path, (size_t)(name - path) - 1);
    struct stat info;
    int rc;

    if (*name == '\0' || is_dots(name))
        return gh_fault_set(fault, 400, 0,
                            "Path %s does not end in the name of something to remove", path);
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return gh_fault_errno(fault, errno, path);
    if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        rc = gh_fault_errno(fault, errno, path);
    else if (recursive || !S_ISDIR(info.st_mode))
        rc = remove_tree(parent, name, path, 0, fault);
    else
        rc = remove_files(parent, name, path, fault);
    close(parent);
    return rc;
}

int
gh_folder_rm(const char *path, const char *const *names, size_t count, bool recursive,
             struct gh_fault *fault)
{
    if (count > 0)
        return remove_names(path, names, count, recursive, fault);
    return remove_path(path, recursive, fault);
}
