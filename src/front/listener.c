/* SPDX-License-Identifier: Apache-2.0 */
#include "front/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"

#define BACKLOG 1024

static void
close_keeping_errno(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
}

/* ---- TCP ---- */

static int
bind_tcp(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

/* What errno means for whoever starts us, with what helps. */
static int
tell(struct gh_err *err, const char *host, const char *port)
{
    int why = errno;
    char help[360] = "";

    if (why == EADDRINUSE)
        snprintf(help, sizeof help, "; ss -ltnp 'sport = :%s' shows by whom", port);
    if (why == EACCES)
        snprintf(help, sizeof help,
                 "; ports below 1024 need CAP_NET_BIND_SERVICE: start it by gatehoused.service or "
                 "gatehoused.socket, or: sudo setcap cap_net_bind_service=ep \"$(command -v "
                 "gatehoused)\", or for all programs: sudo sysctl -w "
                 "net.ipv4.ip_unprivileged_port_start=%s",
                 port);
    gh_err_set(err, GH_E_SYSTEM, "listening on %s port %s: %s%s", host, port, strerror(why), help);
    errno = why;
    return GH_E_SYSTEM;
}

int
gh_listen_tcp(const char *host, unsigned port, struct gh_listener *listener_out, struct gh_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *address;
    char port_text[12];

    snprintf(port_text, sizeof port_text, "%u", port);
    int rc = getaddrinfo(host, port_text, &hints, &address);
    if (rc != 0) {
        errno = EADDRNOTAVAIL;
        return gh_err_set(err, GH_E_INPUT, "host '%s': %s", host, gai_strerror(rc));
    }
    int fd = bind_tcp(address);
    int kept = errno;
    freeaddrinfo(address);
    errno = kept;
    if (fd < 0)
        return tell(err, host, port_text);

    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    getsockname(fd, (struct sockaddr *)&bound, &len);
    *listener_out = (struct gh_listener){
        .fd = fd,
        .port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port),
    };
    return GH_OK;
}

/* ---- UNIX ---- */

/* Is nobody behind the socket file at ADDRESS any more? */
static bool
is_left_over(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    bool is_refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                      errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}

static int
bind_unix(int fd, const struct sockaddr_un *address)
{
    mode_t kept = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)address, sizeof *address);

    if (rc != 0 && errno == EADDRINUSE && is_left_over(address)) {
        unlink(address->sun_path);
        rc = bind(fd, (const struct sockaddr *)address, sizeof *address);
    }
    umask(kept);
    return rc;
}

int
gh_listen_unix(const char *path, struct gh_listener *listener_out, struct gh_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return gh_err_set(err, GH_E_INPUT,
                          "the socket's path '%s' has %zu bytes, at most %zu are possible: give a "
                          "shorter state_dir",
                          path, strlen(path), sizeof address.sun_path - 1);
    }
    strcpy(address.sun_path, path);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_unix(fd, &address) != 0 || listen(fd, BACKLOG) != 0) {
        int rc = gh_err_set(err, GH_E_SYSTEM, "listening on %s: %s", path, strerror(errno));
        if (fd >= 0)
            close_keeping_errno(fd);
        return rc;
    }
    *listener_out = (struct gh_listener){.fd = fd, .path = gh_strdup(path)};
    return GH_OK;
}

void
gh_listener_close(struct gh_listener *listener)
{
    if (listener->fd < 0)
        return;
    close(listener->fd);
    listener->fd = -1;
    if (listener->path && !listener->is_kept)
        unlink(listener->path);
    free(gh_take(listener->path));
}
