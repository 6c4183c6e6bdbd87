/* SPDX-License-Identifier: Apache-2.0
 *
 * base/self.h - what a program of ours does to its own process before it begins. */
#ifndef GH_BASE_SELF_H
#define GH_BASE_SELF_H

#include <stdbool.h>

/* As many descriptors as we may have, and none that we were started with for those that we start. */
void gh_self_prepare_fds(void);

/* What ports below 1024 take stays with us: those that we start have no right that user code could use. Ours
 * is in the permitted set then, which is what bind looks at. */
void gh_self_keep_rights(void);

/* Has a core of this process its memory in it? Passed on to those that it starts. Not in the daemon's, where
 * callers' tokens come by; a worker's has, so that people can find out why it crashed. Limits alone would not
 * do: a kernel that pipes cores to a program ignores them. Source: core(5), coredump_filter. */
void gh_self_dump_memory(bool is_dumped);

#endif
