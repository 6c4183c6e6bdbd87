/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/commandline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/nearest.h"
#include "conf/rows.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

/* ---- what is printed ---- */

static void
print_help(void)
{
    char flag[GH_ROW_SPELLING_BYTES], left[120];

    printf("Usage: gatehoused [OPTION]...\n"
           "Serve Python functions, classes and apps at /MODULE/METHOD over HTTP.\n\n"
           "  gatehoused --module concat=examples/concat.py:concat\n"
           "  curl 'http://127.0.0.1:32300/concat/call?a=run&b=house'\n\n"
           "  %-34s %s\n",
           "--module NAME=FILE.py:ATTR", "serve a function, class, app or factory; repeatable");
    for (size_t i = 0; i < GH_ROW_COUNT; i++) {
        const struct gh_row *row = &gh_rows[i];
        bool is_flag = row->kind == GH_ROW_FLAG;
        gh_row_flag(row, flag);
        snprintf(left, sizeof left, "%s%s%s", flag, is_flag ? "" : " ", is_flag ? "" : row->unit);
        printf("  %-34s %s", left, row->help);
        if (!is_flag && row->preset[0])
            printf(" (default %s)", row->preset);
        printf("\n");
    }
    printf(
        "  %-34s %s\n  %-34s %s\n\n"
        "Each option but --module can be given as an environment variable, GATEHOUSE_PORT for "
        "--port,\nand as a key of gatehouse.yaml, port (gatehouse.yaml(5)).\n"
        "Signals: TERM and INT drain and exit, a second one ends at once; HUP reads gatehouse.yaml "
        "again.\n"
        "Exit status: 0 ok, 1 ended at once, 64 usage, 69 port not available, 70 no worker,\n"
        "77 not permitted, 78 bad value.\n",
        "--help", "print this and exit", "--version", "print the version and exit");
}

/* --help or --version: the first of them is done, wherever it stands. */
static bool
print_instead(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return true;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("gatehoused %s\n", PACKAGE_VERSION);
            return true;
        }
    }
    return false;
}

/* ---- what is read ---- */

static void
unknown_option(const char *argument, struct gh_faults *faults)
{
    char flag[GH_ROW_SPELLING_BYTES];
    char *name GH_SCOPED(gh_free) = gh_strndup(argument, strcspn(argument, "="));
    struct gh_nearest nearest;

    gh_nearest_begin(&nearest, name, strlen(name));
    for (size_t i = 0; i < GH_ROW_COUNT; i++) {
        gh_row_flag(&gh_rows[i], flag);
        gh_nearest_try(&nearest, flag);
    }
    gh_nearest_try(&nearest, "--module");
    const char *near = nearest.best;
    gh_faults_add(faults, "unknown option '%s'%s%s; --help lists them", argument,
                  *near ? "; did you mean " : "", near);
}

static const struct gh_row *
row_of_option(const char *argument, size_t len)
{
    char flag[GH_ROW_SPELLING_BYTES];

    for (size_t i = 0; i < GH_ROW_COUNT; i++) {
        gh_row_flag(&gh_rows[i], flag);
        if (strlen(flag) == len && memcmp(flag, argument, len) == 0)
            return &gh_rows[i];
    }
    return NULL;
}

/* Options of the client's own server that mean nothing here: there is no proxy to set up, and the interpreter is
 * found otherwise. Whoever starts us the way that one was started need not change anything. */
static const struct {
    const char *flag;
    bool has_value;
} of_client[] = {{"--conda-env", true},
                 {"--from-python", false},
                 {"--restart-proxy", false},
                 {"--use-caddy", false}};

/* Is ARGUMENT, of LEN bytes up to its '=', one of these? Then *at is moved behind its value. */
static bool
skip_option(const char *argument, size_t len, int argc, int *at)
{
    for (size_t i = 0; i < sizeof of_client / sizeof of_client[0]; i++)
        if (strlen(of_client[i].flag) == len && memcmp(of_client[i].flag, argument, len) == 0) {
            if (of_client[i].has_value && !argument[len] && *at < argc)
                ++*at;
            return true;
        }
    return false;
}

/* One option at argv[*at]: "--name value", "--name=value" or a flag. Moves *at behind it. Returns false
 * after a fault. */
static bool
take_option(struct gh_commandline *line, int argc, char **argv, int *at, struct gh_faults *faults)
{
    const char *argument = argv[(*at)++];
    const char *equals = strncmp(argument, "--", 2) == 0 ? strchr(argument, '=') : NULL;
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    bool is_module = len == 8 && memcmp(argument, "--module", 8) == 0;
    const struct gh_row *row = is_module ? NULL : row_of_option(argument, len);

    if (!is_module && !row && skip_option(argument, len, argc, at))
        return true;
    if (!is_module && !row) {
        unknown_option(argument, faults);
        return false;
    }

    const char *value = equals ? equals + 1 : NULL;
    if (row && row->kind == GH_ROW_FLAG && !value)
        value = "1";
    if (!value && *at < argc)
        value = argv[(*at)++];
    if (!value) {
        gh_faults_add(faults, "option '%s' needs a value", argument);
        return false;
    }
    line->options = gh_realloc(line->options, (line->count + 1) * sizeof line->options[0]);
    line->options[line->count++] = (struct gh_option){row, value};
    return true;
}

enum gh_settings_result
gh_commandline_read(struct gh_commandline *line, int argc, char **argv, struct gh_faults *faults)
{
    memset(line, 0, sizeof *line);
    if (print_instead(argc, argv))
        return GH_SETTINGS_DONE;
    for (int at = 1; at < argc;)
        if (!take_option(line, argc, argv, &at, faults))
            return GH_SETTINGS_USAGE;
    return GH_SETTINGS_RUN;
}

void
gh_commandline_done(struct gh_commandline *line)
{
    gh_free(&line->options);
    line->count = 0;
}

const char *
gh_commandline_value(const struct gh_commandline *line, const struct gh_row *row)
{
    for (size_t i = line->count; i > 0; i--)
        if (line->options[i - 1].row == row)
            return line->options[i - 1].value;
    return NULL;
}

int
gh_commandline_apply(const struct gh_commandline *line, struct gh_settings *settings,
                     struct gh_faults *faults)
{
    char flag[GH_ROW_SPELLING_BYTES];
    struct gh_err err;

    for (size_t i = 0; i < line->count; i++) {
        const struct gh_option *option = &line->options[i];
        int rc;
        if (option->row) {
            gh_row_flag(option->row, flag);
            char *source GH_SCOPED(gh_free) = gh_asprintf("flag %s", flag);
            rc = gh_row_set(settings, option->row, option->value, source, &err);
        } else {
            rc = gh_declared_add_flag(&settings->declared, option->value, &err);
        }
        if (rc != GH_OK) {
            gh_faults_add(faults, "%s", err.text);
            return rc;
        }
    }
    return GH_OK;
}
