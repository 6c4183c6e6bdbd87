/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/names.h - what this node is called: the names and addresses that a certificate made here is for. */
#ifndef GH_TLS_NAMES_H
#define GH_TLS_NAMES_H

#include "base/words.h"

struct gh_settings;

#define GH_NAMES_MAX 100u /* more are left out */

/* Append them, in lower case, each once: localhost and its addresses, the host's name, the addresses of its
 * interfaces, what it listens on, `domain` and `certs_address`. Loop thread; asks the system. */
void gh_names_of_node(const struct gh_settings *settings, struct gh_words *names_out);

#endif
