/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/address.h"

#define GH_WHEN_LIVE true
#define GH_WHEN_START false

const struct gh_row gh_rows[GH_ROW_COUNT] = {
#define X(kind, name, preset, lowest, highest, unit, when, help)                                   \
    {GH_ROW_##kind,  #name,   preset,                                                              \
     lowest,         highest, unit,                                                                \
     GH_WHEN_##when, help,    offsetof(struct gh_settings, name)},
    GH_SETTINGS(X)
#undef X
};

/* ---- names ---- */

const char *
gh_row_takes(const struct gh_row *row)
{
    static const char *const words[] = {
        [GH_ROW_UINT] = "a number", [GH_ROW_TEXT] = "text", [GH_ROW_FLAG] = "true or false"};
    return words[row->kind];
}

const struct gh_row *
gh_row_find(const char *name)
{
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        if (strcmp(gh_rows[i].name, name) == 0)
            return &gh_rows[i];
    return NULL;
}

void
gh_row_flag(const struct gh_row *row, char out[GH_ROW_SPELLING_BYTES])
{
    snprintf(out, GH_ROW_SPELLING_BYTES, "--%s", row->name);
    for (char *c = out; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

void
gh_row_variable(const struct gh_row *row, char out[GH_ROW_SPELLING_BYTES])
{
    snprintf(out, GH_ROW_SPELLING_BYTES, "GATEHOUSE_%s", row->name);
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

/* ---- values ---- */

static int
read_uint(const struct gh_row *row, const char *text, uint64_t *value_out, struct gh_err *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)text[0]) || *end || errno || value < row->lowest ||
        value > row->highest)
        return gh_err_set(
            err, GH_E_INPUT, "%s is '%.100s', but must be a whole number from %llu to %llu%s%s",
            row->name, text, (unsigned long long)row->lowest, (unsigned long long)row->highest,
            row->unit[0] == 'N' ? "" : " ", row->unit[0] == 'N' ? "" : row->unit);
    *value_out = value;
    return GH_OK;
}

static int
read_flag(const struct gh_row *row, const char *text, bool *value_out, struct gh_err *err)
{
    bool is_on = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;

    if (!is_on && strcmp(text, "0") != 0 && strcmp(text, "false") != 0)
        return gh_err_set(err, GH_E_INPUT, "%s is '%.100s', but must be 1, 0, true or false",
                          row->name, text);
    *value_out = is_on;
    return GH_OK;
}

/* Is TEXT one of CHOICES, "auto|text|json"? */
static bool
is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);

    while (*choices) {
        size_t choice_len = strcspn(choices, "|");
        if (choice_len == len && memcmp(choices, text, len) == 0)
            return true;
        choices += choice_len + (choices[choice_len] == '|');
    }
    return false;
}

static int
check_text(const struct gh_row *row, const char *text, struct gh_err *err)
{
    if (strcmp(row->name, "log_level") == 0 && gh_log_level_by_name(text) < 0)
        return gh_err_set(err, GH_E_INPUT, "log_level is '%.100s', but must be %s", text,
                          row->help);
    if (strcmp(row->name, "api_server_url") == 0 && *text && !gh_address_is_url(text))
        return gh_err_set(err, GH_E_INPUT,
                          "api_server_url must be http:// or https://, a host, and no name and "
                          "password in it, as https://den.example.com");
    if (strchr(row->unit, '|') && !is_choice(row->unit, text))
        return gh_err_set(err, GH_E_INPUT, "%s is '%.100s', but must be one of %s", row->name, text,
                          row->unit);
    return GH_OK;
}

int
gh_row_check(const struct gh_row *row, const char *text, struct gh_err *err)
{
    uint64_t number;
    bool flag;

    switch (row->kind) {
    case GH_ROW_UINT:
        return read_uint(row, text, &number, err);
    case GH_ROW_FLAG:
        return read_flag(row, text, &flag, err);
    case GH_ROW_TEXT:
    default:
        return check_text(row, text, err);
    }
}

static void *
field(const struct gh_settings *settings, const struct gh_row *row)
{
    return (char *)(uintptr_t)settings + row->offset;
}

int
gh_row_set(struct gh_settings *settings, const struct gh_row *row, const char *text,
           const char *source, struct gh_err *err)
{
    char **words = field(settings, row);
    size_t index = (size_t)(row - gh_rows);

    int rc = gh_row_check(row, text, err);
    if (rc != GH_OK)
        return rc;
    if (row->kind == GH_ROW_TEXT) {
        char *before = *words; /* TEXT may be it */
        *words = gh_strdup(text);
        free(before);
    } else {
        rc = row->kind == GH_ROW_UINT ? read_uint(row, text, field(settings, row), err)
                                      : read_flag(row, text, field(settings, row), err);
    }
    char *source_before = settings->sources[index];
    settings->sources[index] = gh_strdup(source);
    free(source_before);
    return rc;
}

char *
gh_row_text(const struct gh_settings *settings, const struct gh_row *row)
{
    switch (row->kind) {
    case GH_ROW_UINT:
        return gh_asprintf("%llu", (unsigned long long)*(uint64_t *)field(settings, row));
    case GH_ROW_FLAG:
        return gh_strdup(*(bool *)field(settings, row) ? "true" : "false");
    case GH_ROW_TEXT:
    default:
        return gh_strdup(*(char **)field(settings, row));
    }
}

const char *
gh_row_source(const struct gh_settings *settings, const struct gh_row *row)
{
    const char *source = settings->sources[row - gh_rows];
    return source ? source : "default";
}

void
gh_row_drop(struct gh_settings *settings, const struct gh_row *row)
{
    gh_free(&settings->sources[row - gh_rows]);
    if (row->kind == GH_ROW_TEXT)
        gh_free(field(settings, row));
}
