/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/parse.c - the command line. Options may stand before and behind the verb and between its words;
 * "--" ends them; "-" and what begins like a negative number are words. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/nearest.h"
#include "cli/verbs.h"

#define TIMEOUT_MAX_S 31536000.0

const struct gh_option gh_common_options[] = {
    {"--json", NULL, NULL, "print JSON for programs: one document, or one a line for what streams"},
    {"--url", NULL, "URL", "ask the node at this address, not the daemon of this machine"},
    {"--token-file", NULL, "FILE",
     "token for --url; without it GATEHOUSE_TOKEN or RH_TOKEN of the environment"},
    {"--state-dir", NULL, "DIR", "state folder of the daemon, where its control socket is"},
    {"--port", NULL, "N", "which daemon, where several share a state folder"},
    {"--timeout-s", NULL, "SECONDS", "give up after so long, with exit status 124"},
    {"--help", "-h", NULL, "print this and exit"},
    {NULL, NULL, NULL, NULL},
};

/* Where we are in argv. */
struct cursor {
    int argc, at;
    char **argv;
    bool is_plain; /* behind "--" */
};

/* ---- options ---- */

/* The row of LIST for the LEN bytes at NAME, a long name or a letter; NULL when there is none. */
static const struct gh_option *
find_option(const struct gh_option *list, const char *name, size_t len)
{
    for (; list && list->name; list++) {
        if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
            return list;
        if (list->letter && strlen(list->letter) == len && memcmp(list->letter, name, len) == 0)
            return list;
    }
    return NULL;
}

static void
try_all(struct gh_nearest *nearest, const struct gh_option *list)
{
    for (; list && list->name; list++)
        gh_nearest_try(nearest, list->name);
}

static int
unknown_option(const struct gh_cli *cli, const char *name, size_t len, struct gh_err *err)
{
    const char *verb = cli->verb ? cli->verb->name : NULL;
    struct gh_nearest nearest;

    gh_nearest_begin(&nearest, name, len);
    try_all(&nearest, cli->verb ? cli->verb->options : NULL);
    try_all(&nearest, gh_common_options);
    if (nearest.best[0])
        return gh_err_set(err, GH_EXIT_USAGE, "unknown option '%.*s'; did you mean %s", (int)len,
                          name, nearest.best);
    return gh_err_set(err, GH_EXIT_USAGE, "unknown option '%.*s'; gatehouse %s%s--help lists them",
                      (int)len, name, verb ? verb : "", verb ? " " : "");
}

static int
take_timeout(struct gh_cli *cli, const char *text, struct gh_err *err)
{
    char *end;
    double seconds = strtod(text, &end);

    if (!isdigit((unsigned char)text[0]) || *end || !(seconds > 0 && seconds <= TIMEOUT_MAX_S))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--timeout-s is '%s', but must be a number of seconds over 0 and at most "
                          "%.0f",
                          text, TIMEOUT_MAX_S);
    cli->timeout_ms = (uint64_t)ceil(seconds * 1000);
    return GH_EXIT_OK;
}

/* "--name value", "--name=value", "-f" or a flag, at the cursor. */
static int
take_option(struct gh_cli *cli, struct cursor *cursor, struct gh_err *err)
{
    const char *argument = cursor->argv[cursor->at++];
    const char *equals = argument[1] == '-' ? strchr(argument, '=') : NULL;
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    const struct gh_option *option =
        find_option(cli->verb ? cli->verb->options : NULL, argument, len);

    if (!option)
        option = find_option(gh_common_options, argument, len);
    if (!option && cli->verb && cli->verb->keeps_options) {
        cli->words[cli->word_count++] = argument;
        return GH_EXIT_OK;
    }
    if (!option)
        return unknown_option(cli, argument, len, err);

    const char *value = equals ? equals + 1 : NULL;
    if (!option->argument && value)
        return gh_err_set(err, GH_EXIT_USAGE, "option '%s' takes no value", option->name);
    if (option->argument && !value && cursor->at < cursor->argc)
        value = cursor->argv[cursor->at++];
    if (option->argument && !value)
        return gh_err_set(err, GH_EXIT_USAGE, "option '%s' needs a value: %s", option->name,
                          option->argument);

    cli->given[cli->given_count++] = (struct gh_given){option, value};
    if (strcmp(option->name, "--help") == 0)
        cli->ask = GH_CLI_HELP;
    if (strcmp(option->name, "--timeout-s") == 0)
        return take_timeout(cli, value, err);
    cli->is_json = cli->is_json || strcmp(option->name, "--json") == 0;
    return GH_EXIT_OK;
}

