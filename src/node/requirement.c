/* SPDX-License-Identifier: Apache-2.0 */
#include "node/requirement.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 8u
#define DIGITS_MAX 9u /* of a part: dates such as 20240116 occur */
#define SPECIFIER_MAX_BYTES 64u

struct release {
    unsigned long parts[PARTS_MAX];
    size_t count;
    bool is_prefix; /* it ended in ".*" */
};

/* TEXT, a release and nothing else? */
static bool
parse(const char *text, struct release *out)
{
    *out = (struct release){0};
    for (;;) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > DIGITS_MAX || out->count == PARTS_MAX)
            return false;
        out->parts[out->count++] = strtoul(text, NULL, 10);
        text += digits;
        if (strcmp(text, ".*") == 0) {
            out->is_prefix = true;
            return true;
        }
        if (*text == '\0')
            return true;
        if (*text++ != '.')
            return false;
    }
}

/* By the first COUNT parts; those that are missing are 0. */
static int
compare(const struct release *a, const struct release *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return 0;
}

static bool
holds(const char *operator, const char * wanted_text, const char *version_text)
{
    struct release wanted, version;

    if (strcmp(operator, "==") == 0 && strcmp(wanted_text, version_text) == 0)
        return true;
    if (!parse(wanted_text, &wanted) || !parse(version_text, &version) || version.is_prefix)
        return false;
    int order = compare(&version, &wanted, wanted.is_prefix ? wanted.count : PARTS_MAX);
    if (strcmp(operator, "==") == 0)
        return order == 0;
    if (strcmp(operator, "!=") == 0)
        return order != 0;
    if (wanted.is_prefix)
        return false; /* no other operator takes one */
    if (strcmp(operator, ">=") == 0)
        return order >= 0;
    if (strcmp(operator, "<=") == 0)
        return order <= 0;
    if (strcmp(operator, ">") == 0)
        return order > 0;
    if (strcmp(operator, "<") == 0)
        return order < 0;
    return strcmp(operator, "~=") == 0 && wanted.count > 1 && order >= 0 &&
           compare(&version, &wanted, wanted.count - 1) == 0;
}

/* One specifier, of LEN bytes: its operator, and the rest. */
static bool
holds_one(const char *specifier, size_t len, const char *version)
{
    char text[SPECIFIER_MAX_BYTES], operator[3] = "";
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        if (isspace((unsigned char)specifier[i]))
            continue;
        if (used == sizeof text - 1)
            return false;
        text[used++] = specifier[i];
    }
    text[used] = '\0';
    size_t operator_len = strspn(text, "<>=!~");
    if (operator_len == 0 || operator_len >= sizeof operator)
        return false; /* "===" too, which compares texts of any kind */
    memcpy(operator, text, operator_len);
    return holds(operator, text + operator_len, version);
}

bool
gh_requirement_holds(const char *specifiers, const char *version)
{
    if (specifiers[strspn(specifiers, " \t")] == '\0')
        return true;
    for (;;) {
        size_t len = strcspn(specifiers, ",");
        if (!holds_one(specifiers, len, version))
            return false;
        if (specifiers[len] == '\0')
            return true;
        specifiers += len + 1;
    }
}
