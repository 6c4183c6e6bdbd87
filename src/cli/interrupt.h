/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/interrupt.h - Ctrl-C as something to wait for, so that a verb can tidy up before it ends. */
#ifndef GH_CLI_INTERRUPT_H
#define GH_CLI_INTERRUPT_H

#include <stdbool.h>

/* Take SIGINT and SIGTERM from now on; a second one ends the program at once. Returns a descriptor that
 * is readable once one came; it stays open till the end. Idempotent. */
int gh_interrupt_watch(void);

/* Did one come? */
bool gh_interrupted(void);

#endif
