/* SPDX-License-Identifier: Apache-2.0
 *
 * net/transfer.c - one exchange as libcurl is told to make it, and what comes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/net_inner.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#define HEAD_MAX_BYTES 65536u
#define IDLE_CONNECTION_S 118L /* as libcurl has it: more than the minute between two heartbeats */
#define SCHEMES "http,https"

/* ---- what libcurl calls ---- */

/* A head: the lines of the last answer; those of redirects and of 100 are forgotten. */
static size_t
on_head_line(char *line, size_t size, size_t count, void *context)
{
    struct gh_transfer *transfer = context;
    size_t len = size * count;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        transfer->head.len = 0;
    if (transfer->head.len + len > HEAD_MAX_BYTES) {
        transfer->is_too_long = true;
        return 0;
    }
    gh_buf_add(&transfer->head, line, len);
    return len;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct gh_transfer *transfer = context;
    size_t len = size * count;

    if (len > transfer->body_max_bytes - transfer->body.len) {
        transfer->is_too_long = true;
        return 0;
    }
    gh_buf_add(&transfer->body, bytes, len);
    return len;
}

/* libcurl's own way lets children inherit the socket. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- what it is told ---- */

/* Set an option; a refusal stays in RC. */
#define SET(option, value)                                                                         \
    (rc = rc == CURLE_OK ? curl->easy_setopt(easy, CURLOPT_##option, value) : rc)

/* For a POST the library's own way, so that a redirect may turn it into a GET. */
static CURLcode
set_method(const struct gh_curl *curl, CURL *easy, const struct gh_net_order *order)
{
    CURLcode rc = CURLE_OK;
    bool has_body = order->body.len > 0 || strcmp(order->method, "POST") == 0;

    if (strcmp(order->method, "HEAD") == 0)
        SET(NOBODY, 1L);
    else if (strcmp(order->method, "GET") == 0)
        SET(HTTPGET, 1L);
    else if (strcmp(order->method, "POST") != 0)
        SET(CUSTOMREQUEST, order->method);
    if (has_body) {
        SET(POST, 1L);
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)order->body.len);
        SET(COPYPOSTFIELDS, order->body.len > 0 ? order->body.bytes : "");
    }
    return rc;
}

static bool
add_header(struct gh_transfer *transfer, const char *line)
{
    struct curl_slist *longer = transfer->curl->slist_append(transfer->headers, line);

    if (longer)
        transfer->headers = longer;
    return longer != NULL;
}

/* As a header of ours, which libcurl keeps from other hosts, too; its own option for it would leave a copy
 * with the connection, for as long as that is kept for the next request. */
static bool
add_bearer(struct gh_transfer *transfer, const char *bearer)
{
    char *line = gh_asprintf("Authorization: Bearer %s", bearer);
    bool is_added = add_header(transfer, line);

    explicit_bzero(line, strlen(line));
    free(line);
    return is_added;
}

static CURLcode
set_headers(struct gh_transfer *transfer, const struct gh_net_order *order)
{
    const struct gh_curl *curl = transfer->curl;
    CURL *easy = transfer->easy;
    CURLcode rc = CURLE_OK;
    char type[256];

    for (size_t i = 0; order->headers && order->headers[i]; i++)
        if (!add_header(transfer, order->headers[i]))
            return CURLE_OUT_OF_MEMORY;
    snprintf(type, sizeof type, "Content-Type: %s", order->content_type ? order->content_type : "");
    if (!add_header(transfer, type) || !add_header(transfer, "Expect:"))
        return CURLE_OUT_OF_MEMORY; /* without a value: none is sent */
    if (order->bearer && !add_bearer(transfer, order->bearer))
        return CURLE_OUT_OF_MEMORY;
    SET(HTTPHEADER, transfer->headers);
    return rc;
}

/* The bundle and the folder of the system hold the same certificates, and GnuTLS reads what it is given at
 * each connection: 10 ms for the bundle, 40 for the folder. With a file of our own the folder would add to
 * whom it trusts. */
static CURLcode
set_trust(const struct gh_curl *curl, CURL *easy, const char *ca_file)
{
    CURLcode rc = CURLE_OK;
    char *bundle = NULL;

    curl->easy_getinfo(easy, CURLINFO_CAINFO, &bundle);
    if (ca_file)
        SET(CAINFO, ca_file);
    if (ca_file || bundle)
        SET(CAPATH, NULL);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return rc;
}

