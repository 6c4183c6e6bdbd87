/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <ctype.h>
#include <string.h>

#include "base/jsoncheck.h"
#include "base/jsontext.h"
#include "cli/cli.h"

/* How long the identifier in front of "=" is; 0 for a positional word. Bytes above 0x7f may belong to
 * an identifier of Python. */
static size_t
keyword_len(const char *word)
{
    size_t len = 0;

    if (isdigit((unsigned char)word[0]))
        return 0;
    while (isalnum((unsigned char)word[len]) || word[len] == '_' || (unsigned char)word[len] > 0x7f)
        len++;
    return word[len] == '=' ? len : 0;
}

static void
add_value(struct gh_buf *out, const char *text)
{
    size_t len = strlen(text);

    if (gh_jsoncheck(text, len))
        gh_buf_add(out, text, len);
    else
        gh_jsontext_quote(out, text, len, GH_JSONTEXT_UTF8);
}

/* Is the keyword of WORDS[AT] that of an earlier word? */
static bool
is_repeated(const char *const *words, size_t at, size_t len)
{
    for (size_t i = 0; i < at; i++)
        if (keyword_len(words[i]) == len && memcmp(words[i], words[at], len) == 0)
            return true;
    return false;
}

int
gh_arguments_add(struct gh_buf *out, const char *const *words, size_t count, struct gh_err *err)
{
    const char *comma = "";

    gh_buf_add_text(out, "{\"args\":[");
    for (size_t i = 0; i < count; i++) {
        if (keyword_len(words[i]))
            continue;
        gh_buf_add_text(out, comma);
        add_value(out, words[i]);
        comma = ",";
    }
    comma = "";
    gh_buf_add_text(out, "],\"kwargs\":{");
    for (size_t i = 0; i < count; i++) {
        size_t len = keyword_len(words[i]);
        if (len == 0)
            continue;
        if (is_repeated(words, i, len))
            return gh_err_set(err, GH_EXIT_USAGE, "argument '%.*s' is given twice", (int)len,
                              words[i]);
        gh_buf_add_text(out, comma);
        gh_jsontext_quote(out, words[i], len, GH_JSONTEXT_UTF8);
        gh_buf_add_byte(out, ':');
        add_value(out, words[i] + len + 1);
        comma = ",";
    }
    gh_buf_add_text(out, "}}");
    return GH_EXIT_OK;
}

int
gh_arguments_add_object(struct gh_buf *out, const char *text, size_t len, struct gh_err *err)
{
    size_t at = 0;

    while (at < len && strchr(" \t\r\n", text[at]))
        at++;
    if (at == len || text[at] != '{' || !gh_jsoncheck(text, len))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--data must hold a JSON object of keyword arguments, as in {\"a\": 1}");
    gh_buf_add_text(out, "{\"args\":[],\"kwargs\":");
    gh_buf_add(out, text, len);
    gh_buf_add_byte(out, '}');
    return GH_EXIT_OK;
}
