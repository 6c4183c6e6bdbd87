/* SPDX-License-Identifier: Apache-2.0 */
#include "node/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "conf/home.h"

/* ---- faults ---- */

int
gh_fault_set(struct gh_fault *fault, unsigned status, enum gh_pyclass pyclass, const char *format,
             ...)
{
    struct gh_buf raw GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf clean = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&raw, format, args);
    va_end(args);
    gh_jsontext_add_clean(&clean, (const char *)raw.bytes, raw.len, SIZE_MAX);
    gh_buf_text(&clean); /* ends it: names in it may be any bytes, answers may not */
    free(fault->text);
    fault->text = (char *)clean.bytes;
    fault->status = status;
    fault->pyclass = pyclass;
    return -1;
}

char *
gh_errno_text(int number, const char *path)
{
    return gh_asprintf("[Errno %d] %s: '%s'", number, strerrordesc_np(number), path);
}

int
gh_fault_errno(struct gh_fault *fault, int number, const char *path)
{
    char *text GH_SCOPED(gh_free) = gh_errno_text(number, path);

    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return gh_fault_set(fault, 403, 0, "Permission denied for path %s: %s", path, text);
    case ENOSPC:
    case EDQUOT:
        return gh_fault_set(fault, 507, 0, "No space left on the node's disk: %s", text);
    case ENOENT:
        return gh_fault_set(fault, 200, GH_PY_FILE_NOT_FOUND_ERROR, "%s", text);
    case EEXIST:
        return gh_fault_set(fault, 200, GH_PY_FILE_EXISTS_ERROR, "%s", text);
    case ENOTDIR:
        return gh_fault_set(fault, 200, GH_PY_NOT_A_DIRECTORY_ERROR, "%s", text);
    default:
        return gh_fault_set(fault, 200, GH_PY_OS_ERROR, "%s", text);
    }
}

void
gh_fault_done(struct gh_fault *fault)
{
    free(fault->text);
    *fault = (struct gh_fault){0};
}

/* ---- paths ---- */

/* Append REST without empty and "." segments, each behind a slash. */
static void
add_segments(struct gh_buf *out, const char *rest)
{
    while (*rest) {
        size_t len = strcspn(rest, "/");
        if (len > 0 && !(len == 1 && rest[0] == '.')) {
            gh_buf_add_byte(out, '/');
            gh_buf_add(out, rest, len);
        }
        rest += len + (rest[len] == '/');
    }
}

/* The home that TEXT, which begins with "~", names; *REST is what follows. NULL: there is none. */
static char *
named_home(const char *text, const char **rest)
{
    size_t len = strcspn(text, "/");
    struct passwd entry, *found = NULL;
    char strings[4096];

    *rest = text + len;
    if (len == 1)
        return gh_strdup(gh_home());
    char *user GH_SCOPED(gh_free) = gh_strndup(text + 1, len - 1);
    if (getpwnam_r(user, &entry, strings, sizeof strings, &found) != 0 || !found)
        return NULL;
    return gh_strdup(found->pw_dir);
}

char *
gh_folder_path(const char *text)
{
    struct gh_buf path = {0};
    const char *rest = text;
    char *base GH_SCOPED(gh_free) = NULL;

    if (text[0] == '~')
        base = named_home(text, &rest);
    if (!base && text[0] != '/') {
        rest = text;
        base = getcwd(NULL, 0);
    }
    if (base)
        add_segments(&path, base);
    add_segments(&path, rest);
    if (path.len == 0)
        gh_buf_add_byte(&path, '/');
    gh_buf_text(&path); /* ends it */
    return (char *)path.bytes;
}

bool
gh_folder_is_inner(const char *name)
{
    while (true) {
        size_t len = strcspn(name, "/");
        if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
}

int
gh_folder_make(const char *path, struct gh_fault *fault)
{
    char *cut GH_SCOPED(gh_free) = gh_strdup(path);
    struct stat info;

    for (char *slash = strchr(cut + 1, '/'); true; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(cut, 0777) != 0 && errno != EEXIST)
            return gh_fault_errno(fault, errno, cut);
        if (!slash)
            break;
        *slash = '/';
    }
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return 0;
    return gh_fault_errno(fault, EEXIST, path);
}

/* ---- ls ---- */

struct entry {
    char *name;
    struct timespec modified;
};

struct listing {
    struct entry *entries;
    size_t count, room;
};

static void
listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].name);
    free(listing->entries);
}