static CURLcode
set_limits(struct gh_transfer *transfer, const struct gh_net_order *order)
{
    const struct gh_curl *curl = transfer->curl;
    CURL *easy = transfer->easy;
    CURLcode rc = CURLE_OK;

    SET(NOSIGNAL, 1L);
    SET(PROTOCOLS_STR, SCHEMES);
    SET(REDIR_PROTOCOLS_STR, SCHEMES);
    SET(FOLLOWLOCATION, order->follows_redirects ? 1L : 0L);
    SET(MAXREDIRS, (long)GH_NET_REDIRECTS_MAX);
    SET(MAXAGE_CONN, IDLE_CONNECTION_S);
    /* Since 7.87, and not needed by who has an older one: an exchange that ends while its name is being
     * looked up would make the loop wait for the resolver's thread otherwise. */
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    return rc;
}

/* Many exchanges on one connection where the other side can, since making one is dear with TLS. Who asks
 * second waits for the first to have found out; without TLS that would be when its answer is there. */
static CURLcode
set_version(const struct gh_curl *curl, CURL *easy, const char *url)
{
    CURLcode rc = CURLE_OK;
    bool is_https = strncasecmp(url, "https:", 6) == 0;

    SET(HTTP_VERSION, is_https ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    SET(PIPEWAIT, is_https ? 1L : 0L);
    return rc;
}

static CURLcode
set_all(struct gh_transfer *transfer, const struct gh_net_order *order, void *owner)
{
    const struct gh_curl *curl = transfer->curl;
    CURL *easy = transfer->easy;
    CURLcode rc = set_limits(transfer, order);

    SET(URL, order->url);
    SET(PRIVATE, owner);
    SET(USERAGENT, "gatehouse/" PACKAGE_VERSION);
    SET(ERRORBUFFER, transfer->reason);
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(HEADERFUNCTION, on_head_line);
    SET(HEADERDATA, transfer);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, transfer);
    rc = rc == CURLE_OK ? set_version(curl, easy, order->url) : rc;
    rc = rc == CURLE_OK ? set_method(curl, easy, order) : rc;
    rc = rc == CURLE_OK ? set_headers(transfer, order) : rc;
    return rc == CURLE_OK ? set_trust(curl, easy, order->ca_file) : rc;
}

int
gh_transfer_open(struct gh_transfer *transfer, const struct gh_curl *curl,
                 const struct gh_net_order *order, void *owner, struct gh_err *err)
{
    *transfer = (struct gh_transfer){.curl = curl, .body_max_bytes = order->answer_max_bytes};
    transfer->easy = curl->easy_init();
    CURLcode rc = transfer->easy ? set_all(transfer, order, owner) : CURLE_FAILED_INIT;
    if (rc == CURLE_OK)
        return GH_OK;
    gh_transfer_explain(transfer, rc, err);
    gh_transfer_close(transfer);
    return err->code;
}

/* ---- what comes of it ---- */

void *
gh_transfer_owner(const struct gh_curl *curl, CURL *easy)
{
    void *owner = NULL;

    curl->easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    return owner;
}

unsigned
gh_transfer_status(const struct gh_transfer *transfer, CURLcode result)
{
    long status = 0;

    if (result == CURLE_OK)
        transfer->curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status > 0 ? (unsigned)status : 0;
}

void
gh_transfer_explain(const struct gh_transfer *transfer, CURLcode result, struct gh_err *err)
{
    if (transfer->is_too_long)
        gh_err_set(err, GH_E_SYSTEM, "its answer is longer than %zu bytes",
                   transfer->body_max_bytes);
    else
        gh_err_set(err, GH_E_SYSTEM, "%s",
                   transfer->reason[0] ? transfer->reason : transfer->curl->easy_strerror(result));
}

void
gh_transfer_close(struct gh_transfer *transfer)
{
    if (transfer->easy)
        transfer->curl->easy_cleanup(transfer->easy);
    if (transfer->headers)
        transfer->curl->slist_free_all(transfer->headers);
    transfer->easy = NULL;
    transfer->headers = NULL;
}

void
gh_transfer_done(struct gh_transfer *transfer)
{
    gh_transfer_close(transfer);
    gh_buf_done(&transfer->head);
    gh_buf_done(&transfer->body);
}
