/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/deadline.h - waiting for no longer than until a moment. */
#ifndef GH_CLI_DEADLINE_H
#define GH_CLI_DEADLINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Milliseconds of a clock that never jumps. */
int64_t gh_deadline_now_ms(void);

/* Read up to SIZE bytes of FD into ROOM as soon as there are any. How many came; 0 at the end, or when it cannot be
 * read; -1 when END_MS was there first. */
ssize_t gh_deadline_read(int fd, void *room, size_t size, int64_t end_ms);

#endif
