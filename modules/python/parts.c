/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/parts.h"

#include "modules/python/literal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Base64 goes out in chunks of this many whole lines: 114 KiB in, 156 KiB out. */
#define CHUNK_LINES 2048u
#define CHUNK_BYTES (CHUNK_LINES * GH_BASE64_LINE_BYTES)
#define CHUNK_TEXT_BYTES (CHUNK_LINES * 78u)

size_t
gh_parts_len(const struct gh_part *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].as_base64 ? gh_literal_base64_len(parts[i].len) : parts[i].len;
    return len;
}

uint8_t *
gh_parts_write(const struct gh_part *parts, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct gh_part *part = &parts[i];

        if (part->as_base64) {
            out = (uint8_t *)gh_literal_base64(part->bytes, part->len, (char *)out);
        } else if (part->len) {
            memcpy(out, part->bytes, part->len);
            out += part->len;
        }
    }
    return out;
}

static int
write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *cursor = bytes;

    while (len) {
        ssize_t written = write(fd, cursor, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        cursor += written;
        len -= (size_t)written;
    }
    return 0;
}

static int
write_base64(int fd, const uint8_t *bytes, size_t len)
{
    char *text = malloc(CHUNK_TEXT_BYTES);
    int rc = text ? write_all(fd, "\"", 1) : -1;

    while (rc == 0 && len) {
        size_t chunk = len < CHUNK_BYTES ? len : CHUNK_BYTES;
        char *end = gh_literal_base64_lines(bytes, chunk, text);
        rc = write_all(fd, text, (size_t)(end - text));
        bytes += chunk;
        len -= chunk;
    }
    free(text);
    return rc == 0 ? write_all(fd, "\"", 1) : rc;
}

int
gh_parts_to_memfd(const struct gh_part *parts, size_t count)
{
    int fd = memfd_create("gatehouse-body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int rc = 0;

    if (fd < 0)
        return -1;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = parts[i].as_base64 ? write_base64(fd, parts[i].bytes, parts[i].len)
                                : write_all(fd, parts[i].bytes, parts[i].len);
    if (rc == 0)
        rc = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    if (rc != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}
