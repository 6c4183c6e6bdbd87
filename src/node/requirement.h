/* SPDX-License-Identifier: Apache-2.0
 *
 * node/requirement.h - does an installed version satisfy what a requirement asks for?
 *
 *     "==2.1"  ">=1.20,<2"  "~=1.4.2"  "==1.*"  "!=1.5"
 *
 * Only what can be told for sure without the tools: release numbers (1, 1.0, 2.1.3), compared as PEP 440
 * has it, so that 1.0 is 1.0.0. Pre-releases, post-releases, epochs and local versions (2.1+cu121) are
 * theirs to judge, unless "==" names the very same text. Pure functions, any thread. */
#ifndef GH_NODE_REQUIREMENT_H
#define GH_NODE_REQUIREMENT_H

#include <stdbool.h>

/* SPECIFIERS is what stands behind a distribution's name; blanks do not count, "" asks for any version.
 * False: VERSION does not satisfy it, or that cannot be told here. */
bool gh_requirement_holds(const char *specifiers, const char *version);

#endif
