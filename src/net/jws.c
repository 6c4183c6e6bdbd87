/* SPDX-License-Identifier: Apache-2.0 */
#include "net/jws.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64url.h"

#define SHA256_BYTES 32u
/* Members in the order of their names and no blanks, as thumbprints want it. Source: RFC 7638 section 3. */
#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS)

static struct gh_slice
slice_of(const struct gh_buf *buf)
{
    return (struct gh_slice){(const char *)buf->bytes, buf->len};
}

/* Append VALUE as base64url of its text. */
static void
add_json(struct gh_buf *out, const json_t *value)
{
    char *text GH_SCOPED(gh_free) = json_dumps(value, CANONICAL);

    gh_base64url_add(out, text, strlen(text));
}

json_t *
gh_jws_jwk(const struct gh_p256 *key)
{
    uint8_t x[GH_P256_NUMBER_BYTES], y[GH_P256_NUMBER_BYTES];
    struct gh_buf x_text GH_SCOPED(gh_buf_done) = {0}, y_text GH_SCOPED(gh_buf_done) = {0};

    gh_p256_point(key, x, y);
    gh_base64url_add(&x_text, x, sizeof x);
    gh_base64url_add(&y_text, y, sizeof y);
    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x", gh_buf_text(&x_text),
                     "y", gh_buf_text(&y_text));
}

void
gh_jws_add_thumbprint(const struct gh_p256 *key, struct gh_buf *out)
{
    uint8_t digest[SHA256_BYTES];
    json_t *jwk = gh_jws_jwk(key);
    char *text GH_SCOPED(gh_free) = json_dumps(jwk, CANONICAL);

    gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest);
    gh_base64url_add(out, digest, sizeof digest);
    json_decref(jwk);
}

/* Append HEADER and PAYLOAD as they are signed. */
static void
add_input(struct gh_buf *out, const json_t *header, struct gh_slice payload)
{
    add_json(out, header);
    gh_buf_add_byte(out, '.');
    gh_base64url_add(out, payload.bytes, payload.len);
}

/* {"protected", "payload", "signature"} of what add_input made; a new reference. */
static json_t *
flattened(struct gh_buf *input, const uint8_t *signature, size_t len)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    const char *both = gh_buf_text(input), *dot = strchr(both, '.');

    gh_base64url_add(&text, signature, len);
    return json_pack("{s:s%, s:s, s:s}", "protected", both, (size_t)(dot - both), "payload",
                     dot + 1, "signature", gh_buf_text(&text));
}

int
gh_jws_sign(const struct gh_p256 *key, json_t *header, struct gh_slice payload, struct gh_buf *out,
            struct gh_err *err)
{
    struct gh_buf input GH_SCOPED(gh_buf_done) = {0};
    uint8_t signature[GH_P256_SIGNATURE_BYTES];

    json_object_set_new(header, "alg", json_string("ES256"));
    add_input(&input, header, payload);
    int rc = gh_p256_sign(key, slice_of(&input), signature, err);
    if (rc != GH_OK)
        return rc;

    json_t *body = flattened(&input, signature, sizeof signature);
    char *text GH_SCOPED(gh_free) = json_dumps(body, JSON_COMPACT);
    gh_buf_add_text(out, text);
    json_decref(body);
    return GH_OK;
}

json_t *
gh_jws_bind(const struct gh_p256 *key, const char *kid, struct gh_slice secret, const char *url)
{
    struct gh_buf input GH_SCOPED(gh_buf_done) = {0};
    uint8_t signature[SHA256_BYTES];
    json_t *header = json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", kid, "url", url);
    json_t *jwk = gh_jws_jwk(key);
    char *payload GH_SCOPED(gh_free) = json_dumps(jwk, CANONICAL);

    add_input(&input, header, (struct gh_slice){payload, strlen(payload)});
    gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret.bytes, secret.len, input.bytes, input.len,
                     signature);
    json_decref(header);
    json_decref(jwk);
    return flattened(&input, signature, sizeof signature);
}
