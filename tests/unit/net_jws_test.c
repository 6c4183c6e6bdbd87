/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, signatures, thumbprints: what comes out is what the RFCs say, and verifies. */
#include "net/jws.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "tests/unit/suite.h"

/* The key of RFC 7515 appendix A.3. */
static const char rfc_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                              "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
                              "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                              "-----END EC PRIVATE KEY-----\n";

static struct gh_p256 *key;
static struct gh_err err;

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static void
set_up(void)
{
    ck_assert_int_eq(gh_p256_make(&key, &err), GH_OK);
}

static void
tear_down(void)
{
    gh_p256_free(&key);
    ck_assert_ptr_null(key);
    gh_p256_free(&key);
}

START_TEST(key_of_the_rfc_has_its_point)
{
    struct gh_p256 *of_rfc;

    ck_assert_int_eq(gh_p256_read(slice(rfc_key), &of_rfc, &err), GH_OK);
    json_t *jwk = gh_jws_jwk(of_rfc);
    ck_assert_str_eq(json_string_value(json_object_get(jwk, "x")),
                     "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    ck_assert_str_eq(json_string_value(json_object_get(jwk, "y")),
                     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    ck_assert_str_eq(json_string_value(json_object_get(jwk, "kty")), "EC");
    ck_assert_str_eq(json_string_value(json_object_get(jwk, "crv")), "P-256");
    ck_assert_uint_eq(json_object_size(jwk), 4);
    json_decref(jwk);

    struct gh_buf thumbprint = {0}, expected = {0};
    static const char canonical[] = "{\"crv\":\"P-256\",\"kty\":\"EC\","
                                    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                                    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    uint8_t digest[32];
    gnutls_hash_fast(GNUTLS_DIG_SHA256, canonical, strlen(canonical), digest);
    gh_base64url_add(&expected, digest, sizeof digest);
    gh_jws_add_thumbprint(of_rfc, &thumbprint);
    assert_bytes(thumbprint.bytes, thumbprint.len, gh_buf_text(&expected));
    gh_buf_done(&thumbprint);
    gh_buf_done(&expected);
    gh_p256_free(&of_rfc);
}
END_TEST

START_TEST(key_comes_back_from_its_pem)
{
    struct gh_buf pem = {0}, one = {0}, other = {0};
    struct gh_p256 *again;

    gh_p256_add_pem(key, &pem);
    assert_contains(gh_buf_text(&pem), "-----BEGIN PRIVATE KEY-----");
    ck_assert_int_eq(gh_p256_read(slice(gh_buf_text(&pem)), &again, &err), GH_OK);
    gh_jws_add_thumbprint(key, &one);
    gh_jws_add_thumbprint(again, &other);
    assert_bytes(one.bytes, one.len, gh_buf_text(&other));
    gh_buf_done(&pem);
    gh_buf_done(&one);
    gh_buf_done(&other);
    gh_p256_free(&again);
}
END_TEST

START_TEST(other_keys_are_refused)
{
    /* An Ed25519 key, and what is none. */
    static const char *const texts[] = {
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nxxxx\n-----END PRIVATE KEY-----\n", "", "key"};
    struct gh_p256 *none = NULL;

    ck_assert_int_eq(gh_p256_read(slice(texts[_i]), &none, &err), GH_E_INPUT);
    ck_assert_ptr_null(none);
    assert_contains(err.text, "key");
}
END_TEST

/* Read the member NAME of JSON as base64url. */
static struct gh_buf
decoded(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    struct gh_buf out = {0};

    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(gh_base64url_read(&out, text, strlen(text)), GH_OK);
    return out;
}

static void
verify(const json_t *body)
{
    struct gh_buf input = {0}, raw = decoded(body, "signature");
    gnutls_datum_t der = {0}, r = {raw.bytes, 32}, s = {raw.bytes + 32, 32};
    gnutls_pubkey_t public;
    gnutls_privkey_t private;

    ck_assert_uint_eq(raw.len, GH_P256_SIGNATURE_BYTES);
    ck_assert_int_eq(gnutls_encode_rs_value(&der, &r, &s), 0);
    gh_buf_addf(&input, "%s.%s", json_string_value(json_object_get(body, "protected")),
                json_string_value(json_object_get(body, "payload")));
    gnutls_datum_t text = {input.bytes, (unsigned)input.len};
    gnutls_privkey_init(&private);
    gnutls_privkey_import_x509(private, gh_p256_handle(key), 0);
    gnutls_pubkey_init(&public);
    gnutls_pubkey_import_privkey(public, private, 0, 0);
    ck_assert_int_eq(gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_ECDSA_SHA256, 0, &text, &der),
                     0);
    gnutls_pubkey_deinit(public);
    gnutls_privkey_deinit(private);
    gnutls_free(der.data);
    gh_buf_done(&input);
    gh_buf_done(&raw);
}

/* Often, since a number with a zero at its beginning comes once in 128 times. */
START_TEST(signed_requests_verify)
{
    for (int i = 0; i < 300; i++) {
        struct gh_buf out = {0};
        json_t *header = json_pack("{s:s, s:i}", "nonce", "abc", "n", i);

        ck_assert_int_eq(gh_jws_sign(key, header, slice("{\"a\":1}"), &out, &err), GH_OK);
        json_t *body = json_loadb((const char *)out.bytes, out.len, 0, NULL);
        verify(body);
        struct gh_buf protected = decoded(body, "protected"), payload = decoded(body, "payload");
        assert_contains(gh_buf_text(&protected), "\"alg\":\"ES256\"");
        assert_contains(gh_buf_text(&protected), "\"nonce\":\"abc\"");
        assert_bytes(payload.bytes, payload.len, "{\"a\":1}");
        gh_buf_done(&protected);
        gh_buf_done(&payload);
        gh_buf_done(&out);
        json_decref(body);
        json_decref(header);
    }
}
END_TEST

START_TEST(post_as_get_has_an_empty_payload)
{
    struct gh_buf out = {0};
    json_t *header = json_object();

    ck_assert_int_eq(gh_jws_sign(key, header, (struct gh_slice){0}, &out, &err), GH_OK);
    assert_contains(gh_buf_text(&out), "\"payload\":\"\"");
    gh_buf_done(&out);
    json_decref(header);
}
END_TEST

START_TEST(binding_is_signed_with_the_given_secret)
{
    json_t *bound = gh_jws_bind(key, "kid-1", slice("a secret"), "https://ca.test/new");
    struct gh_buf header = decoded(bound, "protected"), payload = decoded(bound, "payload"),
                  signature = decoded(bound, "signature"), input = {0};
    uint8_t mac[32];

    assert_contains(gh_buf_text(&header), "\"alg\":\"HS256\"");
    assert_contains(gh_buf_text(&header), "\"kid\":\"kid-1\"");
    assert_contains(gh_buf_text(&header), "\"url\":\"https://ca.test/new\"");
    assert_contains(gh_buf_text(&payload), "\"crv\":\"P-256\"");
    gh_buf_addf(&input, "%s.%s", json_string_value(json_object_get(bound, "protected")),
                json_string_value(json_object_get(bound, "payload")));
    gnutls_hmac_fast(GNUTLS_MAC_SHA256, "a secret", 8, input.bytes, input.len, mac);
    ck_assert_uint_eq(signature.len, sizeof mac);
    ck_assert(memcmp(signature.bytes, mac, sizeof mac) == 0);
    gh_buf_done(&header);
    gh_buf_done(&payload);
    gh_buf_done(&signature);
    gh_buf_done(&input);
    json_decref(bound);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, key_of_the_rfc_has_its_point);
    tcase_add_test(tests, key_comes_back_from_its_pem);
    tcase_add_loop_test(tests, other_keys_are_refused, 0, 4);
    tcase_add_test(tests, signed_requests_verify);
    tcase_add_test(tests, post_as_get_has_an_empty_payload);
    tcase_add_test(tests, binding_is_signed_with_the_given_secret);
}

int
main(void)
{
    return run_tests("net_jws", add);
}
