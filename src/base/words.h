/* SPDX-License-Identifier: Apache-2.0
 *
 * base/words.h - lists of words, and command lines as people write them.
 *
 *     struct gh_words words GH_SCOPED(gh_words_done) = {0};
 *     gh_words_add(&words, "pip");
 *     if (gh_words_split(&words, "--find-links 'my dir'", &err) != GH_OK)
 *         return err.code;
 *     execv(words.list[0], words.list);
 *
 * A zeroed struct gh_words is empty and valid. Pure functions, any thread. */
#ifndef GH_BASE_WORDS_H
#define GH_BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct gh_words {
    char **list; /* NULL behind the last; NULL itself while nothing was added */
    size_t count;
};

void gh_words_done(struct gh_words *words);

/* Append a copy of WORD; the second form makes it as printf does. */
void gh_words_add(struct gh_words *words, const char *word);
void gh_words_addf(struct gh_words *words, const char *format, ...) GH_PRINTF(2, 3);

bool gh_words_have(const struct gh_words *words, const char *word);

/* Append the names in LIST, "api.example.org, b", in lower case. */
void gh_words_add_names(struct gh_words *words, const char *list);

/* Append copies of all words of MORE. */
void gh_words_add_all(struct gh_words *words, const struct gh_words *more);

/* Append the words of TEXT by the shell's rules for blanks, quotes and backslashes, and by no other:
 * nothing is expanded, and what is an operator there (; & | < > #) is an ordinary character here.
 * Source: POSIX.1-2017, Shell Command Language, section 2.2. Returns GH_OK; or GH_E_INPUT for a quote
 * or a backslash that nothing ends, and WORDS is as it was. */
int gh_words_split(struct gh_words *words, const char *text, struct gh_err *err) GH_MUST_USE;

/* TEXT with what stands between "://" and "@" replaced by "****": URLs of package indexes and of
 * repositories hold passwords there, and texts with them go to logs. The caller frees it. */
char *gh_words_hide_secrets(const char *text) __attribute__((malloc, returns_nonnull));

#endif
