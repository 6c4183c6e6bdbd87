/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cluster.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"

/* The members that are shown and passed on; others, credentials above all, are not kept. */
static const char *const kept[] = {
    "name",         "resource_subtype", "den_auth", "server_port", "server_connection_type",
    "server_host",  "autostop_mins",    "domain",   "ips",         "compute_properties",
    "ssl_certfile",
};

/* Where clients find a node that no file describes: the address that it listens on, when that is one.
 * The client does not put an IPv6 address into brackets. */
static const char *
address_of(const struct gh_settings *settings)
{
    struct in_addr address;
    bool is_one =
        inet_pton(AF_INET, settings->host, &address) == 1 && address.s_addr != htonl(INADDR_ANY);

    return is_one ? settings->host : "127.0.0.1";
}

static json_t *
read_file(const char *path, struct gh_err *err)
{
    json_error_t where;

    if (access(path, F_OK) != 0)
        return json_object();
    json_t *file = json_load_file(path, 0, &where);
    if (!json_is_object(file)) {
        gh_err_set(err, GH_E_INPUT, "%s, line %d column %d: %s", path, file ? 1 : where.line,
                   file ? 1 : where.column, file ? "a JSON object is needed" : where.text);
        json_decref(file);
        return NULL;
    }
    return file;
}

static void
set_default(json_t *config, const char *name, json_t *value)
{
    if (!json_object_get(config, name) || json_is_null(json_object_get(config, name)))
        json_object_set(config, name, value);
    json_decref(value);
}

static void
del_null(json_t *config, const char *name)
{
    if (json_is_null(json_object_get(config, name)))
        json_object_del(config, name);
}

int
gh_cluster_load(struct gh_cluster *cluster, const struct gh_settings *settings, unsigned port,
                struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_home_path("~/.rh/cluster_config.json");
    json_t *file = read_file(path, err);

    if (!file)
        return GH_E_INPUT;

    cluster->config = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        json_t *value = json_object_get(file, kept[i]);
        json_object_set_new(cluster->config, kept[i], value ? json_incref(value) : json_null());
    }
    del_null(cluster->config, "compute_properties");
    del_null(cluster->config, "ssl_certfile");
    json_decref(file);

    set_default(cluster->config, "resource_subtype", json_string("Cluster"));
    gh_cluster_set(cluster, "den_auth", json_boolean(settings->use_den_auth));
    gh_cluster_set(cluster, "server_port", json_integer(port)); /* where we do listen */
    if (settings->use_https)
        gh_cluster_set(cluster, "server_connection_type", json_string("tls"));
    set_default(cluster->config, "server_connection_type", json_string("none"));
    if (settings->domain[0])
        set_default(cluster->config, "domain", json_string(settings->domain));
    set_default(cluster->config, "server_host", json_string(settings->host));
    set_default(cluster->config, "ips", json_pack("[s]", address_of(settings)));
    gh_cluster_set(cluster, "is_gpu", json_false()); /* until GPUs are counted */
    return GH_OK;
}

void
gh_cluster_done(struct gh_cluster *cluster)
{
    json_decref(cluster->config);
    cluster->config = NULL;
}

void
gh_cluster_set(struct gh_cluster *cluster, const char *name, json_t *value)
{
    json_object_set_new(cluster->config, name, value);
}

void
gh_cluster_add_hello(void *context, struct gh_buf *out)
{
    struct gh_cluster *cluster = context;
    char *text GH_SCOPED(gh_free) = json_dumps(cluster->config, JSON_COMPACT);

    gh_buf_addf(out, ",\"cluster_config\":%s", text);
}

const char *
gh_cluster_address(const struct gh_cluster *cluster)
{
    const char *name = json_string_value(json_object_get(cluster->config, "name"));
    const char *end = name && name[0] == '/' ? strchr(name + 1, '/') : NULL;
    return end && end > name + 1 && end[1] ? name : NULL;
}

const char *
gh_cluster_ip(const struct gh_cluster *cluster)
{
    const char *ip = json_string_value(json_array_get(json_object_get(cluster->config, "ips"), 0));
    return ip ? ip : "127.0.0.1";
}
