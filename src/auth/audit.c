/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "base/log.h"

void
gh_audit_init(struct gh_audit *audit, uv_loop_t *loop)
{
    *audit = (struct gh_audit){.loop = loop, .fd = -1, .writing_fd = -1};
}

/* A file that is being written to is closed when that is done. */
static void
replace_fd(struct gh_audit *audit, int fd)
{
    if (audit->fd >= 0 && !(audit->is_writing && audit->fd == audit->writing_fd))
        close(audit->fd);
    audit->fd = fd;
    audit->is_failing = false;
}

int
gh_audit_open(struct gh_audit *audit, const char *path, struct gh_err *err)
{
    if (!*path) {
        gh_audit_flush(audit);
        replace_fd(audit, -1);
        return GH_OK;
    }
    /* Non-blocking, so that a pipe that nobody reads is an error and does not stop the daemon. */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return gh_err_set(err, GH_E_SYSTEM, "audit_log %s cannot be opened: %s", path,
                          strerror(errno));
    replace_fd(audit, fd);
    return GH_OK;
}

/* ---- lines ---- */

/* The begin of a line. */
static void
add_time(struct gh_buf *out)
{
    gh_buf_add_text(out, "{\"time\":\"");
    gh_log_add_time(out);
    gh_buf_add_byte(out, '"');
}

static void
add_slice(struct gh_buf *out, const char *name, struct gh_slice text)
{
    gh_buf_addf(out, ",\"%s\":", name);
    if (text.len == 0)
        gh_buf_add_text(out, "null");
    else
        gh_jsontext_quote(out, text.bytes,
                          text.len < GH_AUDIT_NAME_MAX_BYTES ? text.len : GH_AUDIT_NAME_MAX_BYTES,
                          GH_JSONTEXT_UTF8);
}

static void
add_text(struct gh_buf *out, const char *name, const char *text)
{
    add_slice(out, name, (struct gh_slice){text, text ? strlen(text) : 0});
}

void
gh_audit_add(struct gh_audit *audit, const struct gh_audit_entry *entry)
{
    struct gh_buf *out = &audit->lines;

    if (audit->fd < 0)
        return;
    if (out->len >= GH_AUDIT_BACKLOG_MAX_BYTES) {
        audit->lost++;
        return;
    }
    add_time(out);
    add_text(out, "request_id", entry->request_id);
    add_text(out, "user", entry->user);
    add_text(out, "address", entry->address);
    add_text(out, "method", entry->method);
    add_text(out, "route", entry->route);
    add_slice(out, "key", entry->key);
    add_slice(out, "key_method", entry->key_method);
    if (entry->status)
        gh_buf_addf(out, ",\"status\":%u", entry->status);
    else
        gh_buf_add_text(out, ",\"status\":null");
    gh_buf_addf(out, ",\"duration_ms\":%.3f", entry->duration_ms);
    add_text(out, "denied", entry->denied);
    gh_buf_add_text(out, "}\n");
}

/* ---- writing ---- */

static void write_on(struct gh_audit *audit);

static void
lose(struct gh_audit *audit, int problem)
{
    for (size_t i = 0; i < audit->writing.len; i++)
        audit->lost += audit->writing.bytes[i] == '\n';
    audit->writing.len = 0;
    if (!audit->is_failing)
        gh_log(GH_LOG_ERR, "audit.failed", "reason=%s", gh_log_quote(uv_strerror(problem)));
    audit->is_failing = true;
}

static void
on_written(uv_fs_t *write)
{
    struct gh_audit *audit = write->data;
    ssize_t result = write->result;

    uv_fs_req_cleanup(write);
    audit->is_writing = false;
    if (audit->writing_fd != audit->fd)
        close(audit->writing_fd);
    if (result > 0) {
        gh_buf_drop(&audit->writing, (size_t)result);
        audit->is_failing = false;
    } else {
        lose(audit, (int)(result ? result : UV_EIO));
    }
    if (audit->writing.len > 0 && audit->fd >= 0)
        write_on(audit);
    else
        gh_audit_flush(audit);
}

static void
write_on(struct gh_audit *audit)
{
    uv_buf_t bytes = uv_buf_init((char *)audit->writing.bytes, (unsigned)audit->writing.len);

    audit->write.data = audit;
    audit->writing_fd = audit->fd;
    audit->is_writing = true;
    if (uv_fs_write(audit->loop, &audit->write, audit->fd, &bytes, 1, -1, on_written) != 0)
        audit->is_writing = false; /* cannot be: the arguments are good */
}

void
gh_audit_flush(struct gh_audit *audit)
{
    if (audit->lines.len == 0 || audit->is_writing || audit->fd < 0)
        return;
    if (audit->lost > 0 && !audit->is_failing) {
        add_time(&audit->lines);
        gh_buf_addf(&audit->lines, ",\"lost\":%zu}\n", audit->lost);
        audit->lost = 0;
    }
    struct gh_buf empty = audit->writing;
    empty.len = 0;
    audit->writing = audit->lines;
    audit->lines = empty;
    write_on(audit);
}

void
gh_audit_done(struct gh_audit *audit)
{
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = -1;
    gh_buf_done(&audit->lines);
    gh_buf_done(&audit->writing);
}
