/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

#define FILE_MAX_BYTES (4u << 20) /* an environment is smaller */
#define EXEC_PID "SYSTEMD_EXEC_PID="
#define SUFFIX ".service"

static bool
read_file(pid_t pid, const char *name, struct gh_buf *out)
{
    char path[64];
    ssize_t len = 1;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && len > 0 && out->len < FILE_MAX_BYTES) {
        len = read(fd, gh_buf_reserve(out, 4096), 4096);
        out->len += len > 0 ? (size_t)len : 0;
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool
is_executed_by_systemd(pid_t pid, const char *environment, size_t len)
{
    char wanted[sizeof EXEC_PID + 12];

    snprintf(wanted, sizeof wanted, EXEC_PID "%d", (int)pid);
    for (size_t at = 0; at < len; at += strnlen(environment + at, len - at) + 1)
        if (strnlen(environment + at, len - at) == strlen(wanted) &&
            memcmp(environment + at, wanted, strlen(wanted)) == 0)
            return true;
    return false;
}

/* The path in the line of the second hierarchy, "0::PATH", or of systemd's own, "1:name=systemd:PATH". */
static const char *
path_of_line(const char *line)
{
    const char *systemd = strstr(line, ":name=systemd:");
    const char *newline = strchrnul(line, '\n');

    if (strncmp(line, "0::", 3) == 0)
        return line + 3;
    return systemd && systemd < newline ? systemd + strlen(":name=systemd:") : NULL;
}

/* The first service in PATH, up to the end of its line, that is not the manager of a user. */
static void
find_service(const char *path, struct gh_unit *unit)
{
    size_t len = strcspn(path, "\n");

    for (const char *part = path; part < path + len; part += strcspn(part, "/\n") + 1) {
        size_t part_len = strcspn(part, "/\n");
        bool is_service = part_len > strlen(SUFFIX) &&
                          memcmp(part + part_len - strlen(SUFFIX), SUFFIX, strlen(SUFFIX)) == 0;
        if (is_service && strncmp(part, "user@", 5) == 0) {
            unit->is_user = true;
        } else if (is_service) {
            unit->name = gh_strndup(part, part_len);
            return;
        }
    }
}

void
gh_unit_parse(pid_t pid, const char *cgroup, const char *environment, size_t len,
              struct gh_unit *unit_out)
{
    *unit_out = (struct gh_unit){0};
    if (environment && !is_executed_by_systemd(pid, environment, len))
        return;
    for (const char *line = cgroup; *line && !unit_out->name;) {
        const char *path = path_of_line(line);
        unit_out->is_user = false;
        if (path)
            find_service(path, unit_out);
        line = strchrnul(line, '\n');
        line += *line == '\n';
    }
}

bool
gh_unit_of(pid_t pid, struct gh_unit *unit_out)
{
    struct gh_buf cgroup GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf environment GH_SCOPED(gh_buf_done) = {0};

    read_file(pid, "cgroup", &cgroup);
    bool is_sure = read_file(pid, "environ", &environment);
    gh_unit_parse(pid, gh_buf_text(&cgroup), is_sure ? gh_buf_text(&environment) : NULL,
                  environment.len, unit_out);
    return is_sure;
}

void
gh_unit_done(struct gh_unit *unit)
{
    gh_free(&unit->name);
}
