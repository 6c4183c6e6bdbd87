/* SPDX-License-Identifier: Apache-2.0
 *
 * base/journal.h - log lines as entries of systemd's journal: one datagram each to its socket.
 *
 *     MESSAGE=event.name key=value ...     PRIORITY=6           syslog's numbers: 3 error, 4 warning, 6 info, 7 debug
 *     SYSLOG_IDENTIFIER=gatehoused         GATEHOUSE_EVENT=event.name
 *     GATEHOUSE_KEY=value                  for each key; quoted values without their quotes
 *
 * Loop thread only. Source: systemd's "Native Journal Protocol", systemd.journal-fields(7). */
#ifndef GH_BASE_JOURNAL_H
#define GH_BASE_JOURNAL_H

#include <stdbool.h>

#include "base/log.h"

#define GH_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Does standard error go to the journal? JOURNAL_STREAM names the device and inode of what does. */
bool gh_journal_has_stderr(void);

/* Where entries go, instead of GH_JOURNAL_SOCKET; for tests. PATH is borrowed. */
void gh_journal_setup(const char *path);

/* Send the event with its "key=value ..." TEXT. False when the journal does not take it now: then the line is to go
 * to standard error. */
bool gh_journal_send(enum gh_log_level level, const char *event, const char *text);

#endif
