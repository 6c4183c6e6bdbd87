/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/nearest.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

enum kind { KIND_UINT, KIND_TEXT, KIND_FLAG };

struct row {
    enum kind kind;
    const char *name;
    const char *preset;
    uint64_t lowest, highest;
    const char *unit;
    const char *help;
    size_t offset;
};

static const struct row rows[] = {
#define X(kind, name, preset, lowest, highest, unit, help)                                         \
    {KIND_##kind, #name, preset, lowest, highest, unit, help, offsetof(struct gh_settings, name)},
    GH_SETTINGS(X)
#undef X
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* "body_max_bytes" as the flag "body-max-bytes" or the variable "GATEHOUSE_BODY_MAX_BYTES". */
static void
spell(char *out, size_t size, const char *prefix, const char *name, bool is_variable)
{
    size_t at = (size_t)snprintf(out, size, "%s", prefix);
    for (; *name && at + 1 < size; name++)
        out[at++] = is_variable ? (char)toupper((unsigned char)*name) : *name == '_' ? '-' : *name;
    out[at] = '\0';
}

static int
set_uint(struct gh_settings *settings, const struct row *row, const char *text, struct gh_err *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)text[0]) || *end || errno || value < row->lowest ||
        value > row->highest)
        return gh_err_set(err, GH_E_INPUT,
                          "%s is '%s', but must be a whole number from %llu to %llu%s%s", row->name,
                          text, (unsigned long long)row->lowest, (unsigned long long)row->highest,
                          row->unit[0] == 'N' ? "" : " ", row->unit[0] == 'N' ? "" : row->unit);

    *(uint64_t *)((char *)settings + row->offset) = value;
    return GH_OK;
}

static int
set_flag(struct gh_settings *settings, const struct row *row, const char *text, struct gh_err *err)
{
    bool is_on = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;

    if (!is_on && strcmp(text, "0") != 0 && strcmp(text, "false") != 0)
        return gh_err_set(err, GH_E_INPUT, "%s is '%s', but must be 1, 0, true or false", row->name,
                          text);
    *(bool *)((char *)settings + row->offset) = is_on;
    return GH_OK;
}

static int
set_row(struct gh_settings *settings, const struct row *row, const char *text, struct gh_err *err)
{
    char **field;

    switch (row->kind) {
    case KIND_UINT:
        return set_uint(settings, row, text, err);
    case KIND_FLAG:
        return set_flag(settings, row, text, err);
    case KIND_TEXT:
    default:
        field = (char **)((char *)settings + row->offset);
        free(*field);
        *field = gh_strdup(text);
        return GH_OK;
    }
}

static int
from_environment(struct gh_settings *settings, struct gh_err *err)
{
    char variable[80];

    for (size_t i = 0; i < ROW_COUNT; i++) {
        spell(variable, sizeof variable, "GATEHOUSE_", rows[i].name, true);
        const char *text = getenv(variable);
        if (!text && strcmp(rows[i].name, "log_level") == 0)
            text = getenv("RH_LOG_LEVEL"); /* documented by the client for its own server */
        if (!text || !*text)
            continue;
        int rc = set_row(settings, &rows[i], text, err);
        if (rc != GH_OK)
            return gh_err_add(err, "environment variable %s", variable);
    }
    return GH_OK;
}

/* NAME=FILE:ATTR. The name must be one path segment; FILE must be readable. */
static int
add_module(struct gh_settings *settings, const char *text, struct gh_err *err)
{
    const char *equals = strchr(text, '=');
    const char *colon = strrchr(text, ':');
    char path[PATH_MAX];

    if (!equals || equals == text || !colon || colon < equals + 2 || !colon[1])
        return gh_err_set(err, GH_E_INPUT,
                          "--module is '%s', but must read NAME=FILE.py:ATTR, as in "
                          "concat=examples/concat.py:concat",
                          text);

    size_t name_len = (size_t)(equals - text);
    if (memchr(text, '/', name_len) || strncmp(text, "_gatehouse", 10) == 0 ||
        memchr(text, '?', name_len) || memchr(text, '#', name_len))
        return gh_err_set(err, GH_E_INPUT,
                          "--module '%.*s': a name is one segment of a URL and does not begin "
                          "with _gatehouse",
                          (int)name_len, text);

    char *file GH_SCOPED(gh_free) = gh_strndup(equals + 1, (size_t)(colon - equals - 1));
    if (!realpath(file, path) || access(path, R_OK) != 0)
        return gh_err_set(err, GH_E_INPUT, "--module %.*s: file '%s': %s", (int)name_len, text,
                          file, strerror(errno));

    for (unsigned i = 0; i < settings->module_count; i++)
        if (strlen(settings->modules[i].name) == name_len &&
            memcmp(settings->modules[i].name, text, name_len) == 0)
            return gh_err_set(err, GH_E_INPUT, "--module '%.*s' is given twice", (int)name_len,
                              text);

    settings->modules =
        gh_realloc(settings->modules, (settings->module_count + 1) * sizeof settings->modules[0]);
    settings->modules[settings->module_count++] = (struct gh_module_spec){
        .name = gh_strndup(text, name_len), .file = gh_strdup(path), .attr = gh_strdup(colon + 1)};
    return GH_OK;
}

