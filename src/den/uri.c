/* SPDX-License-Identifier: Apache-2.0 */
#include "den/uri.h"

#include <string.h>

#include "base/alloc.h"

static bool
is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
gh_den_name_is_valid(struct gh_slice name)
{
    if (name.len == 0 || name.len > GH_DEN_NAME_MAX_BYTES || !is_letter_or_digit(name.bytes[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_letter_or_digit(name.bytes[i]) && name.bytes[i] != '-' && name.bytes[i] != '_')
            return false;
    return true;
}

static bool
part_is_valid(struct gh_slice part)
{
    size_t dots = 0;

    for (size_t i = 0; i < part.len; i++) {
        char c = part.bytes[i];
        if (!is_letter_or_digit(c) && (c == '\0' || !strchr("-_.@~", c)))
            return false;
        dots += c == '.';
    }
    return part.len > 0 && part.len <= GH_DEN_PART_MAX_BYTES && !(dots == part.len && dots <= 2);
}

struct gh_slice
gh_den_uri_folder(struct gh_slice uri)
{
    const char *colon = uri.len ? memchr(uri.bytes, ':', uri.len) : NULL;
    return (struct gh_slice){uri.bytes, colon ? (size_t)(colon - uri.bytes) : uri.len};
}

bool
gh_den_uri_is_valid(struct gh_slice uri)
{
    struct gh_slice part = gh_den_uri_folder(uri);

    if (uri.len > GH_DEN_URI_MAX_BYTES || part.len == uri.len || !gh_den_name_is_valid(part))
        return false;
    while (part.len < uri.len) {
        uri = (struct gh_slice){uri.bytes + part.len + 1, uri.len - part.len - 1};
        part = gh_den_uri_folder(uri);
        if (!part_is_valid(part))
            return false;
    }
    return true;
}

bool
gh_den_uri_of(struct gh_slice address, struct gh_buf *out)
{
    size_t from = out->len;

    if (address.len < 2 || address.bytes[0] != '/' || address.len > GH_DEN_URI_MAX_BYTES ||
        memchr(address.bytes, ':', address.len))
        return false;
    gh_buf_add(out, address.bytes + 1, address.len - 1);
    for (size_t i = from; i < out->len; i++)
        if (out->bytes[i] == '/')
            out->bytes[i] = ':';
    if (gh_den_uri_is_valid((struct gh_slice){(char *)out->bytes + from, out->len - from}))
        return true;
    out->len = from;
    return false;
}

bool
gh_den_uri_of_any(struct gh_slice address, struct gh_buf *out)
{
    if (address.len < 2 || address.bytes[0] != '/' || address.len > GH_DEN_URI_MAX_BYTES)
        return false;
    for (size_t i = 1; i < address.len; i++) {
        char c = address.bytes[i];
        if (c == '/')
            gh_buf_add_byte(out, ':');
        else if (is_letter_or_digit(c) || (c && strchr("-_.@~", c)))
            gh_buf_add_byte(out, (uint8_t)c);
        else
            gh_buf_addf(out, "%%%02X", (unsigned char)c);
    }
    return true;
}

char *
gh_den_url(const char *base, const char *path, const char *uri, const char *tail)
{
    size_t len = strlen(base);

    if (len > 0 && base[len - 1] == '/')
        len--;
    return gh_asprintf("%.*s/%s%s%s", (int)len, base, path, uri, tail);
}

void
gh_den_uri_add_address(struct gh_slice uri, struct gh_buf *out)
{
    gh_buf_add_byte(out, '/');
    for (size_t i = 0; i < uri.len; i++)
        gh_buf_add_byte(out, (uint8_t)(uri.bytes[i] == ':' ? '/' : uri.bytes[i]));
}