static bool
is_option(const struct cursor *cursor)
{
    const char *argument = cursor->argv[cursor->at];

    return !cursor->is_plain && argument[0] == '-' && argument[1] &&
           !isdigit((unsigned char)argument[1]) && argument[1] != '.';
}

/* ---- verbs ---- */

/* Has a verb the words FIRST and more behind them? */
static bool
begins_verb(const char *first)
{
    size_t len = strlen(first);

    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if (strncmp((*verb)->name, first, len) == 0 && (*verb)->name[len] == ' ')
            return true;
    return false;
}

/* Verbs begin with FIRST: say what may follow it. False when none does. */
static bool
lists_following(const char *first, struct gh_err *err)
{
    size_t len = strlen(first);
    char list[400] = "";

    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++) {
        const char *name = (*verb)->name;
        if (strncmp(name, first, len) != 0 || name[len] != ' ')
            continue;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", name + len + 1);
    }
    if (list[0])
        gh_err_set(err, GH_EXIT_USAGE, "%s: what of it is not said; it knows %s", first, list);
    return list[0] != '\0';
}

/* NAME is what was tried at last, WORD its first word. */
static int
unknown_verb(const char *name, const char *word, struct gh_err *err)
{
    char *begin GH_SCOPED(gh_free) = gh_strdup(name);
    struct gh_nearest nearest;

    for (char *end = begin + strlen(begin); end; end = strrchr(begin, ' ')) {
        *end = '\0';
        if (lists_following(begin, err))
            return GH_EXIT_USAGE;
    }
    gh_nearest_begin(&nearest, word, strlen(word));
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if ((*verb)->summary)
            gh_nearest_try(&nearest, (*verb)->name);
    return gh_err_set(err, GH_EXIT_USAGE, "unknown verb '%s'%s%s; gatehouse --help lists them",
                      word, nearest.best[0] ? "; did you mean " : "", nearest.best);
}

/* Is help asked for on all that begins with NAME, at AT behind it? */
static bool
asks_for_group(const struct gh_cli *cli, const struct cursor *cursor, int at, const char *name)
{
    const char *next = at < cursor->argc ? cursor->argv[at] : NULL;
    bool is_asked =
        next ? strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0 : cli->ask == GH_CLI_HELP;
    return is_asked && !cli->verb && begins_verb(name);
}

/* The verb at the cursor, of as many words as make one. "help VERB" is "VERB --help". */
static int
take_verb(struct gh_cli *cli, struct cursor *cursor, struct gh_err *err)
{
    const char *word = cursor->argv[cursor->at++];
    struct gh_buf name GH_SCOPED(gh_buf_done) = {0};
    int at = cursor->at;

    if (strcmp(word, "help") == 0 && cli->ask != GH_CLI_HELP) {
        cli->ask = GH_CLI_HELP;
        return GH_EXIT_OK;
    }
    gh_buf_add_text(&name, word);
    cli->verb = gh_verb_find(word);
    while (begins_verb(gh_buf_text(&name))) {
        if (asks_for_group(cli, cursor, at, gh_buf_text(&name))) {
            snprintf(cli->group, sizeof cli->group, "%s", gh_buf_text(&name));
            cli->ask = GH_CLI_HELP;
            cursor->at = cursor->argc;
            return GH_EXIT_OK;
        }
        if (at == cursor->argc)
            break;
        gh_buf_addf(&name, " %s", cursor->argv[at++]);
        const struct gh_verb *longer = gh_verb_find(gh_buf_text(&name));
        if (!longer)
            continue;
        cli->verb = longer;
        cursor->at = at;
    }
    return cli->verb ? GH_EXIT_OK : unknown_verb(gh_buf_text(&name), word, err);
}

