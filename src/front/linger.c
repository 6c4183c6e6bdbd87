/* SPDX-License-Identifier: Apache-2.0
 *
 * front/linger.c - a connection that was closed by us while its client still sent.
 *
 * To close a socket with bytes in it resets the connection, and the reset can overtake the answer (413, 401,
 * 431) that tells the client why. So its descriptor is kept a while: nothing more is sent, what comes is thrown
 * away until the client has seen the end, or until it was too much or too long. Source: RFC 9112 section 9.6. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"
#include "front/front_inner.h"

#define LINGER_MS 2000
#define LINGER_MAX_BYTES (64u << 20)
#define LINGERING_MAX 256u
#define READS_A_TURN 16

struct gh_lingering {
    struct gh_lingering *prev, *next;
    struct gh_server *server;
    uv_poll_t poll;
    int fd;
    uint64_t deadline_ms;
    size_t read_bytes;
};

static void
on_closed(uv_handle_t *handle)
{
    struct gh_lingering *lingering = handle->data;
    struct gh_server *server = lingering->server;

    close(lingering->fd);
    free(lingering);
    gh_server_handle_closed(server);
}

static void
end(struct gh_lingering *lingering)
{
    struct gh_server *server = lingering->server;

    DL_DELETE(server->lingering, lingering);
    server->lingering_count--;
    uv_close((uv_handle_t *)&lingering->poll, on_closed);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct gh_lingering *lingering = poll->data;
    char waste[16u << 10];

    (void)events;
    for (int i = 0; status == 0 && i < READS_A_TURN; i++) {
        ssize_t got = recv(lingering->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        lingering->read_bytes += got > 0 ? (size_t)got : 0;
        if (got <= 0 || lingering->read_bytes > LINGER_MAX_BYTES)
            status = UV_EOF;
    }
    if (status != 0)
        end(lingering);
}

void
gh_linger(struct gh_server *server, int fd)
{
    if (server->lingering_count >= LINGERING_MAX || server->is_draining)
        return;
    int kept = dup(fd); /* libmicrohttpd closes its own */
    if (kept < 0)
        return;
    shutdown(kept, SHUT_WR);

    struct gh_lingering *lingering = gh_alloc(sizeof *lingering);
    lingering->server = server;
    lingering->fd = kept;
    lingering->deadline_ms = uv_now(server->loop) + LINGER_MS;
    lingering->poll.data = lingering;
    uv_poll_init(server->loop, &lingering->poll, kept);
    uv_poll_start(&lingering->poll, UV_READABLE, on_readable);
    server->open_handles++;
    server->lingering_count++;
    DL_APPEND(server->lingering, lingering);
}

void
gh_linger_sweep(struct gh_server *server, uint64_t now)
{
    struct gh_lingering *lingering, *next;

    DL_FOREACH_SAFE(server->lingering, lingering, next)
    {
        if (now >= lingering->deadline_ms)
            end(lingering);
    }
}
