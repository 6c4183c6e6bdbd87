/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "tls/pair.h"

#define FILE_MAX_BYTES (1u << 20) /* chains have a few KiB */

/* Where the client puts the key that it makes. Source: runhouse 0.0.42 servers/http/certs.py. */
static const char *const uploaded_keys[] = {"~/certs/rh_server.key",
                                            "/var/lib/caddy/rh_server.key"};

void
gh_pairs_add(struct gh_pairs *pairs, struct gh_pair *pair)
{
    pairs->list = gh_realloc(pairs->list, (pairs->count + 1) * sizeof(struct gh_pair *));
    pairs->list[pairs->count++] = pair;
}

void
gh_pairs_done(struct gh_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        gh_pair_unref(&pairs->list[i]);
    gh_free(&pairs->list);
    pairs->count = 0;
}

void
gh_files_wipe(struct gh_buf *buf)
{
    if (buf->bytes)
        explicit_bzero(buf->bytes, buf->capacity);
    gh_buf_done(buf);
}

/* ---- reading ---- */

/* -1 after a fault; a FIFO or a device is none of ours, and would make us wait. */
static int
open_file(const char *path, struct stat *info, struct gh_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, info) != 0) {
        gh_err_set(err, GH_E_SYSTEM, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(info->st_mode)) {
        gh_err_set(err, GH_E_SYSTEM, "%s is no regular file", path);
    } else if (info->st_size > FILE_MAX_BYTES) {
        gh_err_set(err, GH_E_SYSTEM, "%s has %lld bytes, at most %u are read", path,
                   (long long)info->st_size, FILE_MAX_BYTES);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Exactly once: a buffer that grows would leave copies of a key behind. */
static int
read_all(int fd, const char *path, size_t size, struct gh_buf *out, struct gh_err *err)
{
    uint8_t *at = gh_buf_reserve(out, size + 1);
    size_t len = 0;

    while (len < size) {
        ssize_t got = read(fd, at + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gh_err_set(err, GH_E_SYSTEM, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    out->len += len;
    return GH_OK;
}

int
gh_files_read(const char *path, struct gh_buf *out, struct gh_err *err)
{
    struct stat info;
    int fd = open_file(path, &info, err);

    if (fd < 0)
        return GH_E_SYSTEM;
    int rc = read_all(fd, path, (size_t)info.st_size, out, err);
    close(fd);
    return rc;
}

static bool
is_uploaded(const char *path)
{
    for (size_t i = 0; i < sizeof uploaded_keys / sizeof uploaded_keys[0]; i++) {
        char *known GH_SCOPED(gh_free) = gh_home_path(uploaded_keys[i]);
        if (strcmp(known, path) == 0)
            return true;
    }
    return false;
}

/* MAY_CLOSE: a key that the client uploaded is made nobody else's; without it that is left to the daemon. */
static int
check_readers(int fd, const char *path, const struct stat *info, bool may_close, struct gh_err *err)
{
    mode_t open_to = info->st_mode & 077;
    bool is_by_group = info->st_uid == 0 && (open_to & ~(mode_t)040) == 0;

    if (open_to == 0 || is_by_group)
        return GH_OK;
    if (is_uploaded(path) && !may_close)
        return GH_OK;
    if (is_uploaded(path) && fchmod(fd, 0600) == 0) {
        gh_log(GH_LOG_INFO, "tls.key_closed", "file=%s mode_was=%04o mode=0600", gh_log_quote(path),
               (unsigned)info->st_mode & 07777u);
        return GH_OK;
    }
    return gh_err_set(
        err, GH_E_INPUT,
        "%s is a key that others on this machine can read (mode %04o): chmod 600 %s, or "
        "give it to root with mode 640 and the daemon's group",
        path, (unsigned)info->st_mode & 07777u, path);
}

static bool
has_key(const struct gh_buf *content)
{
    static const char mark[] = "PRIVATE KEY-----";

    return content->len > 0 && memmem(content->bytes, content->len, mark, strlen(mark));
}

static int
read_key(const char *path, bool may_close, struct gh_buf *out, struct gh_err *err)
{
    struct stat info;
    int fd = open_file(path, &info, err);

    if (fd < 0)
        return GH_E_SYSTEM;
    int rc = read_all(fd, path, (size_t)info.st_size, out, err);
    if (rc == GH_OK && !has_key(out)) /* who may read it does not matter then */
        rc =
            gh_err_set(err, GH_E_INPUT,
                       "there is no key in %s: PEM is needed, which begins with -----BEGIN PRIVATE "
                       "KEY-----",
                       path);
    if (rc == GH_OK)
        rc = check_readers(fd, path, &info, may_close, err);
    close(fd);
    if (rc != GH_OK)
        gh_files_wipe(out);
    return rc;
}

int
gh_files_read_key(const char *path, struct gh_buf *out, struct gh_err *err)
{
    return read_key(path, true, out, err);
}

/* ---- what the settings name ---- */

/* The files of ssl_certfile and ssl_keyfile. */
struct named {
    struct gh_words chains, keys;
};

static void
named_done(struct named *named)
{
    gh_words_done(&named->chains);
    gh_words_done(&named->keys);
}

/* The files of a list with commas, absolute. */
static void
split(const char *list, struct gh_words *out)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        char *name GH_SCOPED(gh_free) = gh_strndup(list, len);
        char *path GH_SCOPED(gh_free) = gh_home_path(name);
        if (len > 0)
            gh_words_add(out, path);
        list += len + (list[len] == ',');
    }
}

static struct gh_slice
slice_of(const struct gh_buf *buf)
{
    return (struct gh_slice){buf->bytes ? (const char *)buf->bytes : "", buf->len};
}

static int
load_pair(const char *chain_path, const char *key_path, bool may_close, struct gh_pair **pair_out,
          struct gh_err *err)
{
    struct gh_buf chain GH_SCOPED(gh_files_wipe) = {0}; /* the key may be in it */
    struct gh_buf key GH_SCOPED(gh_files_wipe) = {0};

    int rc = gh_files_read(chain_path, &chain, err);
    if (rc == GH_OK && !key_path && !has_key(&chain))
        rc = gh_err_set(
            err, GH_E_INPUT,
            "ssl_keyfile is missing: there is no private key in %s, so the file with it must "
            "be named (--ssl-keyfile KEY)",
            chain_path);
    if (rc == GH_OK)
        rc = read_key(key_path ? key_path : chain_path, may_close, &key, err);
    if (rc != GH_OK)
        return rc;
    rc = gh_pair_make(slice_of(&chain), slice_of(&key), pair_out, err);
    return rc == GH_OK ? rc
                       : gh_err_add(err, "%s with %s", chain_path, key_path ? key_path : "its key");
}

/* A certificate serves without its OCSP answer; with a wrong one it does not. */
static void
staple(struct gh_pair *pair, const char *path)
{
    struct gh_buf answer GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    int rc = gh_files_read(path, &answer, &err);
    if (rc == GH_OK) {
        rc = gh_pair_staple(pair, slice_of(&answer), time(NULL), &err);
        if (rc != GH_OK)
            gh_err_add(&err, "%s", path);
    }
    if (rc != GH_OK)
        gh_log(GH_LOG_WARN, "tls.not_stapled", "reason=%s", gh_log_quote(err.text));
}

static int
read_named(const struct gh_settings *settings, struct named *named, struct gh_err *err)
{
    split(settings->ssl_certfile, &named->chains);
    split(settings->ssl_keyfile, &named->keys);
    if (named->keys.count == 0 || named->keys.count == named->chains.count)
        return GH_OK;
    return gh_err_set(err, GH_E_INPUT,
                      "ssl_certfile names %zu files and ssl_keyfile %zu: each certificate needs "
                      "its key, in the same order",
                      named->chains.count, named->keys.count);
}

/* NULL when the key is in the certificate's file. */
static const char *
key_of(const struct named *named, size_t i)
{
    return named->keys.count > 0 ? named->keys.list[i] : NULL;
}

int
gh_files_load(const struct gh_settings *settings, struct gh_pairs *pairs_out, struct gh_err *err)
{
    struct named named GH_SCOPED(named_done) = {0};
    struct gh_words answers GH_SCOPED(gh_words_done) = {0};
    struct gh_pairs pairs GH_SCOPED(gh_pairs_done) = {0};

    int rc = read_named(settings, &named, err);
    if (rc != GH_OK)
        return rc;
    split(settings->ssl_ocspfile, &answers);
    for (size_t i = 0; i < named.chains.count; i++) {
        struct gh_pair *pair;
        rc = load_pair(named.chains.list[i], key_of(&named, i), true, &pair, err);
        if (rc != GH_OK)
            return rc;
        if (i < answers.count)
            staple(pair, answers.list[i]);
        gh_pairs_add(&pairs, pair);
    }
    *pairs_out = pairs;
    pairs = (struct gh_pairs){0};
    return GH_OK;
}

int
gh_files_look(const struct gh_settings *settings, gh_files_found_cb *found, void *context,
              struct gh_err *err)
{
    struct named named GH_SCOPED(named_done) = {0};

    int rc = read_named(settings, &named, err);
    for (size_t i = 0; rc == GH_OK && i < named.chains.count; i++) {
        struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;
        struct gh_err fault = {0};
        const char *chain = named.chains.list[i], *key = key_of(&named, i);
        (void)!load_pair(chain, key, false, &pair, &fault);
        found(context, &(struct gh_files_found){chain, key, pair, &fault});
    }
    return rc;
}

void
gh_files_names(const struct gh_settings *settings, struct gh_words *names_out)
{
    split(settings->ssl_certfile, names_out);
    split(settings->ssl_keyfile, names_out);
    split(settings->ssl_ocspfile, names_out);
    split(settings->client_ca, names_out);
}
