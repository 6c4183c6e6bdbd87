/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/change.h"

#include <string.h>

#include "base/alloc.h"
#include "base/journal.h"
#include "base/log.h"
#include "base/nearest.h"
#include "conf/rows.h"
#include "conf/settings.h"

#define LIVE_SOURCE "live change"

void
gh_change_apply_log(const struct gh_settings *settings)
{
    const char *name = settings->log_format;
    enum gh_log_format format = strcmp(name, "json") == 0   ? GH_LOG_JSON
                                : strcmp(name, "text") == 0 ? GH_LOG_TEXT
                                : gh_journal_has_stderr()   ? GH_LOG_JOURNAL
                                                            : GH_LOG_TEXT;

    gh_log_setup((enum gh_log_level)gh_log_level_by_name(settings->log_level), format);
}

/* Give ROW the value TEXT, which is known to be one that can be. */
static void
set(struct gh_settings *settings, const struct gh_row *row, const char *text, const char *source)
{
    char *before GH_SCOPED(gh_free) = gh_row_text(settings, row);
    char *old GH_SCOPED(gh_free) = gh_words_hide_secrets(before);
    char *new GH_SCOPED(gh_free) = gh_words_hide_secrets(text);

    if (gh_row_set(settings, row, text, source, NULL) == GH_OK && strcmp(before, text) != 0)
        gh_log(GH_LOG_INFO, "config.changed", "setting=%s from=%s to=%s source=%s", row->name,
               gh_log_quote(old), gh_log_quote(new), gh_log_quote(source));
}

/* ---- by request ---- */

/* VALUE as ROW takes it, the caller's to free; NULL when it is of another type. */
static char *
text_of(const struct gh_row *row, const json_t *value)
{
    if (row->kind == GH_ROW_UINT && json_is_integer(value))
        return gh_asprintf("%lld", (long long)json_integer_value(value));
    if (row->kind == GH_ROW_FLAG && json_is_boolean(value))
        return gh_strdup(json_is_true(value) ? "true" : "false");
    if (row->kind == GH_ROW_TEXT && json_is_string(value) &&
        strlen(json_string_value(value)) == json_string_length(value))
        return gh_strdup(json_string_value(value));
    return NULL;
}

static void
unknown_setting(const char *name, struct gh_faults *faults)
{
    struct gh_nearest nearest;

    gh_nearest_begin(&nearest, name, strlen(name));
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        gh_nearest_try(&nearest, gh_rows[i].name);
    gh_faults_add(faults, "unknown setting '%.100s'%s%s", name,
                  nearest.best[0] ? "; did you mean " : "", nearest.best);
}

static void
check(const char *name, const json_t *value, struct gh_faults *faults)
{
    static const char *const types[] = {
        [GH_ROW_UINT] = "a whole number", [GH_ROW_TEXT] = "text", [GH_ROW_FLAG] = "true or false"};
    bool is_declared = strcmp(name, "modules") == 0 || strcmp(name, "envs") == 0;
    const struct gh_row *row = gh_row_find(name);
    char *text GH_SCOPED(gh_free) = row ? text_of(row, value) : NULL;
    struct gh_err err;

    if (!row && !is_declared)
        unknown_setting(name, faults);
    else if (!row || !row->is_live)
        gh_faults_add(faults, "%s cannot change while the daemon runs: it needs a restart", name);
    else if (!text)
        gh_faults_add(faults, "%s must be %s", name, types[row->kind]);
    else if (gh_row_check(row, text, &err) != GH_OK)
        gh_faults_add(faults, "%s", err.text);
}

int
gh_change_apply(struct gh_settings *settings, const json_t *wanted, struct gh_faults *faults)
{
    size_t before = gh_faults_count(faults);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)wanted, name, value) check(name, value, faults);
    if (gh_faults_count(faults) != before)
        return GH_E_INPUT;
    json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
    {
        const struct gh_row *row = gh_row_find(name);
        char *text GH_SCOPED(gh_free) = text_of(row, value);
        set(settings, row, text, LIVE_SOURCE);
    }
    return GH_OK;
}

/* ---- by SIGHUP ---- */

static void
take_row(struct gh_settings *settings, const struct gh_settings *fresh, const struct gh_row *row)
{
    char *text GH_SCOPED(gh_free) = gh_row_text(fresh, row);
    char *now GH_SCOPED(gh_free) = gh_row_text(settings, row);

    if (row->is_live)
        set(settings, row, text, gh_row_source(fresh, row));
    else if (strcmp(text, now) != 0)
        gh_log(GH_LOG_WARN, "config.needs_restart", "setting=%s source=%s", row->name,
               gh_log_quote(gh_row_source(fresh, row)));
}

int
gh_change_reload(struct gh_settings *settings, int argc, char **argv, struct gh_faults *faults)
{
    struct gh_settings fresh;
    bool is_ok = gh_settings_load(&fresh, argc, argv, faults) == GH_SETTINGS_RUN;

    for (size_t i = 0; is_ok && i < GH_ROW_COUNT; i++)
        take_row(settings, &fresh, &gh_rows[i]);
    if (is_ok && !gh_declared_is_same(&settings->declared, &fresh.declared))
        gh_log(GH_LOG_WARN, "config.needs_restart", "setting=%s", "modules,envs");
    if (is_ok)
        gh_log(GH_LOG_INFO, "config.loaded", "file=%s",
               gh_log_quote(fresh.file ? fresh.file : "none"));
    gh_settings_done(&fresh);
    return is_ok ? GH_OK : GH_E_INPUT;
}
