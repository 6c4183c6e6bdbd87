/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/listen.h"

#include <stdlib.h>
#include <string.h>

#define UNIX_PREFIX "unix:"
#define PORT_MAX 65535u

static const struct {
    const char *word;
    enum gh_listen_kind kind;
} kinds[] = {
    {"http", GH_LISTEN_HTTP}, {"https", GH_LISTEN_HTTPS}, {"redirect", GH_LISTEN_REDIRECT}};

static int
refuse(struct gh_err *err, const char *entry, size_t len, const char *problem)
{
    return gh_err_set(
        err, GH_E_INPUT,
        "listen: '%.*s' %s; an entry is ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH, and "
        "behind it /http (the default), /https or /redirect",
        (int)len, entry, problem);
}

static bool
read_kind(const char *word, size_t len, enum gh_listen_kind *kind_out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(kinds[i].word) == len && memcmp(kinds[i].word, word, len) == 0) {
            *kind_out = kinds[i].kind;
            return true;
        }
    return false;
}

static bool
read_port(const char *digits, size_t len, unsigned *port_out)
{
    unsigned port = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        port = port * 10 + (unsigned)(digits[i] - '0');
    }
    *port_out = port;
    return port <= PORT_MAX;
}

/* The host of "HOST:PORT" or "[HOST]:PORT", of LEN bytes; NULL when it is neither. *COLON_OUT is behind it. */
static const char *
find_host(const char *entry, size_t len, size_t *host_len_out, const char **colon_out)
{
    const char *end = entry + len;
    const char *close = entry[0] == '[' ? memchr(entry, ']', len) : NULL;
    const char *colon = close ? close + 1 : memrchr(entry, ':', len);

    if (!colon || colon >= end || *colon != ':' || (entry[0] == '[') != (close != NULL))
        return NULL;
    const char *host = close ? entry + 1 : entry;
    *host_len_out = (size_t)((close ? close : colon) - host);
    *colon_out = colon;
    if (!close && memchr(host, ':', *host_len_out)) /* IPv6 without brackets */
        return NULL;
    return *host_len_out > 0 ? host : NULL;
}

static int
read_entry(const char *entry, size_t len, struct gh_listen *listen, struct gh_err *err)
{
    bool is_unix =
        len > strlen(UNIX_PREFIX) && strncmp(entry, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    const char *slash = memrchr(entry, '/', len);
    size_t place_len = len, host_len = 0;
    const char *host, *colon;

    *listen = (struct gh_listen){.is_unix = is_unix};
    if (slash && read_kind(slash + 1, (size_t)(entry + len - slash - 1), &listen->kind))
        place_len = (size_t)(slash - entry);
    else if (slash && !is_unix)
        return refuse(err, entry, len, "ends in a word that is none of these");

    if (is_unix) {
        host = entry + strlen(UNIX_PREFIX);
        host_len = place_len > strlen(UNIX_PREFIX) ? place_len - strlen(UNIX_PREFIX) : 0;
        if (host_len == 0 || host[0] != '/')
            return refuse(err, entry, len, "needs a path that begins with /");
    } else {
        host = find_host(entry, place_len, &host_len, &colon);
        if (!host)
            return refuse(err, entry, len, "has no address and port");
        if (!read_port(colon + 1, (size_t)(entry + place_len - colon - 1), &listen->port))
            return refuse(err, entry, len, "has no port from 0 to 65535");
    }
    if (host_len >= sizeof listen->host)
        return refuse(err, entry, len, "is too long");
    memcpy(listen->host, host, host_len);
    return GH_OK;
}

int
gh_listen_next(const char **rest, struct gh_listen *listen_out, struct gh_err *err)
{
    const char *entry = *rest + strspn(*rest, " ,");
    size_t len = strcspn(entry, ",");

    *rest = entry + len;
    while (**rest == ',' || **rest == ' ')
        ++*rest;
    while (len > 0 && entry[len - 1] == ' ')
        len--;
    if (len == 0)
        return refuse(err, "", 0, "is empty");
    return read_entry(entry, len, listen_out, err);
}
