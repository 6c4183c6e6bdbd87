/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/envspec.c - `envs:` of gatehouse.yaml. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/reading.h"
#include "conf/settings.h"

/* One env on its way from the file. */
struct form {
    const struct gh_yaml *key;
    const struct gh_yaml *python, *venv, *conda, *requirements;
    struct gh_env_spec spec;
};

static bool
is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > GH_DECLARED_NAME_MAX_BYTES || !isalnum((unsigned char)text[0]))
        return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return true;
}

/* "3", "3.11", "3.11.4". */
static bool
is_version(const char *text)
{
    unsigned dots = 0;

    for (const char *c = text; *c; c++) {
        if (*c == '.' && isdigit((unsigned char)c[1]) && c > text)
            dots++;
        else if (!isdigit((unsigned char)*c))
            return false;
    }
    return dots <= 2 && isdigit((unsigned char)text[0]);
}

/* Exactly one of the three says which Python it is. */
static bool
check_one(struct gh_reading *reading, const struct form *form)
{
    unsigned count = !!form->python + !!form->venv + !!form->conda;

    if (count == 1)
        return true;
    gh_reading_fault(reading, form->key,
                     count == 0 ? "env %s does not say which Python: give it python, venv or conda"
                                : "env %s has more than one of python, venv and conda",
                     form->key->text);
    return false;
}

static bool
take_python(struct gh_reading *reading, struct form *form)
{
    const char *text = gh_reading_text(reading, "python", form->python);

    if (!text)
        return false;
    if (is_version(text)) {
        form->spec.version = gh_strdup(text);
        return true;
    }
    if (strchr(text, '/')) {
        form->spec.python = gh_reading_path(reading, text);
        return true;
    }
    gh_reading_fault(reading, form->python,
                     "env %s: python is '%.100s', but must be a version, as in \"3.11\", or the "
                     "path of an interpreter",
                     form->key->text, text);
    return false;
}

static bool
take_which(struct gh_reading *reading, struct form *form)
{
    if (form->python)
        return take_python(reading, form);
    const char *name = form->venv ? "venv" : "conda";
    const char *text = gh_reading_text(reading, name, form->venv ? form->venv : form->conda);
    if (!text)
        return false;
    if (form->venv)
        form->spec.venv = gh_reading_path(reading, text);
    else
        form->spec.conda = strchr(text, '/') ? gh_reading_path(reading, text) : gh_strdup(text);
    return true;
}

/* ---- requirements ---- */

static bool
is_local(const char *text)
{
    return strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0 ||
           strncmp(text, "~/", 2) == 0;
}

/* A line of a requirements file: paths in it count from the folder of gatehouse.yaml. */
static void
add_requirement(struct gh_reading *reading, struct form *form, const char *text)
{
    size_t option_len = text[0] == '-' ? strcspn(text, " =") : 0;
    const char *rest = text + option_len + (option_len && text[option_len] ? 1 : 0);

    if (!is_local(rest)) {
        gh_words_add(&form->spec.requirements, text);
        return;
    }
    char *path GH_SCOPED(gh_free) = gh_reading_path(reading, rest);
    gh_words_addf(&form->spec.requirements, "%.*s%s", (int)(rest - text), text, path);
}

static bool
take_list(struct gh_reading *reading, struct form *form)
{
    const struct gh_yaml *list = form->requirements;

    for (size_t i = 0; i < list->count; i++) {
        const char *text = gh_reading_text(reading, "a requirement", list->items[i]);
        if (!text)
            return false;
        if (strpbrk(text, "\r\n")) {
            gh_reading_fault(reading, list->items[i], "a requirement is one line");
            return false;
        }
        add_requirement(reading, form, text);
    }
    return true;
}

static bool
take_file(struct gh_reading *reading, struct form *form)
{
    const char *text = gh_reading_text(reading, "requirements", form->requirements);

    if (!text)
        return false;
    form->spec.requirements_file = gh_reading_path(reading, text);
    if (access(form->spec.requirements_file, R_OK) == 0)
        return true;
    gh_reading_fault(
        reading, form->requirements,
        "env %s: there is no file '%.300s' to read requirements from; write a list for "
        "requirements that stand here",
        form->key->text, form->spec.requirements_file);
    return false;
}

static bool
take_requirements(struct gh_reading *reading, struct form *form)
{
    if (!form->requirements)
        return true;
    if (form->requirements->kind == GH_YAML_LIST)
        return take_list(reading, form);
    return take_file(reading, form);
}

/* ---- the whole ---- */

static void
fill_rest(struct gh_env_spec *spec)
{
    char **fields[] = {&spec->version, &spec->python, &spec->venv, &spec->conda,
                       &spec->requirements_file};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!*fields[i])
            *fields[i] = gh_strdup("");
}

static bool
read_form(struct gh_reading *reading, struct form *form, const struct gh_yaml *value)
{
    const struct gh_reading_key keys[] = {
        {"python", &form->python},
        {"venv", &form->venv},
        {"conda", &form->conda},
        {"requirements", &form->requirements},
    };

    if (!is_name(form->key->text)) {
        gh_reading_fault(reading, form->key,
                         "env '%.100s': a name has 1 to %u letters, digits or . _ - and begins "
                         "with a letter or digit",
                         form->key->text, GH_DECLARED_NAME_MAX_BYTES);
        return false;
    }
    if (value->kind != GH_YAML_MAP) {
        gh_reading_fault(reading, value,
                         "env %s is %s, but must be a mapping with python, venv or conda",
                         form->key->text, gh_yaml_kind_name(value));
        return false;
    }
    return gh_reading_keys(reading, value, "key of an env", keys, sizeof keys / sizeof keys[0]) &&
           check_one(reading, form) && take_which(reading, form) &&
           take_requirements(reading, form);
}

static void
take_env(struct gh_reading *reading, const struct gh_yaml *key, const struct gh_yaml *value)
{
    struct gh_declared *declared = &reading->settings->declared;
    struct form form = {.key = key};

    bool is_ok = read_form(reading, &form, value);
    fill_rest(&form.spec);
    form.spec.name = gh_strdup(key->text);
    form.spec.source = gh_reading_source(reading, key);
    gh_declared_take_env(declared, &form.spec);
    (void)is_ok; /* a broken one is kept, so that modules that name it are not faulted for that */
}

void
gh_reading_envs(struct gh_reading *reading, const struct gh_yaml *value)
{
    if (gh_yaml_is_null(value))
        return;
    if (value->kind != GH_YAML_MAP) {
        gh_reading_fault(reading, value, "envs is %s, but must be lines of NAME: {python: ...}",
                         gh_yaml_kind_name(value));
        return;
    }
    for (size_t i = 0; i < value->count; i += 2)
        take_env(reading, value->items[i], value->items[i + 1]);
}
