/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"

#include <errno.h>
#include <gnutls/gnutls.h>

#include "base/buf.h"
#include "tests/unit/suite.h"

static struct gh_buf sent;

static ssize_t
on_push(gnutls_transport_ptr_t context, const void *bytes, size_t len)
{
    (void)context;
    gh_buf_add(&sent, bytes, len);
    return (ssize_t)len;
}

static ssize_t
on_pull(gnutls_transport_ptr_t context, void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    gnutls_transport_set_errno(context, EAGAIN);
    return -1;
}

/* What a client that asks for NAME sends first. */
static void
say_hello(const char *name, const char *priorities)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;

    gh_buf_done(&sent);
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_priority_set_direct(session, priorities, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    if (name)
        gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, strlen(name));
    gnutls_transport_set_ptr(session, session);
    gnutls_transport_set_push_function(session, on_push);
    gnutls_transport_set_pull_function(session, on_pull);
    ck_assert_int_eq(gnutls_handshake(session), GNUTLS_E_AGAIN);
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    ck_assert_uint_gt(sent.len, 50);
}

static const struct {
    const char *asked, *read, *priorities;
} names[] = {
    {"api.example.org", "api.example.org", "NORMAL"},
    {"api.example.org", "api.example.org", "NORMAL:-VERS-TLS1.3"},
    {"a", "a", "NORMAL"},
    {NULL, "", "NORMAL"},
    {"A.Example", "a.example", "NORMAL"},
    {"127.0.0.1", "", "NORMAL"},
    {"x.1", "", "NORMAL"},
    {"a..b", "", "NORMAL"},
};

START_TEST(the_name_is_read)
{
    char name[GH_CERTS_NAME_BYTES];

    say_hello(names[_i].asked, names[_i].priorities);
    ck_assert_uint_eq(gh_hello_name(sent.bytes, sent.len, name), 0);
    ck_assert_str_eq(name, names[_i].read);
}
END_TEST

static const struct {
    const char *priorities;
    bool has_ecdsa;
} ciphers[] = {
    {"NORMAL", true},
    {"NORMAL:-VERS-TLS1.3", true},
    {"NORMAL:-VERS-TLS1.3:-ECDHE-ECDSA", false},
    {"NORMAL:-VERS-TLS1.3:-ECDHE-RSA", true},
    {"NORMAL:-VERS-TLS1.3:-AES-128-GCM:-AES-256-GCM", true},
    {"NORMAL:-VERS-TLS1.3:-AES-128-GCM:-AES-256-GCM:-CHACHA20-POLY1305", false},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.3", false},
};

#define HEADS_BYTES 9 /* of the record and of the message */

START_TEST(ciphers_for_an_ecdsa_key_are_found)
{
    say_hello("a.example", ciphers[_i].priorities);
    const uint8_t *body = sent.bytes + HEADS_BYTES;
    ck_assert_int_eq(gh_hello_has_ecdsa_cipher(body, sent.len - HEADS_BYTES),
                     ciphers[_i].has_ecdsa);
    for (size_t len = 0; len < 35; len++)
        ck_assert(!gh_hello_has_ecdsa_cipher(body, len));
}
END_TEST

START_TEST(at_every_cut_more_is_asked_for)
{
    char name[GH_CERTS_NAME_BYTES];

    say_hello("api.example.org", "NORMAL");
    for (size_t len = 0; len < sent.len; len++) {
        size_t needed = gh_hello_name(sent.bytes, len, name);
        ck_assert_uint_eq(needed, len < 5 ? 5 : sent.len);
    }
}
END_TEST

/* Any byte of it changed: a name, none, or more to come, but never beyond its end. */
START_TEST(a_broken_hello_has_no_name_or_another)
{
    char name[GH_CERTS_NAME_BYTES];

    say_hello("api.example.org", "NORMAL");
    for (size_t at = 0; at < sent.len; at++)
        for (unsigned change = 1; change < 256; change += 42) {
            sent.bytes[at] ^= (uint8_t)change;
            size_t needed = gh_hello_name(sent.bytes, sent.len, name);
            ck_assert_uint_le(needed, GH_HELLO_RECORD_MAX_BYTES);
            ck_assert_uint_lt(strlen(name), sizeof name);
            sent.bytes[at] ^= (uint8_t)change;
        }
}
END_TEST

START_TEST(what_is_no_hello_has_no_name)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n", "\x15\x03\x01\x00\x02\x01\x00",
                                        "\x16\x03\x01\xff\xff", "\x16\x03\x01\x40\x01",
                                        "\x80\x2e\x01\x03\x01"};
    char name[GH_CERTS_NAME_BYTES];

    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_uint_eq(gh_hello_name((const uint8_t *)texts[i], i == 1 ? 7 : 5, name), 0);
        ck_assert_str_eq(name, "");
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, the_name_is_read, 0, (int)COUNT(names));
    tcase_add_loop_test(tests, ciphers_for_an_ecdsa_key_are_found, 0, (int)COUNT(ciphers));
    tcase_add_test(tests, at_every_cut_more_is_asked_for);
    tcase_add_test(tests, a_broken_hello_has_no_name_or_another);
    tcase_add_test(tests, what_is_no_hello_has_no_name);
}

int
main(void)
{
    return run_tests("tls_hello", add);
}
