/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/access.h"

#include <string.h>

static bool
is_for(const struct gh_caller *caller, struct gh_slice key)
{
    return !caller->module ||
           (strlen(caller->module) == key.len && memcmp(caller->module, key.bytes, key.len) == 0);
}

static bool
has_node(const struct gh_caller *caller, enum gh_level least)
{
    return caller->kind == GH_CALLER_KNOWN && !caller->module && caller->level >= least;
}

/* By a token for the node, or for OBJECT alone. */
static bool
has_token_for(const struct gh_caller *caller, const struct gh_object *object)
{
    return caller->kind == GH_CALLER_KNOWN && caller->level >= GH_LEVEL_READ &&
           is_for(caller, object->key);
}

static bool
has_object(const struct gh_caller *caller, const struct gh_object *object)
{
    return has_token_for(caller, object) ||
           (caller->kind == GH_CALLER_KNOWN && caller->on_object >= GH_LEVEL_READ);
}

enum gh_verdict
gh_access_decide(const struct gh_caller *caller, enum gh_need need, const struct gh_object *object)
{
    if (need == GH_NEED_NOTHING || (need == GH_NEED_OBJECT && object->is_unlisted))
        return GH_ALLOWED;
    if (caller->kind == GH_CALLER_NOBODY)
        return GH_NO_TOKEN;
    switch (need) {
    case GH_NEED_CLUSTER:
        return has_node(caller, GH_LEVEL_READ) ? GH_ALLOWED : GH_NOT_FOR_THE_NODE;
    case GH_NEED_WRITE:
        return has_node(caller, GH_LEVEL_WRITE) ? GH_ALLOWED : GH_NOT_FOR_THE_NODE;
    case GH_NEED_OBJECT:
        return has_object(caller, object) ? GH_ALLOWED : GH_NOT_FOR_THE_KEY;
    case GH_NEED_DOCUMENT: /* the cluster rule comes first, whatever the object's visibility */
        return has_token_for(caller, object) ? GH_ALLOWED : GH_NOT_FOR_THE_NODE;
    case GH_NEED_NOTHING:
    case GH_NEED_DEN:
    case GH_NEED_LOCAL:
    default:
        return GH_NOT_FOR_THE_NODE;
    }
}
