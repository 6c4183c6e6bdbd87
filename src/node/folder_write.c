/* SPDX-License-Identifier: Apache-2.0
 *
 * node/folder_write.c - the files of a put. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "node/folder.h"
#include "wire/jsonscan.h"
#include "wire/url.h"

#define PIECE_BYTES 65536u

struct writer {
    const char *path;
    const char *mode;
    bool overwrites, appends, is_exclusive;
    struct gh_fault *fault;
};

/* ---- the contents ---- */

static int
refuse_contents(struct gh_fault *fault)
{
    return gh_fault_set(
        fault, 422, 0, "`contents` argument must be a dict mapping filenames to file-like objects");
}

/* The next member of the contents: *NAME_OUT is the caller's to free, *VALUE_OUT a string literal.
 * Returns 1, 0 at the end, -1 with FAULT filled. */
static int
next_file(struct gh_jsonscan *scan, char **name_out, struct gh_slice *value_out,
          struct gh_fault *fault)
{
    struct gh_buf name GH_SCOPED(gh_buf_done) = {0};
    struct gh_slice literal;
    enum gh_jsonscan_result result = gh_jsonscan_next(scan, &literal, value_out);

    if (result == GH_JSONSCAN_END)
        return 0;
    if (result == GH_JSONSCAN_NOT_OBJECT)
        return refuse_contents(fault);
    if (result == GH_JSONSCAN_BROKEN)
        return gh_fault_set(fault, 422, 0, "`contents` is no valid JSON: %s (byte %zu of it)",
                            scan->problem, scan->offset);
    if (gh_jsontext_unquote(&name, literal.bytes, literal.len) != 0)
        return gh_fault_set(fault, 422, 0, "`contents` has a name that is no valid text");
    if (memchr(gh_buf_text(&name), '\0', name.len) || !gh_folder_is_inner(gh_buf_text(&name)))
        return gh_fault_set(fault, 422, 0,
                            "`contents` has the name '%s', which is no name inside the folder",
                            gh_buf_text(&name));
    if (value_out->bytes[0] != '"')
        return gh_fault_set(fault, 422, 0, "`contents` should have text for '%s'",
                            gh_buf_text(&name));
    *name_out = gh_strdup(gh_buf_text(&name));
    return 1;
}

/* ---- what is there already ---- */

/* As Python shows a name in a set. */
static void
add_repr(struct gh_buf *out, const char *name)
{
    char quote = strchr(name, '\'') && !strchr(name, '"') ? '"' : '\'';

    gh_buf_add_byte(out, (uint8_t)quote);
    for (; *name; name++) {
        if (*name == quote || *name == '\\')
            gh_buf_add_byte(out, '\\');
        gh_buf_add_byte(out, (uint8_t)*name);
    }
    gh_buf_add_byte(out, (uint8_t)quote);
}

/* All of the contents is looked at before anything is written. */
static int
check_contents(const struct writer *writer, struct gh_slice contents)
{
    struct gh_jsonscan scan;
    struct gh_slice value;
    struct gh_buf there GH_SCOPED(gh_buf_done) = {0};
    struct stat info;
    char *name = NULL;
    int rc;

    gh_jsonscan_start(&scan, contents.bytes, contents.len);
    while ((rc = next_file(&scan, &name, &value, writer->fault)) > 0) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", writer->path, name);
        if (!writer->overwrites && lstat(path, &info) == 0) {
            gh_buf_add_text(&there, there.len ? ", " : "");
            add_repr(&there, name);
        }
        gh_free(&name);
    }
    if (rc == 0 && there.len)
        return gh_fault_set(writer->fault, 409, 0, "File(s) {%.*s} already exist(s) at path: %s",
                            (int)there.len, (char *)there.bytes, writer->path);
    return rc;
}

