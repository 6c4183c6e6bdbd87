/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse - asks a gatehoused: what it serves and runs, to call something, to install something.
 * One verb each is in src/cli/verb_*.c; the table is src/cli/verbs.h. Under the name of a shim
 * (src/cli/shim.h) it is that shim. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/out.h"
#include "cli/shim.h"
#include "cli/verbs.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static int
complain(int status, const struct gh_err *err)
{
    fflush(stdout);
    gh_out_text(stderr, GH_STYLE_BAD, "gatehouse:");
    fprintf(stderr, " %s\n", err->text);
    return status;
}

static int
print_help(const struct gh_cli *cli)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    if (cli->verb)
        gh_help_add(&text, cli->verb);
    else
        gh_help_add_all(&text, cli->group);
    fwrite(text.bytes, 1, text.len, stdout);
    return GH_EXIT_OK;
}

/* A full disk behind a redirection must not look like success. */
static int
flush_output(int status)
{
    struct gh_err err;

    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    gh_err_set(&err, GH_EXIT_FAILED, "standard output: it cannot be written to");
    return complain(status == GH_EXIT_OK ? GH_EXIT_FAILED : status, &err);
}

static int
run(struct gh_cli *cli)
{
    struct gh_err err = {.text = ""};

    if (cli->ask == GH_CLI_HELP)
        return print_help(cli);
    if (cli->ask == GH_CLI_VERSION)
        return printf("gatehouse %s\n", PACKAGE_VERSION) < 0;
    int status = cli->verb->run(cli, &err);
    if (status != GH_EXIT_OK && status != GH_EXIT_INTERRUPTED && err.text[0])
        complain(status, &err);
    return status;
}

/* `gatehouse --print-completion`, for the build and for who installs it by hand. */
static int
print_completion(void)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    gh_completion_add(&text);
    fwrite(text.bytes, 1, text.len, stdout);
    return flush_output(GH_EXIT_OK);
}

/* `gatehouse --print-man PAGE`, for the build. */
static int
print_man(const char *name)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    for (const struct gh_man_page *page = gh_man_pages; page->name; page++) {
        if (strcmp(page->name, name) != 0)
            continue;
        page->add(&text);
        fwrite(text.bytes, 1, text.len, stdout);
        return flush_output(GH_EXIT_OK);
    }
    gh_err_set(&err, GH_EXIT_USAGE, "there is no manual page '%s'", name);
    return complain(GH_EXIT_USAGE, &err);
}

int
main(int argc, char **argv)
{
    gh_shim_main *shim = gh_shim_find(argv[0]);
    struct gh_cli cli;
    struct gh_err err;

    if (shim)
        return flush_output(shim(argc, argv));
    if (argc == 3 && strcmp(argv[1], "--print-man") == 0)
        return print_man(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--print-completion") == 0)
        return print_completion();
    int status = gh_cli_parse(&cli, argc, argv, &err);
    status = status == GH_EXIT_OK ? run(&cli) : complain(status, &err);
    gh_cli_done(&cli);
    return flush_output(status);
}
