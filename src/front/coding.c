/* SPDX-License-Identifier: Apache-2.0 */
#include "front/coding.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define CODING_COUNT 4
#define Q_MAX 1000u /* q-values in thousandths */
#define Q_UNSAID 1001u

static const char *const names[CODING_COUNT] = {
    [GH_CODING_IDENTITY] = "identity",
    [GH_CODING_ZSTD] = "zstd",
    [GH_CODING_GZIP] = "gzip",
    [GH_CODING_DEFLATE] = "deflate",
};

const char *
gh_coding_name(enum gh_coding coding)
{
    return names[coding];
}

static const char *
skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* The q-value at AT, "0.8", and where it ends; NULL when it is none. */
static const char *
read_q(const char *at, unsigned *q_out)
{
    unsigned digits = 0, q;

    if (*at != '0' && *at != '1')
        return NULL;
    q = *at++ == '1' ? Q_MAX : 0;
    if (*at == '.') {
        unsigned weight = Q_MAX / 10;
        for (at++; isdigit((unsigned char)*at) && digits < 3; at++, digits++, weight /= 10)
            q += weight * (unsigned)(*at - '0');
    }
    *q_out = q;
    return q <= Q_MAX ? at : NULL;
}

/* One element, "gzip;q=0.8"; where it ends, or NULL when it is malformed. */
static const char *
read_element(const char *at, const char **name_out, size_t *len_out, unsigned *q_out)
{
    size_t len = strcspn(at, " \t;,");

    *name_out = at;
    *len_out = len;
    *q_out = Q_MAX;
    at = skip_blanks(at + len);
    if (*at == ';') {
        at = skip_blanks(at + 1);
        if ((at[0] != 'q' && at[0] != 'Q') || at[1] != '=')
            return NULL;
        at = read_q(at + 2, q_out);
        if (!at)
            return NULL;
        at = skip_blanks(at);
    }
    return *at == ',' || *at == '\0' ? at : NULL;
}

static int
coding_of(const char *name, size_t len)
{
    if (len == 6 && strncasecmp(name, "x-gzip", 6) == 0) /* RFC 9110 section 8.4.1.3 */
        return GH_CODING_GZIP;
    for (int i = 0; i < CODING_COUNT; i++)
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
            return i;
    return -1;
}

enum gh_coding
gh_coding_choose(const char *accept_encoding)
{
    unsigned weights[CODING_COUNT] = {Q_UNSAID, Q_UNSAID, Q_UNSAID, Q_UNSAID}, any = 0;
    const char *at = accept_encoding ? accept_encoding : "", *name;
    int best = GH_CODING_IDENTITY;
    unsigned best_q = 0;
    size_t len;
    unsigned q;

    while (*(at = skip_blanks(at))) {
        if (*at == ',') {
            at++;
            continue;
        }
        at = read_element(at, &name, &len, &q);
        if (!at)
            return GH_CODING_IDENTITY;
        int coding = coding_of(name, len);
        if (coding >= 0)
            weights[coding] = q;
        else if (len == 1 && *name == '*')
            any = q;
    }
    for (int i = GH_CODING_ZSTD; i < CODING_COUNT; i++) {
        unsigned weight = weights[i] == Q_UNSAID ? any : weights[i];
        if (weight > best_q) {
            best = i;
            best_q = weight;
        }
    }
    /* Who would rather have it plain says so. */
    bool wants_plain =
        weights[GH_CODING_IDENTITY] != Q_UNSAID && weights[GH_CODING_IDENTITY] > best_q;
    return wants_plain ? GH_CODING_IDENTITY : (enum gh_coding)best;
}

bool
gh_coding_is_for(const char *content_type)
{
    static const char *const types[] = {"application/json", "application/javascript",
                                        "application/xml", "image/svg+xml"};
    size_t len = content_type ? strcspn(content_type, "; \t") : 0;

    if (len > 5 && strncasecmp(content_type, "text/", 5) == 0)
        return strncasecmp(content_type, "text/event-stream", len) != 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i]) == len && strncasecmp(types[i], content_type, len) == 0)
            return true;
    return false;
}