static void
print_help(void)
{
    char flag[80], left[120];

    printf("Usage: gatehoused [OPTION]...\n"
           "Serve Python functions, classes and apps at /MODULE/METHOD over HTTP.\n\n"
           "  gatehoused --module concat=examples/concat.py:concat\n"
           "  curl 'http://127.0.0.1:32300/concat/call?a=run&b=house'\n\n"
           "  %-34s %s\n",
           "--module NAME=FILE.py:ATTR", "serve a function, class, app or factory; repeatable");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        spell(flag, sizeof flag, "--", rows[i].name, false);
        snprintf(left, sizeof left, "%s%s%s", flag, rows[i].kind == KIND_FLAG ? "" : " ",
                 rows[i].kind == KIND_FLAG ? "" : rows[i].unit);
        printf("  %-34s %s", left, rows[i].help);
        if (rows[i].kind != KIND_FLAG && rows[i].preset[0])
            printf(" (default %s)", rows[i].preset);
        printf("\n");
    }
    printf("  %-34s %s\n  %-34s %s\n\n"
           "Each option but --module can be given as an environment variable: GATEHOUSE_PORT for "
           "--port.\n"
           "Signals: TERM and INT drain and exit, a second one ends at once.\n"
           "Exit status: 0 ok, 1 ended at once, 64 usage, 69 port not available, 70 no worker,\n"
           "77 not permitted, 78 bad value.\n",
           "--help", "print this and exit", "--version", "print the version and exit");
}

/* The known option nearest to the LEN bytes of NAME, for the error text. */
static void
nearest_option(struct gh_nearest *nearest, const char *name, size_t len)
{
    char flag[80];

    gh_nearest_begin(nearest, name, len);
    for (size_t i = 0; i <= ROW_COUNT; i++) {
        spell(flag, sizeof flag, "--", i < ROW_COUNT ? rows[i].name : "module", false);
        gh_nearest_try(nearest, flag);
    }
}

static const struct row *
row_of_option(const char *argument, size_t len)
{
    char flag[80];

    for (size_t i = 0; i < ROW_COUNT; i++) {
        spell(flag, sizeof flag, "--", rows[i].name, false);
        if (strlen(flag) == len && memcmp(flag, argument, len) == 0)
            return &rows[i];
    }
    return NULL;
}

/* One option at argv[*at]: "--name value", "--name=value" or a flag. Moves *at behind it. */
static enum gh_settings_result
take_option(struct gh_settings *settings, int argc, char **argv, int *at, struct gh_err *err)
{
    const char *argument = argv[(*at)++];
    const char *equals = strncmp(argument, "--", 2) == 0 ? strchr(argument, '=') : NULL;
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    bool is_module = len == 8 && memcmp(argument, "--module", 8) == 0;
    const struct row *row = is_module ? NULL : row_of_option(argument, len);

    if (!is_module && !row) {
        struct gh_nearest nearest;
        nearest_option(&nearest, argument, len);
        gh_err_set(err, GH_E_INPUT, "unknown option '%s'%s%s; --help lists them", argument,
                   nearest.best[0] ? "; did you mean " : "", nearest.best);
        return GH_SETTINGS_USAGE;
    }

    const char *value = equals ? equals + 1 : NULL;
    if (row && row->kind == KIND_FLAG && !value)
        value = "1";
    if (!value && *at < argc)
        value = argv[(*at)++];
    if (!value) {
        gh_err_set(err, GH_E_INPUT, "option '%s' needs a value", argument);
        return GH_SETTINGS_USAGE;
    }

    int rc = is_module ? add_module(settings, value, err) : set_row(settings, row, value, err);
    return rc == GH_OK ? GH_SETTINGS_RUN : GH_SETTINGS_BAD_VALUE;
}

/* A relative --env counts from the folder that the daemon was started in, like --module's file; but
 * workers run at home. A plain word is a folder here, else a program on PATH. */
static void
make_env_absolute(struct gh_settings *settings)
{
    const char *env = settings->env;
    char folder[PATH_MAX];
    struct stat info;

    if (!env[0] || env[0] == '/')
        return;
    if (!strchr(env, '/') && (stat(env, &info) != 0 || !S_ISDIR(info.st_mode)))
        return;
    if (!getcwd(folder, sizeof folder))
        return;
    char *absolute = gh_asprintf("%s/%s", folder, env);
    free(settings->env);
    settings->env = absolute;
}

enum gh_settings_result
gh_settings_load(struct gh_settings *settings, int argc, char **argv, struct gh_err *err)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (set_row(settings, &rows[i], rows[i].preset, err) != GH_OK)
            return GH_SETTINGS_BAD_VALUE;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return GH_SETTINGS_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("gatehoused %s\n", PACKAGE_VERSION);
            return GH_SETTINGS_DONE;
        }
    }

    if (from_environment(settings, err) != GH_OK)
        return GH_SETTINGS_BAD_VALUE;
    for (int at = 1; at < argc;) {
        enum gh_settings_result result = take_option(settings, argc, argv, &at, err);
        if (result != GH_SETTINGS_RUN)
            return result;
    }
    make_env_absolute(settings);
    return GH_SETTINGS_RUN;
}

void
gh_settings_done(struct gh_settings *settings)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].kind == KIND_TEXT)
            gh_free((char **)((char *)settings + rows[i].offset));
    for (unsigned i = 0; i < settings->module_count; i++) {
        free(settings->modules[i].name);
        free(settings->modules[i].file);
        free(settings->modules[i].attr);
    }
    gh_free(&settings->modules);
    settings->module_count = 0;
}
