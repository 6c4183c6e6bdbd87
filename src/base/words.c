/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

#define BLANKS " \t\n"

static void
cut(struct gh_words *words, size_t count)
{
    while (words->count > count)
        gh_free(&words->list[--words->count]);
}

void
gh_words_done(struct gh_words *words)
{
    cut(words, 0);
    gh_free(&words->list);
}

static void
adopt(struct gh_words *words, char *word)
{
    words->list = gh_realloc(words->list, (words->count + 2) * sizeof words->list[0]);
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

void
gh_words_add(struct gh_words *words, const char *word)
{
    adopt(words, gh_strdup(word));
}

bool
gh_words_have(const struct gh_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->list[i], word) == 0)
            return true;
    return false;
}

void
gh_words_add_names(struct gh_words *words, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ", ");
        if (len > 0) {
            char *name = gh_strndup(list, len);
            for (char *at = name; *at; at++)
                *at = (char)tolower((unsigned char)*at);
            adopt(words, name);
        }
        list += len + (list[len] != '\0');
    }
}

void
gh_words_addf(struct gh_words *words, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_words_add(words, gh_buf_text(&text));
}

void
gh_words_add_all(struct gh_words *words, const struct gh_words *more)
{
    for (size_t i = 0; i < more->count; i++)
        gh_words_add(words, more->list[i]);
}

/* What follows a backslash inside double quotes, if it has a meaning there. */
static bool
is_special_in_quotes(char c)
{
    return c == '$' || c == '`' || c == '"' || c == '\\' || c == '\n';
}

/* The quoted part at TEXT, which is at its opening quote. Returns what is behind the closing one, or
 * NULL when there is none. */
static const char *
take_quoted(struct gh_buf *word, const char *text)
{
    char quote = *text++;

    for (; *text && *text != quote; text++) {
        if (quote == '"' && *text == '\\' && is_special_in_quotes(text[1]) && *++text == '\n')
            continue; /* that pair joins two lines */
        gh_buf_add_byte(word, (uint8_t)*text);
    }
    return *text ? text + 1 : NULL;
}

/* The word at TEXT, which begins with none of BLANKS. Returns what is behind it, or NULL. */
static const char *
take_word(struct gh_buf *word, const char *text, struct gh_err *err)
{
    while (*text && !strchr(BLANKS, *text)) {
        if (*text == '\'' || *text == '"') {
            char quote = *text;
            text = take_quoted(word, text);
            if (!text) {
                gh_err_set(err, GH_E_INPUT, "a quote (%c) is not closed", quote);
                return NULL;
            }
        } else if (*text == '\\' && !text[1]) {
            gh_err_set(err, GH_E_INPUT, "a backslash stands at the end");
            return NULL;
        } else if (*text == '\\') {
            if (text[1] != '\n')
                gh_buf_add_byte(word, (uint8_t)text[1]);
            text += 2;
        } else {
            gh_buf_add_byte(word, (uint8_t)*text++);
        }
    }
    return text;
}

/* Is there a word at TEXT, or only line ends that a backslash takes away? */
static bool
is_word(const char *text)
{
    while (text[0] == '\\' && text[1] == '\n')
        text += 2;
    return *text && !strchr(BLANKS, *text);
}

int
gh_words_split(struct gh_words *words, const char *text, struct gh_err *err)
{
    size_t count = words->count;

    for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
        struct gh_buf word GH_SCOPED(gh_buf_done) = {0};
        bool is_some = is_word(text);

        text = take_word(&word, text, err);
        if (!text) {
            cut(words, count);
            return GH_E_INPUT;
        }
        if (is_some)
            gh_words_add(words, gh_buf_text(&word));
    }
    return GH_OK;
}

char *
gh_words_hide_secrets(const char *text)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    const char *scheme_end;

    while ((scheme_end = strstr(text, "://"))) {
        const char *host = scheme_end + 3;
        size_t len = strcspn(host, "/?#'\" \t\n");
        const char *at = memrchr(host, '@', len);

        gh_buf_add(&out, text, (size_t)(host - text));
        if (at)
            gh_buf_add_text(&out, "****");
        text = at ? at : host;
    }
    gh_buf_add_text(&out, text);
    return gh_strdup(gh_buf_text(&out));
}
