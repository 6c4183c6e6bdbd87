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

/* The text of an HTML page without its tags, blanks folded: "Request too big Your HTTP ...". */
static void
strip_tags(struct gh_buf *out, const char *html, size_t len)
{
    bool is_tag = false, wants_blank = false;

    for (size_t i = 0; i < len; i++) {
        if (html[i] == '<') {
            is_tag = true;
            wants_blank = out->len > 0;
        } else if (html[i] == '>') {
            is_tag = false;
        } else if (!is_tag) {
            if (wants_blank)
                gh_buf_add_text(out, ": ");
            wants_blank = false;
            gh_buf_add_byte(out, (uint8_t)html[i]);
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
