/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/credential.h - secrets that the service manager lays into a folder that only we can read:
 * CREDENTIALS_DIRECTORY. Source: systemd.exec(5), LoadCredential=. */
#ifndef GH_CONF_CREDENTIAL_H
#define GH_CONF_CREDENTIAL_H

#include "base/err.h"

#define GH_CREDENTIAL_MAX_BYTES 4096u /* of one that is a line of text */

/* The path of the credential NAME, for the caller to free; NULL when there is none. */
char *gh_credential_path(const char *name) GH_MUST_USE;

/* The credential NAME as one line, without what ends it: the caller wipes and frees *TEXT_OUT, which is NULL when
 * there is none or it is empty. Errors: GH_E_INPUT, ERR says what is wrong with it, but not what it is. */
int gh_credential_line(const char *name, char **text_out, struct gh_err *err) GH_MUST_USE;

#endif
