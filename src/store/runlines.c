/* SPDX-License-Identifier: Apache-2.0 */
#include "store/runlines.h"

#include <stdbool.h>
#include <string.h>

#include "base/jsontext.h"

#define PIECE_BYTES 4096u

/* {"data": ["a\n", "b"], "output_type": "stdout", "serialization": null} and a newline. */
static void
add_line(struct gh_buf *out, enum gh_stream stream, const char *text, size_t len)
{
    const char *end = text + len;
    bool is_first = true;

    /* The client prints a "stderr" line's text to its standard error, but knows it only as one
     * string; upstream sends both streams as "stdout" lines, and so the order is kept. */
    (void)stream;
    gh_buf_add_text(out, "{\"data\": [");
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline + 1 : end;
        gh_buf_add_text(out, is_first ? "" : ", ");
        gh_jsontext_quote(out, text, (size_t)(stop - text), GH_JSONTEXT_ASCII);
        is_first = false;
        text = stop;
    }
    gh_buf_add_text(out, "], \"output_type\": \"stdout\", \"serialization\": null}\n");
}

/* How much of TEXT goes into one line of the wire: whole lines of about 4 KiB, so that the oldest
 * output can be dropped in small pieces. */
static size_t
piece_len(const char *text, size_t len)
{
    if (len <= PIECE_BYTES)
        return len;
    const char *last = memrchr(text, '\n', PIECE_BYTES);
    const char *next = last ? last : memchr(text, '\n', len);
    return next ? (size_t)(next - text) + 1 : len;
}

void
gh_runlines_add(struct gh_buf *out, enum gh_stream stream, const char *text, size_t len)
{
    while (len > 0) {
        size_t piece = piece_len(text, len);
        add_line(out, stream, text, piece);
        text += piece;
        len -= piece;
    }
}
