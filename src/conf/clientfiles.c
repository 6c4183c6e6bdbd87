/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/clientfiles.c - the client's own files in ~/.rh, as far as they set what we have settings for.
 *
 * They hold tokens and credentials: no value is shown but of the keys named here. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/configfile.h"
#include "conf/home.h"
#include "conf/rows.h"
#include "conf/settings.h"
#include "conf/yaml.h"

/* The client's names for settings of ours. */
static const struct {
    const char *key;
    unsigned row;
} names[] = {
    {"server_host", GH_ROW_INDEX_host},      {"server_port", GH_ROW_INDEX_port},
    {"den_auth", GH_ROW_INDEX_use_den_auth}, {"api_server_url", GH_ROW_INDEX_api_server_url},
    {"domain", GH_ROW_INDEX_domain},
};

#define NAME_COUNT (sizeof names / sizeof names[0])
#define CONNECTION_TYPE "server_connection_type"

/* TEXT is the value of KEY, or NULL when it is none of text, number, true and false. */
static void
take(struct gh_settings *settings, const struct gh_row *row, const char *key, const char *text,
     const char *shown, struct gh_faults *faults)
{
    struct gh_err err;

    if (!text)
        gh_faults_add(faults, "%s: %s must be %s", shown, key, gh_row_takes(row));
    else if (gh_row_set(settings, row, text, shown, &err) != GH_OK)
        gh_faults_add(faults, "%s: %s: %s", shown, key, err.text);
}

/* ROW is VALUE: which it can be. */
static void
set(struct gh_settings *settings, unsigned row, const char *value, const char *shown)
{
    struct gh_err err;

    if (gh_row_set(settings, &gh_rows[row], value, shown, &err) != GH_OK)
        abort();
}

/* The pair that the client made and uploaded for "tls"; it verifies by that one and no other. With a domain
 * and port 443 it makes none. Source: runhouse 0.0.42 resources/hardware/cluster.py, restart_server. */
static void
take_uploaded_pair(struct gh_settings *settings, const char *shown)
{
    bool is_for_proxy = settings->port == 443;
    char *chain GH_SCOPED(gh_free) =
        gh_home_path(is_for_proxy ? "/var/lib/caddy/rh_server.crt" : "~/certs/rh_server.crt");
    char *key GH_SCOPED(gh_free) =
        gh_home_path(is_for_proxy ? "/var/lib/caddy/rh_server.key" : "~/certs/rh_server.key");

    if ((is_for_proxy && settings->domain[0]) || access(chain, F_OK) != 0 || access(key, F_OK) != 0)
        return;
    set(settings, GH_ROW_INDEX_ssl_certfile, chain, shown);
    set(settings, GH_ROW_INDEX_ssl_keyfile, key, shown);
}

/* By connection type: a client that comes through ssh reaches loopback, whatever address the file has; with
 * "none" and "tls" it comes from the network, and whether callers are checked is said by den_auth. */
static void
take_connection(struct gh_settings *settings, const char *type, const char *shown)
{
    bool is_tls = strcmp(type, "tls") == 0;

    if (strcmp(type, "ssh") == 0)
        set(settings, GH_ROW_INDEX_host, "127.0.0.1", shown);
    if (strcmp(type, "none") == 0 || is_tls)
        set(settings, GH_ROW_INDEX_insecure, "true", shown);
    if (is_tls) {
        set(settings, GH_ROW_INDEX_use_https, "true", shown);
        take_uploaded_pair(settings, shown);
    }
}

/* ---- ~/.rh/config.yaml ---- */

static void
read_yaml(struct gh_settings *settings, const char *shown, struct gh_faults *faults)
{
    char *path GH_SCOPED(gh_free) = gh_home_path(shown);
    struct gh_yaml_file file;

    int rc = gh_yaml_load(&file, path, faults);
    for (size_t i = 0; rc == GH_OK && i < NAME_COUNT; i++) {
        const struct gh_yaml *value = gh_yaml_get(file.root, names[i].key);
        if (value && !gh_yaml_is_null(value))
            take(settings, &gh_rows[names[i].row], names[i].key, value->text, shown, faults);
    }
    const struct gh_yaml *type = rc == GH_OK ? gh_yaml_get(file.root, CONNECTION_TYPE) : NULL;
    if (type && type->text)
        take_connection(settings, type->text, shown);
    gh_yaml_done(&file);
}

/* ---- ~/.rh/cluster_config.json ---- */

static char *
text_of(const json_t *value)
{
    if (json_is_integer(value))
        return gh_asprintf("%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return gh_strdup(json_is_true(value) ? "true" : "false");
    return json_is_string(value) ? gh_strdup(json_string_value(value)) : NULL;
}

/* The node's addresses, which the certificate made here is for. */
static void
take_addresses(struct gh_settings *settings, const json_t *root, const char *shown)
{
    const json_t *ips = json_object_get(root, "ips");
    struct gh_buf list GH_SCOPED(gh_buf_done) = {0};
    json_t *ip;
    size_t i;

    if (!json_is_array(ips))
        ips = json_object_get(json_object_get(root, "compute_properties"), "ips");
    json_array_foreach(ips, i, ip)
    {
        if (json_is_string(ip))
            gh_buf_addf(&list, "%s%s", list.len > 0 ? "," : "", json_string_value(ip));
    }
    if (list.len > 0)
        set(settings, GH_ROW_INDEX_certs_address, gh_buf_text(&list), shown);
}

static void
read_json(struct gh_settings *settings, const char *shown, struct gh_faults *faults)
{
    char *path GH_SCOPED(gh_free) = gh_home_path(shown);
    json_error_t where;

    if (access(path, F_OK) != 0)
        return;
    json_t *root = json_load_file(path, 0, &where);
    if (!json_is_object(root))
        gh_faults_add(faults, "%s:%d:%d: %s", shown, root ? 1 : where.line, root ? 1 : where.column,
                      root ? "a JSON object is needed" : where.text);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const json_t *value = json_object_get(root, names[i].key);
        char *text GH_SCOPED(gh_free) = text_of(value);
        if (value && !json_is_null(value))
            take(settings, &gh_rows[names[i].row], names[i].key, text, shown, faults);
    }
    const char *type = json_string_value(json_object_get(root, CONNECTION_TYPE));
    take_addresses(settings, root, shown);
    if (type)
        take_connection(settings, type, shown);
    json_decref(root);
}

int
gh_clientfiles_read(struct gh_settings *settings, struct gh_faults *faults)
{
    size_t before = gh_faults_count(faults);

    read_yaml(settings, "~/.rh/config.yaml", faults); /* the other one wins */
    read_json(settings, "~/.rh/cluster_config.json", faults);
    return gh_faults_count(faults) == before ? GH_OK : GH_E_INPUT;
}
