/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/level.h - what somebody may do with a node or an object, by the names that the client and Den have
 * for it. Source: auth.md section 6. Pure, any thread. */
#ifndef GH_WIRE_LEVEL_H
#define GH_WIRE_LEVEL_H

enum gh_level { GH_LEVEL_NONE, GH_LEVEL_READ, GH_LEVEL_WRITE };

/* "read", "write", "none". */
const char *gh_level_name(enum gh_level level);

#endif
