/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/man.h - manual pages out of the tables of verbs and settings, in mdoc (mandoc and groff read it).
 * `gatehouse --print-man PAGE` writes them; make builds docs/man/ from that. */
#ifndef GH_CLI_MAN_H
#define GH_CLI_MAN_H

#include "base/buf.h"

struct gh_man_page {
    const char *name; /* "gatehouse.1"; NULL ends the list */
    void (*add)(struct gh_buf *out);
};

extern const struct gh_man_page gh_man_pages[];

/* man_daemon.c: gatehoused(8) */
void gh_man_add_daemon(struct gh_buf *out);

/* man_config.c: gatehouse.yaml(5) */
void gh_man_add_config(struct gh_buf *out);

/* ---- parts of pages ---- */

/* The head of page NAME of SECTION, up to its description. WHAT is one line without a full stop. */
void gh_man_head(struct gh_buf *out, const char *name, unsigned section, const char *what);

/* A line ".MACRO words..."; WORDS may hold macros of their own. */
void gh_man_line(struct gh_buf *out, const char *macro, const char *words);

/* TEXT as running text: single blanks between words, an empty line between paragraphs. */
void gh_man_text(struct gh_buf *out, const char *text);

/* TEXT as a paragraph whose lines are shown as they are. */
void gh_man_literal(struct gh_buf *out, const char *text);

/* An item of a list: option NAME ("--data"), its letter and argument (either may be NULL), its HELP. */
void gh_man_option(struct gh_buf *out, const char *name, const char *letter, const char *argument,
                   const char *help);

#endif
