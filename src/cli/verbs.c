/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <string.h>

const struct gh_verb *const gh_verbs[] = {
#define X(name) &gh_verb_##name,
    GH_VERBS(X)
#undef X
        NULL,
};

const struct gh_verb *
gh_verb_find(const char *name)
{
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if (strcmp((*verb)->name, name) == 0)
            return *verb;
    return NULL;
}
