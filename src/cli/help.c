/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

const struct gh_exit_row gh_exit_rows[] = {
    {GH_EXIT_OK, "all went well"},
    {GH_EXIT_FAILED, "the call raised an exception, or the operation failed"},
    {GH_EXIT_USAGE, "the command line cannot be understood"},
    {GH_EXIT_NO_CONNECTION, "no daemon answers"},
    {GH_EXIT_NOT_ALLOWED, "the daemon does not allow it (401, 403)"},
    {GH_EXIT_NOT_FOUND, "there is no such module, method, process or run (404)"},
    {GH_EXIT_CONFIG, "the configuration is wrong"},
    {GH_EXIT_TIMED_OUT, "--timeout-s went by"},
    {GH_EXIT_INTERRUPTED, "ended by Ctrl-C"},
    {-1, NULL},
};

#define LINE_MAX_BYTES 78

/* Paragraphs of TEXT in lines that fit a terminal. */
static void
add_text(struct gh_buf *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t word = strcspn(text, " \n");
        if (column > 0 && column + word > LINE_MAX_BYTES) {
            out->bytes[out->len - 1] = '\n'; /* in the place of the blank */
            column = 0;
        }
        gh_buf_add(out, text, word);
        text += word;
        bool is_paragraph = text[0] == '\n' && text[1] == '\n';
        gh_buf_add_text(out, is_paragraph ? "\n\n" : " ");
        column = is_paragraph ? 0 : column + word + 1;
        text += is_paragraph ? 2 : *text ? 1 : 0;
    }
    out->bytes[out->len - 1] = '\n';
}

static void
add_option(struct gh_buf *out, const struct gh_option *option)
{
    char left[80];

    snprintf(left, sizeof left, "%s%s%s%s%s", option->letter ? option->letter : "",
             option->letter ? ", " : "", option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    gh_buf_addf(out, "  %-24s %s\n", left, option->help);
}

static void
add_options(struct gh_buf *out, const struct gh_option *list)
{
    for (; list && list->name; list++)
        add_option(out, list);
}

static void
add_verbs(struct gh_buf *out, const char *group)
{
    size_t len = strlen(group);

    gh_buf_add_text(out, "Verbs, each with --help and examples of its own:\n");
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if ((*verb)->summary && strncmp((*verb)->name, group, len) == 0 &&
            (len == 0 || (*verb)->name[len] == ' '))
            gh_buf_addf(out, "  %-24s %s\n", (*verb)->name, (*verb)->summary);
}

void
gh_help_add_all(struct gh_buf *out, const char *group)
{
    gh_buf_addf(out, "Usage: gatehouse %s%s[OPTION]... VERB [WORD]...\n", group, *group ? " " : "");
    if (!*group)
        gh_buf_add_text(out,
                        "Ask a gatehoused: what it serves and runs, call it, install into it.\n");
    gh_buf_add_byte(out, '\n');
    add_verbs(out, group);
    if (*group)
        return;
    gh_buf_add_text(out, "\nOptions of every verb:\n");
    add_options(out, gh_common_options);
    gh_buf_addf(out, "  %-24s %s\n", "--version", "print the version and exit");
    gh_buf_add_text(out, "\nWithout --url the daemon of this machine and user is asked, over its "
                         "control socket.\n\nExit status:\n");
    for (const struct gh_exit_row *row = gh_exit_rows; row->meaning; row++)
        gh_buf_addf(out, "  %-4d %s\n", row->status, row->meaning);
}

void
gh_help_add(struct gh_buf *out, const struct gh_verb *verb)
{
    gh_buf_addf(out, "Usage: gatehouse %s [OPTION]...%s%s\n", verb->name,
                verb->synopsis[0] ? " " : "", verb->synopsis);
    if (verb->summary)
        gh_buf_addf(out, "%s.\n", verb->summary);
    if (verb->text) {
        gh_buf_add_byte(out, '\n');
        add_text(out, verb->text);
    }
    gh_buf_add_text(out, "\nOptions:\n");
    add_options(out, verb->options);
    add_options(out, gh_common_options);
    if (!verb->examples)
        return;
    gh_buf_add_text(out, "\nExamples:\n");
    for (const struct gh_example *example = verb->examples; example->command; example++)
        gh_buf_addf(out, "  %s\n      %s\n", example->command, example->what);
}
