/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/client.h - how a verb asks a node: over the control socket of a daemon on this machine, or with
 * --url and a token. One HTTP client for both, for any number of exchanges at once.
 *
 *     simple      gh_client_get, gh_client_post: JSON in, JSON out, any error in words
 *     streaming   gh_exchange_start, gh_exchange_wait, gh_exchange_free: the body as it comes
 *
 * --timeout-s counts from gh_client_open, over everything that the verb asks. */
#ifndef GH_CLI_CLIENT_H
#define GH_CLI_CLIENT_H

#include "base/buf.h"
#include "cli/cli.h"

struct json_t;
struct gh_client;
struct gh_exchange;

/* Find the node that CLI means. Nothing is sent yet.
 * Errors: GH_EXIT_NO_CONNECTION no daemon answers; GH_EXIT_USAGE the options name none, or several. */
int gh_client_open(const struct gh_cli *cli, struct gh_client **client_out, struct gh_err *err)
    GH_MUST_USE;
void gh_client_close(struct gh_client **client_of);

/* Where the node is, for messages: a URL or the path of a socket. Borrowed. */
const char *gh_client_place(const struct gh_client *client);

/* ---- simple ---- */

/* Ask, and take the answer's JSON apart; *ANSWER_OUT is a new reference. An envelope with an exception is
 * an error, whatever its status (docs/http-api.md), and so is any status but 2xx. BODY is borrowed, NULL
 * sends none. */
int gh_client_get(struct gh_client *client, const char *path, struct json_t **answer_out,
                  struct gh_err *err) GH_MUST_USE;
int gh_client_post(struct gh_client *client, const char *path, struct json_t *body,
                   struct json_t **answer_out, struct gh_err *err) GH_MUST_USE;

/* The text of the answer as it is, appended to ANSWER; only a status but 2xx is an error. */
int gh_client_fetch(struct gh_client *client, const char *method, const char *path,
                    struct json_t *body, struct gh_buf *answer, struct gh_err *err) GH_MUST_USE;

/* POST what tidies up after a verb that ends early, interrupted or late: waits a second at most, whatever
 * happened before, and does not mind an error. */
void gh_client_farewell(struct gh_client *client, const char *path, struct json_t *body);

/* json_decref for GH_SCOPED. */
void gh_json_drop(struct json_t **json_of);

/* Append TEXT to OUT as one segment of a URL's path, or as a value in its query. */
void gh_client_quote(struct gh_buf *out, const char *text);

/* The exit status of an answer with the HTTP status STATUS that is not 2xx; ERR gets what the body says
 * (its "detail", or its beginning) and what to do. */
int gh_client_refused(unsigned status, const void *body, size_t len, struct gh_err *err);

/* ---- streaming ---- */

/* Bytes of a body as they come; STATUS is that of the answer. False ends the exchange. */
typedef bool gh_on_body(void *context, unsigned status, const char *bytes, size_t len);

/* A gh_on_body that appends all to CONTEXT, a struct gh_buf. */
bool gh_exchange_keep(void *context, unsigned status, const char *bytes, size_t len);

/* Begin to ask; it goes on in any gh_exchange_wait of the client. METHOD is "GET", "POST", "PATCH" or "DELETE". */
struct gh_exchange *gh_exchange_start(struct gh_client *client, const char *method,
                                      const char *path, struct json_t *body, gh_on_body *on_body,
                                      void *context);

/* Until the answer is whole, or for MAX_MS (0: without a limit of its own; look at gh_exchange_is_over).
 * Errors: GH_EXIT_NO_CONNECTION, GH_EXIT_TIMED_OUT (--timeout-s), GH_EXIT_INTERRUPTED, GH_EXIT_FAILED the
 * answer broke off. */
int gh_exchange_wait(struct gh_exchange *exchange, unsigned max_ms, struct gh_err *err) GH_MUST_USE;
bool gh_exchange_is_over(const struct gh_exchange *exchange);

/* The answer's HTTP status, 0 before it is known. */
unsigned gh_exchange_status(const struct gh_exchange *exchange);

/* Also before its end: then the connection is closed. */
void gh_exchange_free(struct gh_exchange **exchange_of);

#endif
