/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/cli.h - a verb of `gatehouse`: how it is described, and what it is given.
 *
 * A verb is a struct gh_verb in a file verb_NAME.c, which close kin share, and one row in verbs.h. From the
 * description come the parsing of its options, --help, gatehouse(1) and the shell's completion.
 *
 *     static int
 *     run(struct gh_cli *cli, struct gh_err *err)
 *     {
 *         struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
 *         json_t *keys GH_SCOPED(gh_json_drop) = NULL;
 *
 *         int rc = gh_client_open(cli, &client, err);
 *         if (rc == GH_EXIT_OK)
 *             rc = gh_client_get(client, "/keys", &keys, err);
 *         ...
 *         return rc;
 *     }
 *
 * Functions of this folder return an enum gh_exit, and ERR then holds what a person is told in one
 * line, "what: why; what to do"; gatehouse.c alone prints it. One thread. */
#ifndef GH_CLI_CLI_H
#define GH_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Exit statuses; the table in docs/cli.md explains them. */
enum gh_exit {
    GH_EXIT_OK = 0,
    GH_EXIT_FAILED = 1,        /* the call raised, or the operation failed */
    GH_EXIT_USAGE = 2,         /* the command line cannot be understood */
    GH_EXIT_NO_CONNECTION = 3, /* no daemon answers there */
    GH_EXIT_NOT_ALLOWED = 4,   /* the daemon refuses this caller: 401, 403 */
    GH_EXIT_NOT_FOUND = 5,     /* no such module, method, process, run: 404 */
    GH_EXIT_CONFIG = 78,       /* a configuration that cannot be, as gatehoused has it */
    GH_EXIT_TIMED_OUT = 124,   /* --timeout-s went by, as timeout(1) has it */
    GH_EXIT_INTERRUPTED = 130, /* by SIGINT, as shells have it */
};

struct gh_option {
    const char *name;     /* "--data"; NULL ends a list */
    const char *letter;   /* "-d", or NULL */
    const char *argument; /* "FILE"; NULL for a flag */
    const char *help;     /* one sentence without its full stop */
};

struct gh_example {
    const char *command; /* NULL ends a list */
    const char *what;
};

/* What the words of a verb are, for the shell's completion. */
enum gh_word_kind {
    GH_WORD_ANY,
    GH_WORD_FILE,
    GH_WORD_METHOD, /* a key, or a key and one of its methods */
    GH_WORD_MODULE,
    GH_WORD_PROCESS,
    GH_WORD_RUN
};

struct gh_cli;

#define GH_WORDS_ANY 100000u  /* as words_max */
#define GH_VERB_MAX_BYTES 40u /* of a name, with its terminator */
#define GH_VERB_WORDS_MAX 3u

struct gh_verb {
    const char *name;     /* "status"; "config show" is two words, "den user add" three */
    const char *synopsis; /* of its words: "MODULE[.METHOD] [ARG]..."; "" for none */
    const char *summary;  /* one line, no full stop; NULL hides the verb from all who read */
    const char *text;     /* paragraphs without line breaks, "\n\n" between them; may be NULL */
    const struct gh_option *options;   /* beside those of all verbs; may be NULL */
    const struct gh_example *examples; /* may be NULL */
    unsigned words_min, words_max;
    enum gh_word_kind words;
    bool keeps_options; /* an option that nobody knows is a word, for another program */
    int (*run)(struct gh_cli *cli, struct gh_err *err);
};

/* An option that was given. */
struct gh_given {
    const struct gh_option *option;
    const char *value; /* NULL for a flag; borrowed from argv */
};

enum gh_cli_ask { GH_CLI_RUN, GH_CLI_HELP, GH_CLI_VERSION };

struct gh_cli {
    enum gh_cli_ask ask;
    const struct gh_verb *verb; /* NULL: `gatehouse --help`, --version */
    char group
        [GH_VERB_MAX_BYTES]; /* `gatehouse den user --help`: words that verbs begin with; else "" */
    const char **words;      /* behind the verb; borrowed from argv, the array is ours */
    size_t word_count;
    struct gh_given *given; /* in the order of the command line */
    size_t given_count;
    bool is_json;        /* --json */
    uint64_t timeout_ms; /* --timeout-s; 0 is for ever */
};

/* The options that every verb has; NULL name at the end. */
extern const struct gh_option gh_common_options[];

/* Take ARGV apart. Returns GH_EXIT_OK, or GH_EXIT_USAGE with ERR, which names what is known and near. */
int gh_cli_parse(struct gh_cli *cli, int argc, char **argv, struct gh_err *err) GH_MUST_USE;
void gh_cli_done(struct gh_cli *cli);

/* Was the option NAME ("--follow") given? */
bool gh_cli_has(const struct gh_cli *cli, const char *name);

/* The value of the option NAME, of a repeated one the last; PRESET (may be NULL) when it was not given. */
const char *gh_cli_value(const struct gh_cli *cli, const char *name, const char *preset);

/* Each value of a repeatable option in turn: *CURSOR starts at 0. NULL at the end. */
const char *gh_cli_next_value(const struct gh_cli *cli, const char *name, size_t *cursor);

#endif
