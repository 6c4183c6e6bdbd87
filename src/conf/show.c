/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/rows.h"
#include "conf/settings.h"

/* TEXT as the type of ROW. */
static json_t *
value_of(const struct gh_row *row, const char *text)
{
    if (row->kind == GH_ROW_UINT)
        return json_integer((json_int_t)strtoull(text, NULL, 10));
    if (row->kind == GH_ROW_FLAG)
        return json_boolean(strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
    char *shown GH_SCOPED(gh_free) = gh_words_hide_secrets(text);
    json_t *value = json_string(shown);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *
show_row(const struct gh_settings *settings, const struct gh_row *row)
{
    char *text GH_SCOPED(gh_free) = gh_row_text(settings, row);

    return json_pack("{s:o, s:o, s:s, s:b, s:s, s:s}", "value", value_of(row, text), "default",
                     value_of(row, row->preset), "source", gh_row_source(settings, row), "live",
                     row->is_live, "unit", row->unit, "about", row->help);
}

static json_t *
show_module(const struct gh_module_spec *module)
{
    return json_pack("{s:s, s:s, s:s, s:s*, s:b, s:s}", "file", module->file, "attr", module->attr,
                     "process", module->process, "env", *module->env ? module->env : NULL,
                     "refuse_pickle", module->refuses_pickle, "source", module->source);
}

static json_t *
show_requirements(const struct gh_env_spec *env)
{
    if (*env->requirements_file)
        return json_string(env->requirements_file);
    json_t *list = json_array();
    for (size_t i = 0; i < env->requirements.count; i++) {
        char *shown GH_SCOPED(gh_free) = gh_words_hide_secrets(env->requirements.list[i]);
        json_array_append_new(list, json_string(shown));
    }
    return list;
}

static json_t *
show_env(const struct gh_env_spec *env)
{
    const char *kind = *env->venv ? "venv" : *env->conda ? "conda" : "python";
    const char *which = *env->venv      ? env->venv
                        : *env->conda   ? env->conda
                        : *env->version ? env->version
                                        : env->python;

    return json_pack("{s:s, s:o, s:s}", kind, which, "requirements", show_requirements(env),
                     "source", env->source);
}

json_t *
gh_show_settings(const struct gh_settings *settings)
{
    const struct gh_declared *declared = &settings->declared;
    json_t *rows = json_object(), *modules = json_object(), *envs = json_object();

    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        json_object_set_new(rows, gh_rows[i].name, show_row(settings, &gh_rows[i]));
    for (size_t i = 0; i < declared->module_count; i++)
        json_object_set_new(modules, declared->modules[i].name, show_module(&declared->modules[i]));
    for (size_t i = 0; i < declared->env_count; i++)
        json_object_set_new(envs, declared->envs[i].name, show_env(&declared->envs[i]));
    return json_pack("{s:s?, s:o, s:o, s:o}", "file", settings->file, "settings", rows, "modules",
                     modules, "envs", envs);
}
