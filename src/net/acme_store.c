/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_store.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define FILE_MAX_BYTES (1u << 20)
#define DIGEST_CHARS 16u

/* ---- folders ---- */

/* Make PATH when it is missing; a folder that is there is ours alone from now on. */
static int
make_folder(const char *path, struct gh_err *err)
{
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || chmod(path, 0700) != 0)
        return gh_err_set(err, GH_E_SYSTEM, "%s cannot be made: %s", path, strerror(errno));
    return GH_OK;
}

static void
digest_of(const char *url, char out[DIGEST_CHARS + 1])
{
    uint8_t digest[32];

    gnutls_hash_fast(GNUTLS_DIG_SHA256, url, strlen(url), digest);
    for (size_t i = 0; i < DIGEST_CHARS / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

int
gh_acme_store_open(struct gh_acme_store *store, const char *state_dir, const char *directory,
                   struct gh_err *err)
{
    char digest[DIGEST_CHARS + 1];

    digest_of(directory, digest);
    char *all GH_SCOPED(gh_free) = gh_asprintf("%s/acme", state_dir);
    char *certs GH_SCOPED(gh_free) = gh_asprintf("%s/acme/%s/certs", state_dir, digest);
    store->folder = gh_asprintf("%s/%s", all, digest);

    int rc = make_folder(all, err);
    if (rc == GH_OK)
        rc = make_folder(store->folder, err);
    if (rc == GH_OK)
        rc = make_folder(certs, err);
    if (rc == GH_OK)
        rc = gh_acme_store_write(store, "directory",
                                 (struct gh_slice){directory, strlen(directory)}, err);
    if (rc != GH_OK)
        gh_acme_store_close(store);
    return rc;
}

void
gh_acme_store_close(struct gh_acme_store *store)
{
    gh_free(&store->folder);
}

/* ---- files ---- */

static bool
write_all(int fd, struct gh_slice content)
{
    while (content.len > 0) {
        ssize_t count = write(fd, content.bytes, content.len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        content.bytes += count;
        content.len -= (size_t)count;
    }
    return true;
}

/* Make the renaming in FOLDER last. */
static bool
flush_folder(const char *path)
{
    char *folder GH_SCOPED(gh_free) = gh_strndup(path, (size_t)(strrchr(path, '/') - path));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return is_ok;
}

int
gh_acme_store_write(const struct gh_acme_store *store, const char *file, struct gh_slice content,
                    struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", store->folder, file);
    char *draft GH_SCOPED(gh_free) = gh_asprintf("%s.new", path);

    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_ok = fd >= 0 && fchmod(fd, 0600) == 0 && write_all(fd, content) && fsync(fd) == 0;
    is_ok = is_ok && rename(draft, path) == 0 && flush_folder(path);
    int code = errno;

    if (fd >= 0)
        close(fd);
    if (!is_ok) {
        unlink(draft);
        return gh_err_set(err, GH_E_SYSTEM, "%s cannot be written: %s", path, strerror(code));
    }
    return GH_OK;
}

int
gh_acme_store_read(const struct gh_acme_store *store, const char *file, struct gh_buf *out,
                   struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", store->folder, file);
    struct stat stat;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return gh_err_set(err, errno == ENOENT ? GH_E_NOT_FOUND : GH_E_SYSTEM, "%s: %s", path,
                          strerror(errno));
    bool is_ok = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_size < FILE_MAX_BYTES;
    ssize_t count = 0;
    if (is_ok) {
        uint8_t *at = gh_buf_reserve(out, (size_t)stat.st_size + 1);
        count = read(fd, at, (size_t)stat.st_size);
    }
    close(fd);
    if (!is_ok || count < 0)
        return gh_err_set(err, GH_E_SYSTEM, "%s cannot be read", path);
    out->len += (size_t)count;
    return GH_OK;
}
