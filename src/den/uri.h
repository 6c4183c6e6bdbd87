/* SPDX-License-Identifier: Apache-2.0
 *
 * den/uri.h - addresses of resources: "/alice/models/fn" is "alice:models:fn" in a URL, and the latter is
 * what the Den keeps. The first part is the folder, which is its owner's name. Pure, any thread. */
#ifndef GH_DEN_URI_H
#define GH_DEN_URI_H

#include <stdbool.h>

#include "base/buf.h"
#include "wire/call.h"

#define GH_DEN_NAME_MAX_BYTES 64u /* of a user */
#define GH_DEN_PART_MAX_BYTES 200u
#define GH_DEN_URI_MAX_BYTES 1024u

/* Letters, digits, - and _, a letter or digit first: what may be somebody's name and so a folder's. */
bool gh_den_name_is_valid(struct gh_slice name);

/* Two parts or more with ':' between: a name, then parts of letters, digits and - _ . @ ~ which are neither
 * "." nor "..". */
bool gh_den_uri_is_valid(struct gh_slice uri);

/* The folder of URI: all before the first ':', all of it when there is none. */
struct gh_slice gh_den_uri_folder(struct gh_slice uri);

/* Append the URI of ADDRESS ("/alice/fn"). Returns false when it is no address. */
bool gh_den_uri_of(struct gh_slice address, struct gh_buf *out);

/* The same for a Den elsewhere, which may know other names than ours: what cannot stand in a URL is escaped. */
bool gh_den_uri_of_any(struct gh_slice address, struct gh_buf *out);

/* What a Den at BASE, with or without a slash at its end, has under PATH ("resource/"), URI and TAIL, each of
 * which may be "". The caller frees it. */
char *gh_den_url(const char *base, const char *path, const char *uri, const char *tail);

/* Append the address of URI. */
void gh_den_uri_add_address(struct gh_slice uri, struct gh_buf *out);

#endif
