/* SPDX-License-Identifier: Apache-2.0
 *
 * node/folder_read.c - the content of a file as a JSON string, piece by piece, so that the daemon's
 * memory does not grow with the file. */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "node/folder.h"

#define PIECE_BYTES 65536u
#define NO_ICONV ((iconv_t)-1)

struct reader {
    const char *path;
    int fd;
    bool is_text; /* line ends of all kinds become \n */
    bool was_return;
    char encoding[32];
    iconv_t converter; /* to UTF-8; NO_ICONV: it is UTF-8 already */
    size_t read_bytes; /* of the file, up to what is in PENDING */
    char pending[PIECE_BYTES + 16];
    size_t pending_len;
    struct gh_buf plain, quoted; /* one piece */
    struct gh_spill *out;
    struct gh_fault *fault;
};

/* ---- out ---- */

static int
add_out(struct reader *reader, const void *bytes, size_t len)
{
    struct gh_err err;

    if (gh_spill_add(reader->out, bytes, len, &err) == GH_OK)
        return 0;
    return gh_fault_set(reader->fault, 507, 0, "Error reading file %s: %s", reader->path, err.text);
}

/* Python's universal newlines. */
static void
translate(struct reader *reader, const char *text, size_t len)
{
    reader->plain.len = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_second = text[i] == '\n' && reader->was_return;
        reader->was_return = text[i] == '\r';
        if (!is_second)
            gh_buf_add_byte(&reader->plain, reader->was_return ? '\n' : (uint8_t)text[i]);
    }
}

/* Append LEN bytes of valid UTF-8 to the string. */
static int
put(struct reader *reader, const char *text, size_t len)
{
    if (reader->is_text) {
        translate(reader, text, len);
        text = (const char *)reader->plain.bytes;
        len = reader->plain.len;
    }
    if (len == 0)
        return 0;
    reader->quoted.len = 0;
    gh_jsontext_quote(&reader->quoted, text, len, GH_JSONTEXT_UTF8);
    return add_out(reader, reader->quoted.bytes + 1, reader->quoted.len - 2);
}

/* ---- decoding ---- */

static int
undecodable(struct reader *reader, size_t at, const char *reason)
{
    reader->fault->bad_byte = (unsigned char)reader->pending[at];
    memcpy(reader->fault->encoding, reader->encoding, sizeof reader->fault->encoding);
    return gh_fault_set(reader->fault, 200, GH_PY_UNICODE_DECODE_ERROR, "%s, at byte %zu of %s",
                        reason, reader->read_bytes + at, reader->path);
}

static const char *
utf8_problem(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    size_t follow = 1;

    if (first < 0xC2 || first > 0xF4)
        return "invalid start byte";
    while (follow < len && follow < size && ((unsigned char)text[follow] & 0xC0) == 0x80)
        follow++;
    return follow == len && follow < size ? "unexpected end of data" : "invalid continuation byte";
}

static void
consume(struct reader *reader, size_t count)
{
    reader->pending_len -= count;
    reader->read_bytes += count;
    memmove(reader->pending, reader->pending + count, reader->pending_len);
}

static int
decode_utf8(struct reader *reader, bool is_end)
{
    size_t valid = 0;

    while (valid < reader->pending_len) {
        size_t len = gh_jsontext_utf8_len(reader->pending + valid, reader->pending_len - valid);
        if (len == 0)
            break;
        valid += len;
    }
    size_t rest = reader->pending_len - valid;
    if (rest > 0 && (is_end || rest >= 4)) {
        const char *problem = utf8_problem(reader->pending + valid, rest);
        return undecodable(reader, valid, problem);
    }
    if (put(reader, reader->pending, valid) != 0)
        return -1;
    consume(reader, valid);
    return 0;
}

static int
convert(struct reader *reader, bool is_end)
{
    char *in = reader->pending;
    size_t left = reader->pending_len;
    char text[4096];

    while (left > 0) {
        char *out = text;
        size_t room = sizeof text;
        size_t rc = iconv(reader->converter, &in, &left, &out, &room);
        int number = errno;
        if (put(reader, text, sizeof text - room) != 0)
            return -1;
        if (rc != (size_t)-1 || number == E2BIG)
            continue;
        if (number == EINVAL && !is_end)
            break;
        return undecodable(reader, (size_t)(in - reader->pending),
                           number == EINVAL ? "unexpected end of data" : "illegal sequence");
    }
    consume(reader, reader->pending_len - left);
    return 0;
}

static int
decode(struct reader *reader, bool is_end)
{
    return reader->converter == NO_ICONV ? decode_utf8(reader, is_end) : convert(reader, is_end);
}

/* ---- the request ---- */

/* One of Python's reading modes? */
static bool
read_mode(const char *mode, bool *is_text_out)
{
    size_t len = strlen(mode);
    bool is_binary = strchr(mode, 'b') != NULL;

    *is_text_out = !is_binary;
    return len <= 3 && strchr(mode, 'r') && strspn(mode, "rbt+") == len &&
           !(is_binary && strchr(mode, 't'));
}

