/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/files.h - certificates and keys that lie in files.
 *
 * A key is read only from a file that nobody else can read: mode 0600 or 0400, or 0640 where it is root's and
 * the group is how the daemon gets at it. Others are refused with the command that mends it, but for one: the
 * client uploads its key readable to all, to ~/certs/ or /var/lib/caddy/; there it is made 0600, which the log
 * tells. Reads local files, so at the start or where waiting for a disk does no harm. */
#ifndef GH_TLS_FILES_H
#define GH_TLS_FILES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/words.h"

struct gh_pair;
struct gh_settings;

struct gh_pairs {
    struct gh_pair **list;
    size_t count;
};

void gh_pairs_done(struct gh_pairs *pairs);
void gh_pairs_add(struct gh_pairs *pairs, struct gh_pair *pair); /* takes the reference over */

/* The pairs of ssl_certfile and ssl_keyfile, in their order; a certificate without a key file has its key
 * beside it in the same file. ssl_ocspfile's answers go with them, in the same order; what is wrong with one
 * is logged, and the pair is shown without. Errors: GH_E_INPUT or GH_E_SYSTEM; ERR names the file and what is
 * wrong with it. */
int gh_files_load(const struct gh_settings *settings, struct gh_pairs *pairs_out,
                  struct gh_err *err) GH_MUST_USE;

/* What a pair of files holds: PAIR, or NULL and ERR. All borrowed; key_path is NULL when the key is in the chain's file. */
struct gh_files_found {
    const char *chain_path, *key_path;
    const struct gh_pair *pair;
    const struct gh_err *err;
};

typedef void gh_files_found_cb(void *context, const struct gh_files_found *found);

/* For who wants to know what would be loaded: FOUND is told of each, also of those behind one that is wrong, and nothing
 * is changed. Errors: GH_E_INPUT there are not as many keys as certificates. */
int gh_files_look(const struct gh_settings *settings, gh_files_found_cb *found, void *context,
                  struct gh_err *err) GH_MUST_USE;

/* All files that the settings name, absolute: what to watch. */
void gh_files_names(const struct gh_settings *settings, struct gh_words *names_out);

/* Append what is in the file at PATH, 1 MiB at most. Errors: GH_E_SYSTEM with the file's name. */
int gh_files_read(const char *path, struct gh_buf *out, struct gh_err *err) GH_MUST_USE;

/* The same for a file with a key, into OUT, which is empty: who may read the file is looked at. Errors: GH_E_SYSTEM;
 * GH_E_INPUT others can read it, or there is no key in it. OUT is empty then. Wiped by gh_files_wipe. */
int gh_files_read_key(const char *path, struct gh_buf *out, struct gh_err *err) GH_MUST_USE;
void gh_files_wipe(struct gh_buf *buf);

#endif
