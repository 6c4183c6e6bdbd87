/* SPDX-License-Identifier: Apache-2.0
 *
 * den/secrets.h - values that the client keeps in the Den ("Vault"), since it wants them back. Each belongs to a
 * resource of type secret. They are as safe as den.db is, whose mode is 0600: the Den has no key that is not
 * beside them. */
#ifndef GH_DEN_SECRETS_H
#define GH_DEN_SECRETS_H

#include "base/buf.h"
#include "den/den_inner.h"

/* Keep CONTENT (JSON text) as the secret of RESOURCE. Errors: GH_E_NO_ROOM its owner has GH_DEN_SECRETS_MAX;
 * GH_E_SYSTEM. */
int gh_den_secret_put(struct gh_den *den, const struct gh_den_resource *resource,
                      struct gh_slice content, struct gh_err *err) GH_MUST_USE;

/* Append it to OUT: nothing when there is none. */
int gh_den_secret_read(struct gh_den *den, const struct gh_den_resource *resource,
                       struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

int gh_den_secret_delete(struct gh_den *den, const struct gh_den_resource *resource,
                         struct gh_err *err) GH_MUST_USE;

/* Call FN with the URI of each secret of USER. */
int gh_den_secrets_each(struct gh_den *den, const struct gh_den_user *user,
                        void (*fn)(void *context, const char *uri), void *context,
                        struct gh_err *err) GH_MUST_USE;

#endif
