/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/configfile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/nearest.h"
#include "conf/home.h"
#include "conf/paths.h"
#include "conf/reading.h"
#include "conf/rows.h"
#include "conf/settings.h"

#ifndef GH_SYSCONF_DIR
#define GH_SYSCONF_DIR "/etc"
#endif

/* ---- where it is ---- */

static char *
absolute(const char *path)
{
    char folder[PATH_MAX];

    if (path[0] == '/' || !getcwd(folder, sizeof folder))
        return gh_strdup(path);
    return gh_asprintf("%s/%s", folder, path);
}

char *
gh_configfile_find(const char *explicit_path)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    char *own GH_SCOPED(gh_free) = xdg && xdg[0] == '/'
                                       ? gh_asprintf("%s/gatehouse/gatehouse.yaml", xdg)
                                       : gh_home_path("~/.config/gatehouse/gatehouse.yaml");

    const char *of_unit = getenv("CONFIGURATION_DIRECTORY"); /* ConfigurationDirectory= */
    char *units GH_SCOPED(gh_free) = gh_asprintf("%s/gatehouse.yaml", of_unit ? of_unit : "");

    if (*explicit_path)
        return absolute(explicit_path);
    if (of_unit && of_unit[0] == '/' && access(units, F_OK) == 0)
        return gh_take(units);
    if (access(own, F_OK) == 0)
        return gh_take(own);
    if (access(GH_SYSCONF_DIR "/gatehouse/gatehouse.yaml", F_OK) == 0)
        return gh_strdup(GH_SYSCONF_DIR "/gatehouse/gatehouse.yaml");
    return NULL;
}

/* ---- settings ---- */

/* Paths among the settings count from the folder of the file; a plain word is a program on PATH, unless
 * it is something in that folder. The caller frees it. */
static char *
path_of(const struct gh_reading *reading, const struct gh_row *row, const char *text)
{
    bool is_path = strcmp(row->name, "state_dir") == 0 || strcmp(row->name, "audit_log") == 0;
    bool is_env = strcmp(row->name, "env") == 0;
    char *path GH_SCOPED(gh_free) = gh_reading_path(reading, text);
    const char *name = reading->file.name;

    if (gh_paths_in(row)) {
        char *folder GH_SCOPED(gh_free) = gh_strndup(name, (size_t)(strrchr(name, '/') - name));
        return gh_paths_from(text, folder);
    }
    if ((!is_path && !is_env) || !*text)
        return gh_strdup(text);
    if (is_env && !strchr(text, '/') && access(path, F_OK) != 0)
        return gh_strdup(text);
    return gh_take(path);
}

/* Has VALUE the type that ROW is of? */
static bool
check_type(struct gh_reading *reading, const struct gh_row *row, const struct gh_yaml *value)
{
    bool is_quoted = value->kind == GH_YAML_TEXT && !value->is_plain;

    if (gh_yaml_is_null(value))
        gh_reading_fault(reading, value, "%s has no value; give it one, or take the line out",
                         row->name);
    else if (value->kind != GH_YAML_TEXT)
        gh_reading_fault(reading, value, "%s is %s, but must be %s", row->name,
                         gh_yaml_kind_name(value), gh_row_takes(row));
    else if (row->kind != GH_ROW_TEXT && is_quoted)
        gh_reading_fault(reading, value, "%s is text in quotes, but must be %s, without quotes",
                         row->name, gh_row_takes(row));
    else
        return true;
    return false;
}

static void
take_setting(struct gh_reading *reading, const struct gh_row *row, const struct gh_yaml *value)
{
    struct gh_err err;

    if (!check_type(reading, row, value))
        return;
    char *text GH_SCOPED(gh_free) = path_of(reading, row, value->text);
    char *source GH_SCOPED(gh_free) = gh_reading_source(reading, value);
    if (gh_row_set(reading->settings, row, text, source, &err) != GH_OK)
        gh_reading_fault(reading, value, "%s", err.text);
}

static void
unknown_setting(struct gh_reading *reading, const struct gh_yaml *key)
{
    struct gh_nearest nearest;

    gh_nearest_begin(&nearest, key->text, strlen(key->text));
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        if (i != GH_ROW_INDEX_config)
            gh_nearest_try(&nearest, gh_rows[i].name);
    gh_nearest_try(&nearest, "modules");
    gh_nearest_try(&nearest, "envs");
    gh_reading_unknown(reading, key, "setting", &nearest);
}

static void
take_key(struct gh_reading *reading, const struct gh_yaml *key, const struct gh_yaml *value)
{
    const struct gh_row *row = gh_row_find(key->text);

    if (strcmp(key->text, "modules") == 0)
        gh_reading_modules(reading, value);
    else if (strcmp(key->text, "envs") == 0)
        gh_reading_envs(reading, value);
    else if (!row)
        unknown_setting(reading, key);
    else if (row == &gh_rows[GH_ROW_INDEX_config])
        gh_reading_fault(reading, key, "config names this file, and cannot stand in it");
    else
        take_setting(reading, row, value);
}

static void
take_root(struct gh_reading *reading)
{
    const struct gh_yaml *root = reading->file.root;

    if (!root || gh_yaml_is_null(root))
        return; /* nothing but comments */
    if (root->kind != GH_YAML_MAP) {
        gh_reading_fault(reading, root, "the file is %s, but must be lines of NAME: VALUE",
                         gh_yaml_kind_name(root));
        return;
    }
    for (size_t i = 0; i < root->count; i += 2)
        take_key(reading, root->items[i], root->items[i + 1]);
}

/* ---- the whole ---- */

static int
finish(struct gh_reading *reading, const char *path, int rc, size_t faults_before)
{
    if (rc == GH_OK)
        take_root(reading);
    gh_yaml_done(&reading->file);
    free(reading->settings->file);
    reading->settings->file = gh_strdup(path);
    return gh_faults_count(reading->faults) == faults_before ? GH_OK : GH_E_INPUT;
}

int
gh_configfile_parse(struct gh_settings *settings, const char *path, const void *bytes, size_t len,
                    struct gh_faults *faults)
{
    struct gh_reading reading = {.settings = settings, .faults = faults};
    size_t before = gh_faults_count(faults);
    int rc = gh_yaml_read(&reading.file, path, bytes, len, faults);

    return finish(&reading, path, rc, before);
}

int
gh_configfile_read(struct gh_settings *settings, const char *path, struct gh_faults *faults)
{
    struct gh_reading reading = {.settings = settings, .faults = faults};
    size_t before = gh_faults_count(faults);
    int rc = gh_yaml_load(&reading.file, path, faults);

    if (rc == GH_E_NOT_FOUND)
        gh_faults_add(faults,
                      "%s: there is no such file; give the path of one by --config, or "
                      "leave it out",
                      path);
    return finish(&reading, path, rc, before);
}
