/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/environment.h - the environment of the programs that the daemon starts. */
#ifndef GH_CONF_ENVIRONMENT_H
#define GH_CONF_ENVIRONMENT_H

/* The daemon's environment less what is the daemon's own business: tokens and socket activation must
 * not reach user code. ADDED, a list of "NAME=value" that ends in NULL (or NULL), wins over what is
 * there. Entries are borrowed; the array is the caller's to free. */
char **gh_environment(char *const *added) __attribute__((malloc, returns_nonnull));

#endif
