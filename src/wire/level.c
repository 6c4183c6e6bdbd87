/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/level.h"

const char *
gh_level_name(enum gh_level level)
{
    static const char *const names[] = {"none", "read", "write"};
    return names[level];
}
