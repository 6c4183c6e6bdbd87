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
    {"server_host", GH_ROW_INDEX_host},
    {"server_port", GH_ROW_INDEX_port},
    {"den_auth", GH_ROW_INDEX_use_den_auth},
    {"api_server_url", GH_ROW_INDEX_api_server_url},
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

/* By connection type: a client that comes through ssh reaches loopback, whatever address the file has;
 * "none" means that the network is trusted to hold whoever may call. */
static void
take_connection(struct gh_settings *settings, const char *type, const char *shown)
{
    struct gh_err err;
    int rc = GH_OK;

    if (strcmp(type, "ssh") == 0)
        rc = gh_row_set(settings, &gh_rows[GH_ROW_INDEX_host], "127.0.0.1", shown, &err);
    else if (strcmp(type, "none") == 0)
        rc = gh_row_set(settings, &gh_rows[GH_ROW_INDEX_insecure], "true", shown, &err);
    (void)rc; /* both are values that can be */
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
