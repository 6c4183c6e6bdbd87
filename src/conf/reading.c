/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/reading.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/home.h"

void
gh_reading_fault(struct gh_reading *reading, const struct gh_yaml *value, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_yaml_fault(&reading->file, value, reading->faults, "%s", gh_buf_text(&text));
}

void
gh_reading_unknown(struct gh_reading *reading, const struct gh_yaml *key, const char *kind,
                   const struct gh_nearest *nearest)
{
    const char *near = nearest->best;

    gh_reading_fault(reading, key, "unknown %s '%.100s'%s%s", kind, key->text,
                     *near ? "; did you mean " : "", near);
}

char *
gh_reading_path(const struct gh_reading *reading, const char *text)
{
    const char *slash = strrchr(reading->file.name, '/');

    if (text[0] == '/' || text[0] == '~')
        return gh_home_path(text);
    if (!slash)
        return gh_strdup(text);
    return gh_asprintf("%.*s/%s", (int)(slash - reading->file.name), reading->file.name, text);
}

const char *
gh_reading_text(struct gh_reading *reading, const char *name, const struct gh_yaml *value)
{
    if (value->kind == GH_YAML_TEXT && !gh_yaml_is_null(value) && *value->text)
        return value->text;
    gh_reading_fault(reading, value, "%s is %s, but must be text", name,
                     value->kind == GH_YAML_TEXT ? "empty" : gh_yaml_kind_name(value));
    return NULL;
}

char *
gh_reading_source(const struct gh_reading *reading, const struct gh_yaml *value)
{
    return gh_asprintf("%s:%u:%u", reading->file.name, value->line, value->column);
}

static const struct gh_reading_key *
find_key(const struct gh_reading_key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

bool
gh_reading_keys(struct gh_reading *reading, const struct gh_yaml *map, const char *kind,
                const struct gh_reading_key *keys, size_t count)
{
    bool is_ok = true;

    for (size_t i = 0; i < count; i++)
        *keys[i].value_out = NULL;
    for (size_t i = 0; i < map->count; i += 2) {
        const struct gh_reading_key *key = find_key(keys, count, map->items[i]->text);
        struct gh_nearest nearest;

        if (key) {
            *key->value_out = map->items[i + 1];
            continue;
        }
        gh_nearest_begin(&nearest, map->items[i]->text, strlen(map->items[i]->text));
        for (size_t j = 0; j < count; j++)
            gh_nearest_try(&nearest, keys[j].name);
        gh_reading_unknown(reading, map->items[i], kind, &nearest);
        is_ok = false;
    }
    return is_ok;
}
