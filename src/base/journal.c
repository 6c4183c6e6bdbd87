/* SPDX-License-Identifier: Apache-2.0 */
#include "base/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"

#define IDENTIFIER "gatehoused"
#define FIELD_NAME_MAX 64u /* of the journal's own bound */
#define PREFIX "GATEHOUSE_"

static const char *socket_path = GH_JOURNAL_SOCKET;
static int socket_fd = -1;

bool
gh_journal_has_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat info;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

void
gh_journal_setup(const char *path)
{
    socket_path = path;
}

/* ---- fields ---- */

/* A value with a newline has its length before it, in 64 bits, little endian. */
static void
add_value(struct gh_buf *entry, const void *bytes, size_t len)
{
    if (!memchr(bytes, '\n', len)) {
        gh_buf_add_byte(entry, '=');
    } else {
        gh_buf_add_byte(entry, '\n');
        for (unsigned i = 0; i < 8; i++)
            gh_buf_add_byte(entry, (uint8_t)((uint64_t)len >> 8 * i));
    }
    gh_buf_add(entry, bytes, len);
    gh_buf_add_byte(entry, '\n');
}

/* Names are of capital letters, digits and underscores. */
static void
add_name(struct gh_buf *entry, const char *key, size_t len)
{
    gh_buf_add_text(entry, PREFIX);
    for (size_t i = 0; i < len && i < FIELD_NAME_MAX - strlen(PREFIX); i++) {
        unsigned char letter = (unsigned char)key[i];
        gh_buf_add_byte(entry, isalnum(letter) ? (uint8_t)toupper(letter) : '_');
    }
}

static void
add_member(struct gh_buf *entry, const struct gh_log_member *member)
{
    struct gh_buf plain GH_SCOPED(gh_buf_done) = {0};

    add_name(entry, member->key, member->key_len);
    if (*member->value == '"' && gh_jsontext_unquote(&plain, member->value, member->value_len) == 0)
        add_value(entry, plain.bytes ? (const void *)plain.bytes : "", plain.len);
    else
        add_value(entry, member->value, member->value_len);
}

static void
add_entry(struct gh_buf *entry, enum gh_log_level level, const char *event, const char *text)
{
    static const int priorities[] = {
        [GH_LOG_DEBUG] = 7, [GH_LOG_INFO] = 6, [GH_LOG_WARN] = 4, [GH_LOG_ERR] = 3};
    struct gh_buf message GH_SCOPED(gh_buf_done) = {0};
    struct gh_log_member member;

    gh_buf_addf(&message, "%s%s%s", event, *text ? " " : "", text);
    gh_buf_add_text(entry, "MESSAGE");
    add_value(entry, message.bytes, message.len);
    gh_buf_addf(entry, "PRIORITY=%d\nSYSLOG_IDENTIFIER=" IDENTIFIER "\n" PREFIX "EVENT=%s\n",
                priorities[level], event);
    while (gh_log_next(&text, &member))
        add_member(entry, &member);
}

/* ---- the socket ---- */

/* The journal must not hold the loop: what it has no room for now goes to standard error. */
static bool
send_entry(const struct gh_buf *entry)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ssize_t sent;

    if (socket_fd < 0)
        socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0 || strlen(socket_path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, socket_path);
    do
        sent = sendto(socket_fd, entry->bytes, entry->len, MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)&address, sizeof address);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool
gh_journal_send(enum gh_log_level level, const char *event, const char *text)
{
    struct gh_buf entry GH_SCOPED(gh_buf_done) = {0};

    add_entry(&entry, level, event, text);
    return send_entry(&entry);
}
