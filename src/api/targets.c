/* SPDX-License-Identifier: Apache-2.0 */
#include "api/targets.h"

#include <jansson.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "store/cluster.h"
#include "wire/reply.h"

/* ---- processes ---- */

char *
gh_target_name(struct gh_api *api, const struct gh_value *value)
{
    if (!value->is_given)
        return gh_strdup(GH_DEFAULT_PROCESS);
    char *name = gh_strndup(value->text.bytes, value->text.len);
    bool is_old = strcmp(name, GH_DEFAULT_ENV) == 0 || /* 0.0.36 names a process so, too */
                  (value->is_old && strcmp(name, "base") == 0);

    if (!is_old || gh_pool_find(api->pool, name))
        return name;
    gh_free(&name);
    return gh_strdup(GH_DEFAULT_PROCESS);
}

struct gh_process *
gh_target_process(struct gh_api *api, const struct gh_value *value)
{
    char *name GH_SCOPED(gh_free) = gh_target_name(api, value);
    return gh_pool_find(api->pool, name);
}

void
gh_target_refuse(struct gh_api *api, struct gh_request *request, const struct gh_value *value)
{
    char *name GH_SCOPED(gh_free) = gh_target_name(api, value);
    gh_reply_exception(request, GH_PY_OBJ_STORE_ERROR, "Got None servlet for servlet_name %s.",
                       name);
}

struct gh_process *
gh_target_default_env(struct gh_api *api, struct gh_slice key)
{
    return gh_slice_is(key, GH_DEFAULT_ENV) ? gh_pool_find(api->pool, GH_DEFAULT_PROCESS) : NULL;
}

/* ---- nodes ---- */

static bool
is_interface_address(const char *address)
{
    uv_interface_address_t *list;
    char text[64];
    int count;
    bool is_ours = false;

    if (uv_interface_addresses(&list, &count) != 0)
        return false;
    for (int i = 0; i < count && !is_ours; i++) {
        int rc = list[i].address.address4.sin_family == AF_INET6
                     ? uv_ip6_name(&list[i].address.address6, text, sizeof text)
                     : uv_ip4_name(&list[i].address.address4, text, sizeof text);
        is_ours = rc == 0 && strcmp(text, address) == 0;
    }
    uv_free_interface_addresses(list, count);
    return is_ours;
}

/* The first of the cluster's internal addresses is this node's. */
static bool
is_internal_address(const struct gh_cluster *cluster, const char *address)
{
    const json_t *compute = json_object_get(cluster->config, "compute_properties");
    const char *first =
        json_string_value(json_array_get(json_object_get(compute, "internal_ips"), 0));
    return first && strcmp(first, address) == 0;
}

int
gh_target_node(struct gh_api *api, struct gh_request *request, const struct gh_value *value)
{
    bool is_index = value->raw.len > 0 && value->raw.bytes[0] != '"';
    char *name GH_SCOPED(gh_free) = gh_strndup(value->text.bytes, value->text.len);

    if (is_index ? value->number == 0 : strcmp(name, "0") == 0)
        return 0;
    if (is_index) {
        gh_reply_exception(request, GH_PY_VALUE_ERROR,
                           "Node index %lld out of range for cluster with 1 nodes.", value->number);
        return -1;
    }
    if (strcmp(name, "localhost") == 0 || strcmp(name, gh_cluster_ip(api->cluster)) == 0 ||
        is_internal_address(api->cluster, name) || is_interface_address(name))
        return 0;
    gh_reply_exception(request, GH_PY_VALUE_ERROR,
                       "Node %s not a valid internal IP on the cluster.", name);
    return -1;
}
