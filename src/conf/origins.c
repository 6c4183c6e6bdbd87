/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/origins.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is_host_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-._~[]:", c));
}

/* "http://" or "https://" at the start of LEN bytes; its length, or 0. */
static size_t
scheme_len(const char *origin, size_t len)
{
    if (len > 7 && strncasecmp(origin, "http://", 7) == 0)
        return 7;
    return len > 8 && strncasecmp(origin, "https://", 8) == 0 ? 8 : 0;
}

static bool
is_origin(const char *origin, size_t len)
{
    size_t at = scheme_len(origin, len);

    if (at == 0)
        return false;
    for (; at < len; at++)
        if (!is_host_byte(origin[at]))
            return false;
    return true;
}

bool
gh_origins_are_any(const char *list)
{
    return strcmp(list, "*") == 0;
}

int
gh_origins_check(const char *list, struct gh_err *err)
{
    if (gh_origins_are_any(list))
        return GH_OK;
    while (*list) {
        size_t len = strcspn(list, ",");
        if (!is_origin(list, len))
            return gh_err_set(
                err, GH_E_INPUT,
                "'%.*s' is no origin: give 'https://NAME', 'http://NAME:PORT', or '*' "
                "alone for any",
                (int)(len < 100 ? len : 100), list);
        list += len + (list[len] == ',');
    }
    return GH_OK;
}

bool
gh_origins_name(const char *list, const char *origin)
{
    size_t origin_len = strlen(origin);

    while (*list) {
        size_t len = strcspn(list, ",");
        if (len == origin_len && len > 0 && strncasecmp(list, origin, len) == 0)
            return !gh_origins_are_any(origin);
        list += len + (list[len] == ',');
    }
    return false;
}

/* LEN of AUTHORITY without the PORT (":80") that its scheme has anyway. */
static size_t
without_port(const char *authority, size_t len, const char *port)
{
    size_t port_len = strlen(port);

    return len > port_len && memcmp(authority + len - port_len, port, port_len) == 0
               ? len - port_len
               : len;
}

bool
gh_origin_is(const char *origin, const char *host, size_t host_len)
{
    size_t scheme = scheme_len(origin, strlen(origin));

    if (scheme == 0)
        return false;
    const char *port = scheme == sizeof "https://" - 1 ? ":443" : ":80";
    size_t theirs = without_port(origin + scheme, strlen(origin + scheme), port);
    size_t ours = without_port(host, host_len, port);
    return theirs == ours && strncasecmp(origin + scheme, host, ours) == 0;
}
