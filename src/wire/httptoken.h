/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/httptoken.h - names in HTTP: of methods, headers, parameters. Source: RFC 9110 section 5.6.2. Pure, any
 * thread. */
#ifndef GH_WIRE_HTTPTOKEN_H
#define GH_WIRE_HTTPTOKEN_H

#include <stdbool.h>
#include <stddef.h>

bool gh_http_is_token_byte(char c);

/* Are the LEN bytes at TEXT a token? One byte at least. */
bool gh_http_is_token(const char *text, size_t len);

#endif