/* The encoding that Python calls NAME, as iconv spells it. NULL: it is UTF-8 itself. */
static const char *
iconv_name(const char *name)
{
    static const struct {
        const char *python, *iconv;
    } known[] = {{"utf-8", NULL},       {"utf8", NULL},          {"u8", NULL},
                 {"latin", "LATIN1"},   {"latin-1", "LATIN1"},   {"l1", "LATIN1"},
                 {"ascii", "US-ASCII"}, {"iso8859-1", "LATIN1"}, {"cp65001", NULL}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].python, name) == 0)
            return known[i].iconv;
    return name;
}

static int
open_encoding(struct reader *reader, const char *encoding)
{
    size_t len = strlen(encoding);
    char *name = reader->encoding;

    snprintf(name, sizeof reader->encoding, "%s", encoding);
    for (size_t i = 0; name[i]; i++)
        name[i] = name[i] == '_'                     ? '-'
                  : name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 'a' - 'A')
                                                     : name[i];
    bool is_word = len > 0 && len < sizeof reader->encoding &&
                   strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
    const char *wanted = is_word ? iconv_name(name) : NULL;
    if (is_word && !wanted)
        return 0;
    if (is_word)
        reader->converter = iconv_open("UTF-8", wanted);
    if (reader->converter != NO_ICONV)
        return 0;
    return gh_fault_set(reader->fault, 422, 0, "`encoding` is '%s', which is not known", encoding);
}

static int
set_form(struct reader *reader, const char *mode, const char *encoding)
{
    if (!read_mode(mode, &reader->is_text))
        return gh_fault_set(reader->fault, 422, 0,
                            "`mode` is '%s', but reading needs one of r, rt, rb", mode);
    if (!encoding)
        return 0;
    if (!reader->is_text)
        return gh_fault_set(reader->fault, 422, 0,
                            "`encoding` goes with the modes r and rt, not with '%s': binary mode "
                            "doesn't take an encoding argument",
                            mode);
    return open_encoding(reader, encoding);
}

static int
open_file(struct reader *reader, size_t max)
{
    const char *path = reader->path;
    struct stat info;

    /* Not to wait for the writer of a pipe. */
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (reader->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return gh_fault_set(reader->fault, 404, 0, "Path %s does not exist", path);
    if (reader->fd < 0 && (errno == EACCES || errno == EPERM))
        return gh_fault_set(reader->fault, 403, 0, "Permission denied for file in path %s", path);
    if (reader->fd < 0 || fstat(reader->fd, &info) != 0) {
        char *text GH_SCOPED(gh_free) = gh_errno_text(errno, path);
        return gh_fault_set(reader->fault, 500, 0, "Error reading file %s: %s", path, text);
    }
    if (S_ISDIR(info.st_mode)) {
        char *text GH_SCOPED(gh_free) = gh_errno_text(EISDIR, path);
        return gh_fault_set(reader->fault, 400, 0, "Error reading file %s: %s", path, text);
    }
    if (!S_ISREG(info.st_mode))
        return gh_fault_set(reader->fault, 400, 0, "Error reading file %s: it is no regular file",
                            path);
    if (info.st_size > 0 && (size_t)info.st_size > max)
        return gh_fault_set(reader->fault, 413, 0,
                            "File %s has %lld bytes, the limit is %zu (body_max_bytes).", path,
                            (long long)info.st_size, max);
    return 0;
}

static int
read_all(struct reader *reader, size_t max)
{
    ssize_t got;

    do {
        got = read(reader->fd, reader->pending + reader->pending_len, PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            char *text GH_SCOPED(gh_free) = gh_errno_text(errno, reader->path);
            return gh_fault_set(reader->fault, 500, 0, "Error reading file %s: %s", reader->path,
                                text);
        }
        reader->pending_len += (size_t)got;
        if (reader->read_bytes + reader->pending_len > max)
            return gh_fault_set(reader->fault, 413, 0,
                                "File %s is larger than the limit of %zu bytes (body_max_bytes).",
                                reader->path, max);
        if (decode(reader, got == 0) != 0)
            return -1;
    } while (got != 0);
    return 0;
}

static void
reader_done(struct reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    if (reader->converter != NO_ICONV)
        iconv_close(reader->converter);
    gh_buf_done(&reader->plain);
    gh_buf_done(&reader->quoted);
    free(reader);
}

int
gh_folder_get(const char *path, const char *mode, const char *encoding, size_t max,
              struct gh_spill *out, struct gh_fault *fault)
{
    struct reader *reader = gh_alloc(sizeof *reader); /* too large for a thread's stack to like */

    reader->path = path;
    reader->fd = -1;
    reader->converter = NO_ICONV;
    snprintf(reader->encoding, sizeof reader->encoding, "utf-8");
    reader->out = out;
    reader->fault = fault;
    int rc = set_form(reader, mode && *mode ? mode : "rb", encoding);
    if (rc == 0)
        rc = open_file(reader, max);
    if (rc == 0)
        rc = add_out(reader, "\"", 1);
    if (rc == 0)
        rc = read_all(reader, max);
    if (rc == 0)
        rc = add_out(reader, "\"", 1);
    reader_done(reader);
    return rc;
}