/* ---- the whole ---- */

static int
check_words(const struct gh_cli *cli, struct gh_err *err)
{
    const struct gh_verb *verb = cli->verb;

    if (cli->word_count < verb->words_min)
        return gh_err_set(err, GH_EXIT_USAGE, "%s needs %s; see gatehouse %s --help", verb->name,
                          verb->synopsis, verb->name);
    if (cli->word_count > verb->words_max)
        return gh_err_set(err, GH_EXIT_USAGE,
                          "%s: one word too many, '%s'; see gatehouse %s --help", verb->name,
                          cli->words[verb->words_max], verb->name);
    if (gh_cli_has(cli, "--url") && (gh_cli_has(cli, "--port") || gh_cli_has(cli, "--state-dir")))
        return gh_err_set(
            err, GH_EXIT_USAGE,
            "--url names a node, --port and --state-dir a daemon of this machine; give "
            "one or the other");
    return GH_EXIT_OK;
}

static int
take_next(struct gh_cli *cli, struct cursor *cursor, struct gh_err *err)
{
    const char *argument = cursor->argv[cursor->at];

    if (!cursor->is_plain && strcmp(argument, "--") == 0) {
        cursor->is_plain = true;
        cursor->at++;
        return GH_EXIT_OK;
    }
    if (!cli->verb && !cursor->is_plain && strcmp(argument, "--version") == 0) {
        cli->ask = GH_CLI_VERSION;
        cursor->at++;
        return GH_EXIT_OK;
    }
    if (is_option(cursor))
        return take_option(cli, cursor, err);
    if (!cli->verb)
        return take_verb(cli, cursor, err);
    cli->words[cli->word_count++] = cursor->argv[cursor->at++];
    return GH_EXIT_OK;
}

int
gh_cli_parse(struct gh_cli *cli, int argc, char **argv, struct gh_err *err)
{
    struct cursor cursor = {.argc = argc, .at = 1, .argv = argv};

    memset(cli, 0, sizeof *cli);
    cli->words = gh_alloc((size_t)argc * sizeof cli->words[0]);
    cli->given = gh_alloc((size_t)argc * sizeof cli->given[0]);
    while (cursor.at < argc) {
        int rc = take_next(cli, &cursor, err);
        if (rc != GH_EXIT_OK)
            return rc;
    }
    if (cli->ask != GH_CLI_RUN)
        return GH_EXIT_OK;
    if (!cli->verb)
        return gh_err_set(err, GH_EXIT_USAGE, "no verb is given; gatehouse --help lists them");
    return check_words(cli, err);
}

void
gh_cli_done(struct gh_cli *cli)
{
    gh_free(&cli->words);
    gh_free(&cli->given);
}

bool
gh_cli_has(const struct gh_cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, name) == 0)
            return true;
    return false;
}

const char *
gh_cli_value(const struct gh_cli *cli, const char *name, const char *preset)
{
    const char *last = preset, *value;
    size_t cursor = 0;

    while ((value = gh_cli_next_value(cli, name, &cursor)))
        last = value;
    return last;
}

const char *
gh_cli_next_value(const struct gh_cli *cli, const char *name, size_t *cursor)
{
    while (*cursor < cli->given_count) {
        const struct gh_given *given = &cli->given[(*cursor)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value;
    }
    return NULL;
}
