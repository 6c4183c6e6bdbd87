/* SPDX-License-Identifier: Apache-2.0
 *
 * net/net_inner.h - what the files of outbound HTTP share: the library as a table, its multi interface on
 * the loop, and one exchange. Only these files include it: http.c, library.c, multi.c, transfer.c. */
#ifndef GH_NET_NET_INNER_H
#define GH_NET_NET_INNER_H

#define CURL_DISABLE_TYPECHECK /* its macros are for calls by name */
#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"

/* The functions of libcurl that we call. */
struct gh_curl {
    CURLcode (*global_init_mem)(long, curl_malloc_callback, curl_free_callback,
                                curl_realloc_callback, curl_strdup_callback, curl_calloc_callback);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_assign)(CURLM *, curl_socket_t, void *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int, int *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
};

/* The library, loaded and initialised by the first call, for as long as the process lives. Takes 7 to 24 ms
 * the first time. Any thread. NULL with ERR where there is none that will do. */
const struct gh_curl *gh_curl_load(struct gh_err *err);

/* ---- the multi interface on the loop ---- */

struct gh_multi;

/* EASY has ended with RESULT and is no longer the multi's. Never called from within gh_multi_add. It may do
 * anything, gh_multi_close included. */
typedef void gh_multi_over(void *context, CURL *easy, CURLcode result);

/* NULL when memory is out. */
struct gh_multi *gh_multi_new(uv_loop_t *loop, const struct gh_curl *curl, gh_multi_over *on_over,
                              void *context);

/* All handles must have been removed. Connections are closed now, CLOSED (may be NULL) is called in a
 * later turn, when memory and handles of the loop are free. *MULTI_OF becomes NULL. */
void gh_multi_close(struct gh_multi **multi_of, void (*closed)(void *context));

/* Begin. False when the library does not want to. */
bool gh_multi_add(struct gh_multi *multi, CURL *easy);
void gh_multi_remove(struct gh_multi *multi, CURL *easy);

/* ---- one exchange ---- */

struct gh_transfer {
    const struct gh_curl *curl;
    CURL *easy; /* NULL while it is not open */
    struct curl_slist *headers;
    struct gh_buf head; /* lines of the last answer's head */
    struct gh_buf body;
    size_t body_max_bytes;
    bool is_too_long;
    char reason[CURL_ERROR_SIZE];
};

/* Make it ready for gh_multi_add; what ORDER holds is copied. OWNER is what gh_transfer_owner gives. TRANSFER
 * stays where it is until it is closed. Errors: GH_E_SYSTEM, the library refuses what ORDER asks. */
int gh_transfer_open(struct gh_transfer *transfer, const struct gh_curl *curl,
                     const struct gh_net_order *order, void *owner, struct gh_err *err) GH_MUST_USE;
void *gh_transfer_owner(const struct gh_curl *curl, CURL *easy);

/* The HTTP status with which it ended, 0 when RESULT or the limits say that the answer is not whole. */
unsigned gh_transfer_status(const struct gh_transfer *transfer, CURLcode result);

/* Say in ERR why the status is 0. */
void gh_transfer_explain(const struct gh_transfer *transfer, CURLcode result, struct gh_err *err);

/* Give back the handle; head and body stay until gh_transfer_done. */
void gh_transfer_close(struct gh_transfer *transfer);
void gh_transfer_done(struct gh_transfer *transfer);

#endif
