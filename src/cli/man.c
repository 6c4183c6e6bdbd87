/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/man.c - parts of manual pages, and gatehouse(1). Source of the macros: mdoc(7). */
#include "cli/man.h"

#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/verbs.h"

#define PAGES_DATE "November 26, 2026" /* of the last change to what the pages say */

/* ---- parts ---- */

#define LINE_MAX_BYTES 76 /* mandoc -T lint wants less than 80 */

/* LEN bytes of a line, the beginning of it when IS_FIRST: no character of them is roff's. */
static void
add_escaped(struct gh_buf *out, const char *text, size_t len, bool is_first)
{
    if (is_first && len > 0 && text[0] == '.')
        gh_buf_add_text(out, "\\&");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            gh_buf_add_text(out, "\\e");
        else if (text[i] == '-')
            gh_buf_add_text(out, "\\-");
        else if (text[i] == '\'')
            gh_buf_add_text(out, "\\(aq");
        else
            gh_buf_add_byte(out, (uint8_t)text[i]);
    }
}

void
gh_man_line(struct gh_buf *out, const char *macro, const char *words)
{
    gh_buf_addf(out, ".%s%s%s\n", macro, words[0] ? " " : "", words);
}

/* A paragraph in lines of the source, a new one for each sentence, as mdoc(7) wants it. */
static void
add_paragraph(struct gh_buf *out, const char *text, size_t len)
{
    size_t column = 0;

    for (size_t at = 0; at < len;) {
        size_t word = 0;
        while (at + word < len && text[at + word] != ' ' && text[at + word] != '\n')
            word++;
        bool ends_sentence = column > 0 && text[at - 2] == '.';
        if (column > 0)
            gh_buf_add_byte(out, ends_sentence || column + word > LINE_MAX_BYTES ? '\n' : ' ');
        if (ends_sentence || column + word > LINE_MAX_BYTES)
            column = 0;
        add_escaped(out, text + at, word, column == 0);
        column += word + 1;
        at += word + 1;
    }
    gh_buf_add_byte(out, '\n');
}

void
gh_man_text(struct gh_buf *out, const char *text)
{
    for (;;) {
        const char *end = strstr(text, "\n\n");
        add_paragraph(out, text, end ? (size_t)(end - text) : strlen(text));
        if (!end)
            return;
        gh_buf_add_text(out, ".Pp\n");
        text = end + 2;
    }
}

void
gh_man_literal(struct gh_buf *out, const char *text)
{
    gh_buf_add_text(out, ".Bd -literal -offset indent\n");
    while (*text) {
        size_t len = strcspn(text, "\n");
        add_escaped(out, text, len, true);
        gh_buf_add_byte(out, '\n');
        text += len + (text[len] == '\n');
    }
    gh_buf_add_text(out, ".Ed\n");
}

void
gh_man_head(struct gh_buf *out, const char *name, unsigned section, const char *what)
{
    gh_buf_addf(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n.Dd %s\n.Dt ", PAGES_DATE);
    for (const char *c = name; *c; c++)
        gh_buf_add_byte(out, (uint8_t)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
    gh_buf_addf(out, " %u\n.Os gatehouse\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, name, what);
}

void
gh_man_option(struct gh_buf *out, const char *name, const char *letter, const char *argument,
              const char *help)
{
    gh_buf_add_text(out, ".It ");
    if (letter)
        gh_buf_addf(out, "Fl %s , ", letter + 1);
    gh_buf_addf(out, "Fl %s", name + 1);
    if (argument)
        gh_buf_addf(out, " Ar %s", argument);
    gh_buf_add_byte(out, '\n');
    gh_man_text(out, help);
}

/* ---- gatehouse(1) ---- */

static void
add_options(struct gh_buf *out, const struct gh_option *list)
{
    if (!list || !list->name)
        return;
    gh_man_line(out, "Bl", "-tag -width Ds");
    for (; list->name; list++)
        gh_man_option(out, list->name, list->letter, list->argument, list->help);
    gh_man_line(out, "El", "");
}

static void
add_verb(struct gh_buf *out, const struct gh_verb *verb)
{
    gh_buf_addf(out, ".Ss gatehouse %s%s\n", verb->name, verb->options ? " [OPTION]..." : "");
    if (verb->synopsis[0]) {
        out->len--;
        gh_buf_addf(out, " %s\n", verb->synopsis);
    }
    gh_buf_addf(out, "%s.\n", verb->summary);
    if (verb->text) {
        gh_buf_add_text(out, ".Pp\n");
        gh_man_text(out, verb->text);
    }
    add_options(out, verb->options);
    if (!verb->examples)
        return;
    for (const struct gh_example *example = verb->examples; example->command; example++) {
        gh_buf_addf(out, ".Pp\nExample, %s:\n", example->what);
        gh_man_literal(out, example->command);
    }
}

static void
add_environment(struct gh_buf *out)
{
    gh_man_line(out, "Sh", "ENVIRONMENT");
    gh_man_line(out, "Bl", "-tag -width Ds");
    gh_buf_add_text(out,
                    ".It Ev GATEHOUSE_TOKEN , Ev RH_TOKEN\n"
                    "Token for a node named by\n.Fl -url ,\nin this order.\n"
                    ".It Ev GATEHOUSE_STATE_DIR , Ev STATE_DIRECTORY , Ev XDG_STATE_HOME\n"
                    "Where the daemon of this machine keeps its state; see\n.Xr gatehoused 8 .\n"
                    ".It Ev NO_COLOR\n"
                    "No colours when it is set and not empty.\n");
    gh_man_line(out, "El", "");
}

static void
add_cli(struct gh_buf *out)
{
    gh_man_head(out, "gatehouse", 1, "ask a gatehoused, call what it serves, install into it");
    gh_buf_add_text(out, ".Sh SYNOPSIS\n.Nm\n.Op Ar option ...\n.Ar verb\n.Op Ar word ...\n"
                         ".Nm\n.Ar verb\n.Fl -help\n"
                         ".Sh DESCRIPTION\n.Nm\n");
    gh_man_text(out,
                "talks to the gatehoused of this machine and user over its control socket, or to "
                "one elsewhere. Options may stand before and behind the verb; -- ends them.");
    gh_buf_add_text(out, "Colours are used only on a terminal.\n.Pp\nOptions of every verb:\n");
    add_options(out, gh_common_options);
    gh_man_line(out, "Sh", "VERBS");
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if ((*verb)->summary)
            add_verb(out, *verb);
    add_environment(out);
    gh_man_line(out, "Sh", "EXIT STATUS");
    gh_man_line(out, "Bl", "-tag -width Ds");
    for (const struct gh_exit_row *row = gh_exit_rows; row->meaning; row++) {
        gh_buf_addf(out, ".It %d\n", row->status);
        gh_man_text(out, row->meaning);
    }
    gh_man_line(out, "El", "");
    gh_buf_add_text(out, ".Sh SEE ALSO\n.Xr gatehouse.yaml 5 ,\n.Xr gatehoused 8\n");
}

const struct gh_man_page gh_man_pages[] = {
    {"gatehouse.1", add_cli},
    {"gatehoused.8", gh_man_add_daemon},
    {"gatehouse.yaml.5", gh_man_add_config},
    {NULL, NULL},
};
