/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/holder.h - which process of this machine listens on a TCP port, by /proc: no program is needed for it. */
#ifndef GH_CLI_HOLDER_H
#define GH_CLI_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#define GH_HOLDER_MANAGER_PID 1 /* the service manager */

/* Does a process listen on PORT, of any address? *PID_OUT is it, 0 when this user may not see which; several may
 * have the same socket: PREFERRED if that is one of them, and the service manager, which hands sockets on, last.
 * *USER_OUT is the name of the user whose socket it is, or the number; the caller frees it. */
bool gh_holder_find(unsigned port, pid_t preferred, pid_t *pid_out, char **user_out);

/* "nginx", the name of the process PID, for the caller to free. */
char *gh_holder_name(pid_t pid);

#endif
