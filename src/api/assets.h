/* SPDX-License-Identifier: Apache-2.0
 *
 * api/assets.h - files that come with the daemon and are served as they are: what the pages of
 * doc_routes.c load, and the node's own OpenAPI document.
 *
 * The names are a fixed table, so no request names a path. Files are opened when they are asked for
 * and sent from their descriptor. Their ETag is made of size and time of change; they may be kept,
 * but not used without asking, so that a page fits the daemon that serves it. Loop thread only. */
#ifndef GH_API_ASSETS_H
#define GH_API_ASSETS_H

#include "api/api.h"

/* Does this build have the file NAME? The viewers are left out of a build without them. */
bool gh_asset_is_there(const struct gh_api *api, const char *name);

/* Answer with the file NAME: 200, 304 when the client's copy is the same, 404 when there is no such
 * file. */
void gh_asset_reply(struct gh_api *api, struct gh_request *request, struct gh_slice name);

#endif
