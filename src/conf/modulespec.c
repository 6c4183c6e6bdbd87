/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/modulespec.c - `modules:` of gatehouse.yaml. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/reading.h"
#include "conf/settings.h"

#define SHORT_FORM "FILE.py:ATTR, as in examples/concat.py:concat"

/* One module on its way from the file; texts are borrowed from the tree. */
struct form {
    const struct gh_yaml *key, *value;
    const struct gh_yaml *file, *attr, *kind, *process, *env, *refuse_pickle;
    char *short_file; /* of the short form, else NULL */
    const char *short_attr;
};

/* The file as an absolute path without links, by which a worker finds it; NULL after a fault. */
static char *
find_file(struct gh_reading *reading, const struct gh_yaml *where, const char *name,
          const char *file)
{
    char *path GH_SCOPED(gh_free) = gh_reading_path(reading, file);
    char *found = realpath(path, NULL);

    if (found && access(found, R_OK) == 0)
        return found;
    gh_reading_fault(reading, where, "module %s: file '%.300s': %s", name, path, strerror(errno));
    free(found);
    return NULL;
}

/* "FILE.py:ATTR" or "FILE.py:ATTR@kind"; false after a fault. */
static bool
part_short_form(struct gh_reading *reading, struct form *form)
{
    const char *text = form->value->text;
    const char *colon = strrchr(text, ':');

    if (!colon || colon == text || !colon[1]) {
        gh_reading_fault(reading, form->value, "module %s is '%.200s', but must read " SHORT_FORM,
                         form->key->text, text);
        return false;
    }
    form->short_file = gh_strndup(text, (size_t)(colon - text));
    form->short_attr = colon + 1;
    return true;
}

static bool
part_long_form(struct gh_reading *reading, struct form *form)
{
    const struct gh_reading_key keys[] = {
        {"file", &form->file},       {"attr", &form->attr}, {"kind", &form->kind},
        {"process", &form->process}, {"env", &form->env},   {"refuse_pickle", &form->refuse_pickle},
    };

    if (!gh_reading_keys(reading, form->value, "key of a module", keys,
                         sizeof keys / sizeof keys[0]))
        return false;
    if (form->file && form->attr)
        return true;
    gh_reading_fault(reading, form->value, "module %s has no %s", form->key->text,
                     form->file ? "attr" : "file");
    return false;
}

static bool
part(struct gh_reading *reading, struct form *form)
{
    if (form->value->kind == GH_YAML_MAP)
        return part_long_form(reading, form);
    if (form->value->kind == GH_YAML_TEXT && !gh_yaml_is_null(form->value))
        return part_short_form(reading, form);
    gh_reading_fault(reading, form->value,
                     "module %s is %s, but must be " SHORT_FORM ", or a mapping with file and attr",
                     form->key->text, gh_yaml_kind_name(form->value));
    return false;
}

static bool
is_kind(const char *text)
{
    return strcmp(text, "asgi") == 0 || strcmp(text, "wsgi") == 0 || strcmp(text, "module") == 0;
}

/* The optional text NAME, "" where it is not there; NULL after a fault. */
static const char *
optional(struct gh_reading *reading, const char *name, const struct gh_yaml *value)
{
    return value ? gh_reading_text(reading, name, value) : "";
}

/* False after a fault, too. */
static bool
is_true(struct gh_reading *reading, const struct form *form, const char *name,
        const struct gh_yaml *value)
{
    const char *text = value && value->is_plain ? value->text : NULL;

    if (value && (!text || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)))
        gh_reading_fault(reading, value, "module %s: %s must be true or false", form->key->text,
                         name);
    return text && strcmp(text, "true") == 0;
}

/* "ATTR" or "ATTR@KIND"; NULL after a fault. */
static char *
join_attr(struct gh_reading *reading, const struct form *form)
{
    const char *attr =
        form->short_attr ? form->short_attr : gh_reading_text(reading, "attr", form->attr);
    const char *kind = optional(reading, "kind", form->kind);
    const char *at = attr ? strchr(attr, '@') : NULL;

    if (!attr || !kind)
        return NULL;
    if (*kind && at) {
        gh_reading_fault(reading, form->kind, "module %s has its kind in attr '%.100s' already",
                         form->key->text, attr);
        return NULL;
    }
    const char *said = at ? at + 1 : kind;
    if ((at || *kind) && !is_kind(said)) {
        gh_reading_fault(reading, form->kind ? form->kind : form->value,
                         "module %s: kind is '%.100s', but must be asgi, wsgi or module",
                         form->key->text, said);
        return NULL;
    }
    return *kind ? gh_asprintf("%s@%s", attr, kind) : gh_strdup(attr);
}

/* Where it runs: `process`, else by its env. */
static char *
process_name(const char *process, const char *env)
{
    if (*process)
        return gh_strdup(process);
    return *env ? gh_asprintf("env-%s", env) : gh_strdup("default_process");
}

static void
take_form(struct gh_reading *reading, struct form *form)
{
    const char *file =
        form->short_file ? form->short_file : gh_reading_text(reading, "file", form->file);
    const char *process = optional(reading, "process", form->process);
    const char *env = optional(reading, "env", form->env);
    char *attr GH_SCOPED(gh_free) = join_attr(reading, form);
    bool refuses_pickle = is_true(reading, form, "refuse_pickle", form->refuse_pickle);

    if (!file || !process || !env || !attr)
        return;
    if (strlen(process) > GH_DECLARED_NAME_MAX_BYTES) {
        gh_reading_fault(reading, form->process, "module %s: process has more than %u bytes",
                         form->key->text, GH_DECLARED_NAME_MAX_BYTES);
        return;
    }
    char *path = find_file(reading, form->file ? form->file : form->value, form->key->text, file);
    if (!path)
        return;
    gh_declared_take_module(&reading->settings->declared,
                            &(struct gh_module_spec){
                                .name = gh_strdup(form->key->text),
                                .file = path,
                                .attr = gh_take(attr),
                                .process = process_name(process, env),
                                .env = gh_strdup(env),
                                .refuses_pickle = refuses_pickle,
                                .source = gh_reading_source(reading, form->key),
                            });
}

static void
take_module(struct gh_reading *reading, const struct gh_yaml *key, const struct gh_yaml *value)
{
    struct form form = {.key = key, .value = value};
    const char *problem = gh_module_name_problem(key->text);

    if (problem)
        gh_reading_fault(reading, key, "module '%.100s': %s", key->text, problem);
    else if (part(reading, &form))
        take_form(reading, &form);
    free(form.short_file);
}

void
gh_reading_modules(struct gh_reading *reading, const struct gh_yaml *value)
{
    if (gh_yaml_is_null(value))
        return; /* all of them commented out */
    if (value->kind != GH_YAML_MAP) {
        gh_reading_fault(reading, value, "modules is %s, but must be lines of NAME: " SHORT_FORM,
                         gh_yaml_kind_name(value));
        return;
    }
    for (size_t i = 0; i < value->count; i += 2)
        take_module(reading, value->items[i], value->items[i + 1]);
}
