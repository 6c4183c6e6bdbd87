/* SPDX-License-Identifier: Apache-2.0
 *
 * Short texts, each with a reader of its own: lists of origins and what browsers send, addresses to listen on, names
 * and addresses of a Den's resources, links to its logs, what the service manager says of a process. The first
 * line is another text that some of them are compared with. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/unit.h"
#include "conf/address.h"
#include "conf/listen.h"
#include "conf/origins.h"
#include "den/den_inner.h"
#include "den/tickets.h"
#include "den/uri.h"
#include "tests/fuzz/lines.h"
#include "wire/tokentext.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
read_origins(const char *list, const char *origin)
{
    struct gh_err err;
    bool is_list = gh_origins_check(list, &err) == GH_OK;

    if (is_list && gh_origins_name(list, origin))
        assert(*list && *origin && !gh_origins_are_any(list));
    if (gh_origin_is(origin, list, strlen(list)))
        assert(strncasecmp(origin, "http", 4) == 0);
}

static void
read_addresses(const char *text)
{
    struct gh_listen listen;
    struct gh_err err;
    const char *rest = text;

    while (*rest) {
        const char *before = rest;
        if (gh_listen_next(&rest, &listen, &err) != GH_OK)
            break;
        assert(rest > before && rest <= text + strlen(text));
        assert(listen.port <= 65535 && memchr(listen.host, 0, sizeof listen.host));
    }
    (void)gh_address_is_loopback(text);
    if (gh_address_is_url(text))
        assert(strncasecmp(text, "http", 4) == 0 && !strchr(text, ' '));
}

static void
read_names(const char *text, size_t len)
{
    struct gh_slice slice = {text, len};
    struct gh_buf uri = {0}, address = {0};

    if (gh_token_user_is_valid(slice))
        assert(len > 0 && len <= GH_TOKEN_USER_MAX_BYTES && !memchr(text, '"', len));
    if (gh_den_name_is_valid(slice))
        assert(gh_token_user_is_valid(slice));
    if (gh_den_uri_of(slice, &uri)) {
        struct gh_slice made = {(char *)uri.bytes, uri.len};
        assert(gh_den_uri_is_valid(made) && gh_den_name_is_valid(gh_den_uri_folder(made)));
        gh_den_uri_add_address(made, &address);
        assert(address.len == len && memcmp(address.bytes, text, len) == 0);
    }
    uri.len = 0;
    if (gh_den_uri_of_any(slice, &uri)) { /* it can stand in a URL */
        for (size_t i = 0; i < uri.len; i++)
            assert(uri.bytes[i] > ' ' && uri.bytes[i] < 0x7F && !strchr("/?#", uri.bytes[i]));
    }
    gh_buf_done(&uri);
    gh_buf_done(&address);
}

/* Nobody guesses one. */
static void
read_ticket(const char *text, size_t len)
{
    static struct gh_den den;
    int64_t since_s;

    gh_den_tickets_init(&den);
    assert(!gh_den_ticket_is_good(&den, (struct gh_slice){text, len},
                                  (struct gh_slice){"alice:fn", 8}, &since_s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *cursor = (const char *)bytes, *end = cursor + len;
    struct gh_slice first = next_line(&cursor, end);
    size_t rest_len = (size_t)(end - cursor);
    char *other GH_SCOPED(gh_free) = gh_strndup(first.bytes, first.len);
    char *text GH_SCOPED(gh_free) = gh_strndup(cursor, rest_len);
    struct gh_unit unit = {0};

    read_origins(other, text);
    read_addresses(text);
    read_names(cursor, rest_len);
    read_ticket(cursor, rest_len);
    gh_unit_parse(7, other, text, rest_len, &unit);
    gh_unit_done(&unit);
    return 0;
}