static void
add_entry(struct listing *listing, int folder, const char *name, bool wants_time)
{
    struct stat info;

    if (listing->count == listing->room) {
        listing->room = listing->room ? 2 * listing->room : 64;
        listing->entries = gh_realloc(listing->entries, listing->room * sizeof listing->entries[0]);
    }
    struct entry *entry = &listing->entries[listing->count++];
    *entry = (struct entry){.name = gh_strdup(name)};
    /* Of a link what it points to; of one that points nowhere its own. */
    if (wants_time && (fstatat(folder, name, &info, 0) == 0 ||
                       fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0))
        entry->modified = info.st_mtim;
}

/* The newest first; by name within one tick of the file system's clock. */
static int
compare_age(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->modified.tv_sec != b->modified.tv_sec)
        return a->modified.tv_sec < b->modified.tv_sec ? 1 : -1;
    if (a->modified.tv_nsec != b->modified.tv_nsec)
        return a->modified.tv_nsec < b->modified.tv_nsec ? 1 : -1;
    return strcmp(a->name, b->name);
}

static int
read_entries(const char *path, bool wants_time, struct listing *listing, struct gh_fault *fault)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);

    if (!folder && errno == ENOTDIR && access(path, F_OK) == 0)
        return gh_fault_set(fault, 400, 0, "Path %s is not a directory", path);
    if (!folder && (errno == ENOENT || errno == ENOTDIR))
        return gh_fault_set(fault, 404, 0, "Path %s does not exist", path);
    if (!folder)
        return gh_fault_errno(fault, errno, path);

    for (errno = 0; (entry = readdir(folder)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_entry(listing, dirfd(folder), entry->d_name, wants_time);
    int number = errno;
    closedir(folder);
    return number ? gh_fault_errno(fault, number, path) : 0;
}

static int
put_listing(const struct listing *listing, const char *base, struct gh_spill *out,
            struct gh_fault *fault)
{
    struct gh_buf piece GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;
    int rc = gh_spill_add(out, "[", 1, &err);

    for (size_t i = 0; rc == GH_OK && i < listing->count; i++) {
        const char *name = listing->entries[i].name;
        char *full GH_SCOPED(gh_free) =
            base ? gh_asprintf("%s/%s", strcmp(base, "/") == 0 ? "" : base, name) : NULL;
        piece.len = 0;
        gh_buf_add_text(&piece, i ? "," : "");
        const char *shown = full ? full : name;
        gh_jsontext_quote(&piece, shown, strlen(shown), GH_JSONTEXT_UTF8);
        rc = gh_spill_add(out, piece.bytes, piece.len, &err);
    }
    if (rc == GH_OK)
        rc = gh_spill_add(out, "]", 1, &err);
    return rc == GH_OK ? 0 : gh_fault_set(fault, 507, 0, "%s", err.text);
}

int
gh_folder_ls(const char *path, bool full_paths, bool newest_first, struct gh_spill *out,
             struct gh_fault *fault)
{
    struct listing listing GH_SCOPED(listing_done) = {0};
    char *base GH_SCOPED(gh_free) = NULL;

    if (read_entries(path, newest_first, &listing, fault) != 0)
        return -1;
    if (newest_first && listing.count > 1)
        qsort(listing.entries, listing.count, sizeof listing.entries[0], compare_age);
    if (full_paths) {
        base = realpath(path, NULL);
        if (!base)
            base = gh_strdup(path);
    }
    return put_listing(&listing, base, out, fault);
}

/* ---- mkdir, exists ---- */

int
gh_folder_mkdir(const char *path, struct gh_fault *fault)
{
    const char *slash = strrchr(path, '/');
    char *parent GH_SCOPED(gh_free) =
        slash == path ? gh_strdup("/") : gh_strndup(path, (size_t)(slash - path));
    struct stat info;

    if (stat(parent, &info) != 0 || !S_ISDIR(info.st_mode))
        return gh_fault_set(fault, 200, GH_PY_VALUE_ERROR,
                            "Parent path %s does not exist or is not a directory", parent);
    if (mkdir(path, 0777) == 0)
        return 0;
    int number = errno;
    if (number == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return 0;
    return gh_fault_errno(fault, number, path);
}

int
gh_folder_exists(const char *path, bool *exists_out, struct gh_fault *fault)
{
    struct stat info;

    *exists_out = false;
    if (stat(path, &info) == 0) {
        *exists_out = S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
        return 0;
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG)
        return 0;
    return gh_fault_errno(fault, errno, path);
}
