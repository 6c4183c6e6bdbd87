/* SPDX-License-Identifier: Apache-2.0
 *
 * front/mhd_errors.c - the answers that libmicrohttpd makes by itself, in our form.
 *
 * For a head that does not parse, is too large, or the like, it answers without asking us, with a
 * small HTML page. The linker's --wrap hands us each response made inside the (static) library; the
 * HTML ones become {"detail": ...}. docs/decisions/0002-mhd-error-bodies.md has the facts. */
#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsontext.h"

struct MHD_Response *__real_MHD_create_response_from_buffer_static(size_t size, const void *buffer);
struct MHD_Response *__wrap_MHD_create_response_from_buffer_static(size_t size, const void *buffer);

static const char *
find(const char *text, const char *end, const char *wanted)
{
    return memmem(text, (size_t)(end - text), wanted, strlen(wanted));
}

/* The text of the page's body, without tags and with its entities decoded. */
static void
strip_tags(struct gh_buf *out, const char *html, size_t len)
{
    static const char body[] = "<body>", quote[] = "&quot;";
    const char *end = html + len;
    const char *start = find(html, end, body);
    bool is_tag = false;

    for (const char *at = start ? start + strlen(body) : html; at < end; at++) {
        if (*at == '<') {
            is_tag = true;
        } else if (*at == '>') {
            is_tag = false;
        } else if (!is_tag && find(at, end, quote) == at) {
            gh_buf_add_byte(out, '"');
            at += strlen(quote) - 1;
        } else if (!is_tag) {
            gh_buf_add_byte(out, (uint8_t)*at);
        }
    }
}

struct MHD_Response *
__wrap_MHD_create_response_from_buffer_static(size_t size, const void *buffer)
{
    if (size < 6 || memcmp(buffer, "<html>", 6) != 0)
        return __real_MHD_create_response_from_buffer_static(size, buffer);

    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf json GH_SCOPED(gh_buf_done) = {0};
    strip_tags(&text, buffer, size);
    gh_buf_add_text(&json, "{\"detail\":");
    gh_jsontext_quote(&json, (const char *)text.bytes, text.len, GH_JSONTEXT_UTF8);
    gh_buf_add_byte(&json, '}');

    struct MHD_Response *response = MHD_create_response_from_buffer_copy(json.len, json.bytes);
    if (response)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    return response;
}