static int
open_folder(const struct writer *writer)
{
    struct stat info;

    if (writer->overwrites)
        return gh_folder_make(writer->path, writer->fault);
    if (stat(writer->path, &info) != 0)
        return gh_fault_errno(writer->fault, errno, writer->path);
    return S_ISDIR(info.st_mode) ? 0 : gh_fault_errno(writer->fault, ENOTDIR, writer->path);
}

/* ---- one file ---- */

/* What failed for the file PATH, as the client's server words it. */
static int
write_failed(const struct writer *writer, int number, const char *path)
{
    char *text GH_SCOPED(gh_free) = gh_errno_text(number, path);
    unsigned status = number == EACCES || number == EPERM || number == EROFS ? 403
                      : number == ENOSPC || number == EDQUOT                 ? 507
                      : number == EIO                                        ? 500
                                                                             : 400;
    return gh_fault_set(writer->fault, status, 0, "Failed to write file with mode '%s': %s",
                        writer->mode, text);
}

static int
write_bytes(int fd, const void *bytes, size_t len)
{
    const char *cursor = bytes;

    while (len > 0) {
        ssize_t written = write(fd, cursor, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        cursor += written;
        len -= (size_t)written;
    }
    return 0;
}

/* Put what FROM has before what is to be appended. Returns an errno. */
static int
copy_old(const char *from, int fd)
{
    char bytes[16384];
    ssize_t got;
    int number = 0;
    int old = open(from, O_RDONLY | O_CLOEXEC);

    if (old < 0)
        return errno;
    while (number == 0 && (got = read(old, bytes, sizeof bytes)) != 0)
        number = got < 0 ? errno : write_bytes(fd, bytes, (size_t)got);
    close(old);
    return number;
}

static int
write_literal(const struct writer *writer, int fd, struct gh_slice literal, const char *shown)
{
    struct gh_buf piece GH_SCOPED(gh_buf_done) = {0};
    const char *cursor = literal.bytes + 1, *end = literal.bytes + literal.len - 1;

    while (cursor < end) {
        piece.len = 0;
        if (gh_jsontext_unquote_part(&piece, &cursor, end, PIECE_BYTES) != 0)
            return gh_fault_set(writer->fault, 422, 0,
                                "`contents` has a value for %s that is no valid text", shown);
        int number = write_bytes(fd, piece.bytes, piece.len);
        if (number != 0)
            return write_failed(writer, number, shown);
    }
    return 0;
}

/* A file that is being written, to take the place of another when it is whole. */
struct draft {
    int fd;
    char *name;    /* path, beside what it replaces */
    bool is_named; /* it is there to be seen */
};

/* Begin DRAFT beside PATH. Without a name a draft leaves nothing behind when the daemon is killed. Returns
 * 0, or -1 with errno. */
static int
begin_draft(const char *path, struct draft *draft)
{
    const char *slash = strrchr(path, '/');
    char *folder GH_SCOPED(gh_free) = gh_asprintf("%.*s/", (int)(slash - path), path);
    unsigned long long number;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (unsigned long long)(uintptr_t)path;
    draft->name = gh_asprintf("%s.gatehouse-put-%016llx", folder, number);
    draft->fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    draft->is_named = draft->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
    if (draft->is_named)
        draft->fd = open(draft->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    return draft->fd < 0 ? -1 : 0;
}

/* Give DRAFT, which has none, the name PATH, where nothing may be. Returns 0, or -1 with errno. */
static int
name_draft(const struct draft *draft, const char *path)
{
    char link[40];

    snprintf(link, sizeof link, "/proc/self/fd/%d", draft->fd);
    return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

static void
end_draft(struct draft *draft, bool is_in_place)
{
    close(draft->fd);
    if (draft->is_named && !is_in_place)
        unlink(draft->name);
    free(draft->name);
}

/* DRAFT is whole: put it at TARGET. Returns 0, or -1 with errno; EEXIST: it may not be replaced. */
static int
place_draft(struct draft *draft, const char *target, bool may_replace)
{
    if (!draft->is_named) {
        if (name_draft(draft, target) == 0)
            return 0;
        if (errno != EEXIST || !may_replace || name_draft(draft, draft->name) != 0)
            return -1;
        draft->is_named = true;
    }
    if (may_replace)
        return rename(draft->name, target);
    int rc = renameat2(AT_FDCWD, draft->name, AT_FDCWD, target, RENAME_NOREPLACE);
    if (rc != 0 && errno == EINVAL) /* a file system that cannot promise not to replace */
        rc = rename(draft->name, target);
    return rc;
}

/* Fill DRAFT, which replaces TARGET (INFO when it is there), and put it in its place. */
static int
fill_and_place(const struct writer *writer, struct draft *draft, const char *target,
               const struct stat *info, struct gh_slice literal)
{
    int number = 0;

    if (info && fchmod(draft->fd, info->st_mode & 07777) != 0)
        return write_failed(writer, errno, target);
    if (info && writer->appends)
        number = copy_old(target, draft->fd);
    if (number != 0)
        return write_failed(writer, number, target);
    if (write_literal(writer, draft->fd, literal, target) != 0)
        return -1;
    if (place_draft(draft, target, writer->overwrites && !writer->is_exclusive) == 0)
        return 0;
    if (errno == EEXIST)
        return gh_fault_set(writer->fault, 409, 0, "File %s already exists", target);
    return write_failed(writer, errno, target);
}

static int
write_file(const struct writer *writer, const char *name, struct gh_slice literal)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", writer->path, name);
    /* Through a link what it points to is written, as opening it would. */
    char *target GH_SCOPED(gh_free) = realpath(path, NULL);
    struct draft draft;
    struct stat info;

    if (!target)
        target = gh_strdup(path);
    bool exists = stat(target, &info) == 0;
    if (exists && writer->is_exclusive)
        return gh_fault_set(writer->fault, 409, 0, "File %s already exists", path);
    if (exists && !S_ISREG(info.st_mode))
        return write_failed(writer, S_ISDIR(info.st_mode) ? EISDIR : EINVAL, target);
    if (exists && access(target, W_OK) != 0)
        return write_failed(writer, errno, target);

    int rc = begin_draft(target, &draft);
    if (rc != 0) {
        rc = write_failed(writer, errno, path);
        free(draft.name);
        return rc;
    }
    rc = fill_and_place(writer, &draft, target, exists ? &info : NULL, literal);
    end_draft(&draft, rc == 0);
    return rc;
}

static int
set_mode(struct writer *writer)
{
    static const char *const known[] = {"w", "wb", "wt", "a", "ab", "at", "x", "xb", "xt"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(writer->mode, known[i]) != 0)
            continue;
        writer->appends = writer->mode[0] == 'a';
        writer->is_exclusive = writer->mode[0] == 'x';
        return 0;
    }
    return gh_fault_set(writer->fault, 422, 0,
                        "`mode` is '%s', but writing needs one of w, wb, a, ab, x, xb",
                        writer->mode);
}

int
gh_folder_put(const char *path, struct gh_slice contents, const char *mode, bool overwrite,
              struct gh_fault *fault)
{
    struct writer writer = {
        .path = path, .mode = mode && *mode ? mode : "wb", .overwrites = overwrite, .fault = fault};
    struct gh_jsonscan scan;
    struct gh_slice literal;
    char *name = NULL;
    int rc;

    if (set_mode(&writer) != 0)
        return -1;
    if (contents.len == 0 || gh_slice_is(contents, "null"))
        return refuse_contents(fault);
    /* Of a folder that is not there nothing can be there already. */
    if (!overwrite && open_folder(&writer) != 0)
        return -1;
    if (check_contents(&writer, contents) != 0 || (overwrite && open_folder(&writer) != 0))
        return -1;

    gh_jsonscan_start(&scan, contents.bytes, contents.len);
    while ((rc = next_file(&scan, &name, &literal, fault)) > 0) {
        rc = write_file(&writer, name, literal);
        gh_free(&name);
        if (rc != 0)
            break;
    }
    return rc;
}
