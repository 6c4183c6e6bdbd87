/* SPDX-License-Identifier: Apache-2.0
 *
 * front/mhd_chunks.c - lines of chunks that libmicrohttpd would let through.
 *
 * It reads the size in each with a function of its own, which the linker's --wrap hands to us. A line that is not in
 * the form has no size: libmicrohttpd answers 400 and closes. docs/decisions/0002-mhd-error-bodies.md has the facts. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/chunk_line.h"

size_t __real_MHD_strx_to_uint64_n_(const char *text, size_t len, uint64_t *value_out);
size_t __wrap_MHD_strx_to_uint64_n_(const char *text, size_t len, uint64_t *value_out);

size_t
__wrap_MHD_strx_to_uint64_n_(const char *text, size_t len, uint64_t *value_out)
{
    static _Thread_local const char *refused;
    size_t digits = 0;

    /* Where there is no size it asks at once whether there is a digit at all: if so, the size was too large (413). To
     * us neither is a size. */
    bool asks_why = len == 1 && text == refused;
    refused = NULL;
    if (asks_why)
        return 0;
    if (gh_chunk_line_is_sound(text, len))
        digits = __real_MHD_strx_to_uint64_n_(text, len, value_out);
    if (digits == 0)
        refused = text;
    return digits;
}
