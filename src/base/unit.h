/* SPDX-License-Identifier: Apache-2.0
 *
 * base/unit.h - the systemd unit that a process is the main one of.
 *
 * Its control group alone does not tell: what sshd starts is in sshd's. So it counts only when systemd itself
 * executed the process, which SYSTEMD_EXEC_PID in its environment says. */
#ifndef GH_BASE_UNIT_H
#define GH_BASE_UNIT_H

#include <stdbool.h>
#include <sys/types.h>

struct gh_unit {
    char *name;   /* "gatehoused.service"; NULL: none */
    bool is_user; /* of a user's own service manager */
};

/* The unit of PID; gh_unit_done releases it. False when its environment may not be read, as that of a process with
 * more rights: then it is what the control group alone says, and somebody else must know better. */
bool gh_unit_of(pid_t pid, struct gh_unit *unit_out);
void gh_unit_done(struct gh_unit *unit);

/* The same, of what /proc/PID/cgroup and /proc/PID/environ hold (LEN bytes of NAME=value, each with a NUL); the
 * latter NULL when it may not be read. */
void gh_unit_parse(pid_t pid, const char *cgroup, const char *environment, size_t len,
                   struct gh_unit *unit_out);

#endif
