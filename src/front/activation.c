/* SPDX-License-Identifier: Apache-2.0 */
#include "front/activation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* ---- the environment ---- */

/* Whole decimal number from 0 to MAX. */
static bool
read_number(const char *text, unsigned long max, unsigned long *number_out)
{
    char *end;

    errno = 0;
    *number_out = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0 && *number_out <= max;
}

/* How many descriptors are ours. */
static int
take_count(size_t *count_out, struct gh_err *err)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    unsigned long number;

    *count_out = 0;
    if (!count || !pid || !read_number(pid, ~0ul, &number) || number != (unsigned long)getpid())
        return GH_OK;
    if (!read_number(count, GH_ACTIVATION_MAX, &number))
        return gh_err_set(err, GH_E_INPUT,
                          "LISTEN_FDS is '%.40s', but must be a number of sockets up to %d", count,
                          GH_ACTIVATION_MAX);
    *count_out = number;
    return GH_OK;
}

/* The name of descriptor INDEX in NAMES, "a:b:c"; its length may be 0. */
static const char *
name_of(const char *names, size_t index, size_t *len_out)
{
    while (names && index-- > 0) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    *len_out = names ? strcspn(names, ":") : 0;
    return names;
}

/* ---- one descriptor ---- */

static bool
is_loopback(const union address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    return true;
}

/* Fill where and port. */
static void
describe(struct gh_handed *handed, const union address *address, socklen_t len)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        handed->port = ntohs(address->v4.sin_port);
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof text);
        snprintf(handed->where, sizeof handed->where, "%s:%u", text, handed->port);
    } else if (address->any.sa_family == AF_INET6) {
        handed->port = ntohs(address->v6.sin6_port);
        inet_ntop(AF_INET6, &address->v6.sin6_addr, text, sizeof text);
        snprintf(handed->where, sizeof handed->where, "[%s]:%u", text, handed->port);
    } else {
        const char *path = address->local.sun_path;
        size_t path_len = len - offsetof(struct sockaddr_un, sun_path);
        bool is_abstract = path_len > 0 && !path[0];
        snprintf(handed->where, sizeof handed->where, "%s%.*s", is_abstract ? "@" : "",
                 (int)(is_abstract ? path_len - 1 : strnlen(path, path_len)), path + is_abstract);
    }
}

static int
take_kind(struct gh_handed *handed, const char *name, size_t len, sa_family_t family,
          struct gh_err *err)
{
    static const struct {
        const char *name;
        enum gh_port_kind kind;
        bool is_local;
    } kinds[] = {
        {"http", GH_PORT_HTTP, false},
        {"https", GH_PORT_HTTPS, false},
        {"control", GH_PORT_CONTROL, true},
    };
    bool is_local = family == AF_UNIX;

    if (len == 0) {
        handed->kind = is_local ? GH_PORT_CONTROL : GH_PORT_HTTP;
        return GH_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, name, len) != 0)
            continue;
        if (kinds[i].is_local != is_local)
            return gh_err_set(err, GH_E_INPUT, "it is called '%s', but is no %s socket",
                              kinds[i].name, is_local ? "TCP" : "UNIX");
        handed->kind = kinds[i].kind;
        return GH_OK;
    }
    return gh_err_set(err, GH_E_INPUT,
                      "it is called '%.*s', but must be called http, https or control, by "
                      "FileDescriptorName= of its socket unit",
                      (int)(len > 60 ? 60 : len), name);
}

/* Whoever can open the control socket may do everything (docs/decisions/0007-control-socket.md), and systemd's
 * own default is a socket for all. */
static int
check_control(const struct gh_handed *handed, struct gh_err *err)
{
    struct stat info;

    if (handed->where[0] != '/')
        return gh_err_set(err, GH_E_INPUT,
                          "a control socket must have a path from / on, whose mode says who may "
                          "open it, but is '%s'",
                          handed->where);
    if (stat(handed->where, &info) != 0)
        return gh_err_set(err, GH_E_INPUT, "%s: %s", handed->where, strerror(errno));
    if (info.st_mode & S_IRWXO)
        return gh_err_set(
            err, GH_E_INPUT,
            "everybody may open the control socket %s (mode %04o): its unit must have "
            "SocketMode=0600, or 0660 and SocketGroup=",
            handed->where, (unsigned)info.st_mode & 07777u);
    return GH_OK;
}

static int
read_flag(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

/* Descriptor FD, if it can be served. */
static int
take_fd(struct gh_handed *handed, int fd, const char *name, size_t name_len, struct gh_err *err)
{
    union address address = {0};
    socklen_t len = sizeof address;

    *handed = (struct gh_handed){.fd = fd};
    if (getsockname(fd, &address.any, &len) != 0)
        return gh_err_set(err, GH_E_INPUT, "it is no socket: %s", strerror(errno));
    sa_family_t family = address.any.sa_family;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return gh_err_set(err, GH_E_INPUT, "it is neither a TCP nor a UNIX socket");
    if (read_flag(fd, SO_TYPE) != SOCK_STREAM || read_flag(fd, SO_ACCEPTCONN) != 1)
        return gh_err_set(err, GH_E_INPUT,
                          "it does not listen; its unit must have ListenStream= and Accept=no");
    describe(handed, &address, len);
    handed->is_loopback = is_loopback(&address);

    int flags = fcntl(fd, F_GETFL);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return gh_err_set(err, GH_E_INPUT, "its flags: %s", strerror(errno));
    int rc = take_kind(handed, name, name_len, family, err);
    if (rc == GH_OK && handed->kind == GH_PORT_CONTROL)
        rc = check_control(handed, err);
    return rc;
}

/* ---- all ---- */

static int
take_all(struct gh_activation *activation, struct gh_err *err)
{
    size_t count, name_len;

    int rc = take_count(&count, err);
    for (size_t i = 0; rc == GH_OK && i < count; i++) {
        const char *name = name_of(getenv("LISTEN_FDNAMES"), i, &name_len);
        rc = take_fd(&activation->list[i], FIRST_FD + (int)i, name, name_len, err);
        if (rc != GH_OK)
            return gh_err_add(err, "socket %zu of %zu that the service manager handed over", i + 1,
                              count);
    }
    activation->count = rc == GH_OK ? count : 0;
    return rc;
}

int
gh_activation_take(struct gh_activation *activation, struct gh_err *err)
{
    static const char *const names[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"};

    activation->count = 0;
    int rc = take_all(activation, err);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return rc;
}

const struct gh_handed *
gh_activation_find(const struct gh_activation *activation, int fd)
{
    for (size_t i = 0; i < activation->count; i++)
        if (activation->list[i].fd == fd)
            return &activation->list[i];
    return NULL;
}

bool
gh_activation_has_clients(const struct gh_activation *activation)
{
    for (size_t i = 0; i < activation->count; i++)
        if (activation->list[i].kind != GH_PORT_CONTROL)
            return true;
    return false;
}
