/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define SEND_TIMEOUT_S 1 /* a manager that does not read must not hold the loop for long */

/* ---- the environment ---- */

/* "/path", or "@name" for an abstract socket, whose first byte is NUL. */
static int
take_address(struct gh_notify *notify, const char *name, struct gh_err *err)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2)
        return gh_err_set(
            err, GH_E_INPUT,
            "NOTIFY_SOCKET is '%.100s', but must be a path from / on, or @ and a name", name);
    if (len >= sizeof notify->address.sun_path)
        return gh_err_set(err, GH_E_INPUT, "NOTIFY_SOCKET has %zu bytes, at most %zu are possible",
                          len, sizeof notify->address.sun_path - 1);
    notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(notify->address.sun_path, name, len);
    notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    else
        notify->address_len++; /* the terminator counts */
    return GH_OK;
}

static int
open_socket(struct gh_notify *notify, struct gh_err *err)
{
    const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return gh_err_set(err, GH_E_SYSTEM, "a socket for NOTIFY_SOCKET: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    notify->fd = fd;
    return GH_OK;
}

/* A positive number of decimal digits, and nothing else. */
static bool
read_number(const char *text, uint64_t *number_out)
{
    char *end;

    errno = 0;
    *number_out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0 && *number_out > 0;
}

/* The time is meant for the process WATCHDOG_PID; without one for whoever reads it. */
static int
take_watchdog(struct gh_notify *notify, struct gh_err *err)
{
    const char *time_us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t number;

    if (!time_us)
        return GH_OK;
    if (pid && (!read_number(pid, &number) || number != (uint64_t)getpid()))
        return GH_OK;
    if (!read_number(time_us, &number))
        return gh_err_set(err, GH_E_INPUT,
                          "WATCHDOG_USEC is '%.40s', but must be a number of microseconds",
                          time_us);
    notify->watchdog_us = number;
    return GH_OK;
}

static int
take(struct gh_notify *notify, struct gh_err *err)
{
    const char *name = getenv("NOTIFY_SOCKET");

    if (!name || !*name)
        return GH_OK;
    int rc = take_address(notify, name, err);
    if (rc == GH_OK)
        rc = take_watchdog(notify, err);
    return rc == GH_OK ? open_socket(notify, err) : rc;
}

int
gh_notify_take(struct gh_notify *notify, struct gh_err *err)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};

    *notify = (struct gh_notify){.fd = -1};
    int rc = take(notify, err);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return rc;
}

/* ---- what is said ---- */

static void
send_text(const struct gh_notify *notify, const struct gh_buf *text)
{
    ssize_t sent;

    do
        sent = sendto(notify->fd, text->bytes, text->len, MSG_NOSIGNAL,
                      (const struct sockaddr *)&notify->address, notify->address_len);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        gh_log(GH_LOG_WARN, "service.not_told", "reason=%s", gh_log_quote(strerror(errno)));
}

/* STATES, which ends in a newline or is empty, and a line with the status. */
static void GH_PRINTF(3, 0)
    tell(const struct gh_notify *notify, const char *states, const char *format, va_list args)
{
    struct gh_buf text = {0}, status = {0};

    if (notify->fd < 0)
        return;
    gh_buf_addv(&status, format, args);
    const char *line = gh_buf_text(&status);
    gh_buf_addf(&text, "%sSTATUS=%.*s\n", states, (int)strcspn(line, "\n"), line);
    send_text(notify, &text);
    gh_buf_done(&status);
    gh_buf_done(&text);
}

static void GH_PRINTF(2, 3) tell_states(const struct gh_notify *notify, const char *format, ...)
{
    struct gh_buf text = {0};
    va_list args;

    if (notify->fd < 0)
        return;
    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    send_text(notify, &text);
    gh_buf_done(&text);
}

void
gh_notify_ready(const struct gh_notify *notify, const char *format, ...)
{
    char states[64];
    va_list args;

    snprintf(states, sizeof states, "READY=1\nMAINPID=%d\n", (int)getpid());
    va_start(args, format);
    tell(notify, states, format, args);
    va_end(args);
}

/* The time tells the manager which of several reloads this is (systemd 253 and later compare it). */
void
gh_notify_reloading(const struct gh_notify *notify)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    tell_states(notify, "RELOADING=1\nMONOTONIC_USEC=%llu\n",
                (unsigned long long)now.tv_sec * 1000000u +
                    (unsigned long long)now.tv_nsec / 1000u);
}

void
gh_notify_status(const struct gh_notify *notify, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(notify, "", format, args);
    va_end(args);
}

/* ---- the turning loop ---- */

static void
on_beat(uv_timer_t *timer)
{
    const struct gh_notify *notify = timer->data;

    if (notify->is_stopping)
        tell_states(notify, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%u\n", GH_NOTIFY_STOP_MORE_MS * 1000u);
    else
        tell_states(notify, "WATCHDOG=1\n");
}

void
gh_notify_start(struct gh_notify *notify, uv_loop_t *loop)
{
    uint64_t every_ms = notify->watchdog_us / 2000;

    if (notify->fd < 0)
        return;
    uv_timer_init(loop, &notify->beat);
    uv_unref((uv_handle_t *)&notify->beat);
    notify->beat.data = notify;
    notify->is_started = true;
    if (notify->watchdog_us > 0)
        uv_timer_start(&notify->beat, on_beat, 0, every_ms > 0 ? every_ms : 1);
}

void
gh_notify_stopping(struct gh_notify *notify, const char *format, ...)
{
    uint64_t every_ms = GH_NOTIFY_STOP_BEAT_MS;
    va_list args;

    va_start(args, format);
    tell(notify, "STOPPING=1\n", format, args);
    va_end(args);
    notify->is_stopping = true;
    if (!notify->is_started)
        return;
    if (notify->watchdog_us > 0 && notify->watchdog_us / 2000 < every_ms)
        every_ms = notify->watchdog_us >= 2000 ? notify->watchdog_us / 2000 : 1;
    uv_timer_start(&notify->beat, on_beat, 0, every_ms);
}

void
gh_notify_stop(struct gh_notify *notify)
{
    if (notify->is_started)
        uv_close((uv_handle_t *)&notify->beat, NULL);
    notify->is_started = false;
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
