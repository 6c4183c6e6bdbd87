/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

char *
gh_credential_path(const char *name)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (!folder || folder[0] != '/')
        return NULL;
    char *path = gh_asprintf("%s/%s", folder, name);
    if (access(path, F_OK) != 0)
        gh_free(&path);
    return path;
}

/* All of the file, up to SIZE bytes. -1 with errno. */
static ssize_t
read_file(const char *path, char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && len < size) {
        got = read(fd, bytes + len, size - len);
        len += got > 0 ? (size_t)got : 0;
    }
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return got < 0 ? -1 : (ssize_t)len;
}

static bool
is_line(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            return false;
    return true;
}

/* TEXT, LEN bytes as read, without what ends its line. */
static int
take_line(const char *name, const char *text, size_t len, char **text_out, struct gh_err *err)
{
    if (len > GH_CREDENTIAL_MAX_BYTES)
        return gh_err_set(err, GH_E_INPUT, "the credential %s has more than %u bytes", name,
                          GH_CREDENTIAL_MAX_BYTES);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (!is_line(text, len))
        return gh_err_set(err, GH_E_INPUT, "the credential %s must be one line of text", name);
    *text_out = len > 0 ? gh_strndup(text, len) : NULL;
    return GH_OK;
}

int
gh_credential_line(const char *name, char **text_out, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_credential_path(name);
    char text[GH_CREDENTIAL_MAX_BYTES + 1];

    *text_out = NULL;
    if (!path)
        return GH_OK;
    ssize_t len = read_file(path, text, sizeof text);
    if (len < 0)
        return gh_err_set(err, GH_E_INPUT, "the credential %s: %s", path, strerror(errno));
    int rc = take_line(name, text, (size_t)len, text_out, err);
    explicit_bzero(text, sizeof text);
    return rc;
}
