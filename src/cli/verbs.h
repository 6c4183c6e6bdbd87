/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/verbs.h - the table of verbs, in the order in which --help and the manual show them. A new verb
 * is a row here and a file verb_NAME.c that defines gh_verb_NAME. */
#ifndef GH_CLI_VERBS_H
#define GH_CLI_VERBS_H

#include "cli/cli.h"

#define GH_VERBS(X)                                                                                \
    X(status)                                                                                      \
    X(modules)                                                                                     \
    X(call)                                                                                        \
    X(logs)                                                                                        \
    X(ps)                                                                                          \
    X(install)                                                                                     \
    X(restart)                                                                                     \
    X(names)                                                                                       \
    X(up)                                                                                          \
    X(stop)                                                                                        \
    X(shim_install)                                                                                \
    X(shim_check)                                                                                  \
    X(shim_remove)                                                                                 \
    X(doctor)                                                                                      \
    X(config_show)                                                                                 \
    X(config_check)                                                                                \
    X(config_set)                                                                                  \
    X(token_create)                                                                                \
    X(token_list)                                                                                  \
    X(token_revoke)                                                                                \
    X(den_user_add)                                                                                \
    X(den_user_list)                                                                               \
    X(den_user_remove)                                                                             \
    X(den_token_create)                                                                            \
    X(den_token_list)                                                                              \
    X(den_token_revoke)                                                                            \
    X(den_resource_list)                                                                           \
    X(den_resource_show)                                                                           \
    X(den_resource_remove)                                                                         \
    X(den_grant_list)                                                                              \
    X(den_grant_add)                                                                               \
    X(den_grant_revoke)                                                                            \
    X(cert_show)                                                                                   \
    X(cert_fingerprint)

#define X(name) extern const struct gh_verb gh_verb_##name;
GH_VERBS(X)
#undef X

extern const struct gh_verb *const gh_verbs[]; /* NULL at the end */

/* The verb NAME ("status", "config show"), or NULL. */
const struct gh_verb *gh_verb_find(const char *name);

#endif
