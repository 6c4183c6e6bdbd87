/* SPDX-License-Identifier: Apache-2.0 */
#include "front/tlsio.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "tests/unit/tls_kit.h"

#define QUESTION "GET / HTTP/1.1\r\n\r\n"

/* Ours is the server; the client is GnuTLS as it comes. */
struct rig {
    int fds[2]; /* server's, client's */
    struct made made;
    gnutls_certificate_credentials_t server_credentials, client_credentials;
    gnutls_session_t server, client;
    struct gh_tlsio io;
};

static void
open_rig(struct rig *rig, const char *client_priorities)
{
    *rig = (struct rig){.made = make_ecdsa("a", NULL)};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, rig->fds), 0);
    gnutls_certificate_allocate_credentials(&rig->server_credentials);
    gnutls_certificate_allocate_credentials(&rig->client_credentials);
    ck_assert_int_eq(gnutls_certificate_set_x509_key_mem(rig->server_credentials,
                                                         &rig->made.crt_pem, &rig->made.key_pem,
                                                         GNUTLS_X509_FMT_PEM),
                     0);
    gnutls_init(&rig->server, GNUTLS_SERVER | GNUTLS_NONBLOCK);
    gnutls_init(&rig->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_priority_set_direct(rig->server, "NORMAL", NULL);
    gnutls_priority_set_direct(rig->client, client_priorities, NULL);
    gnutls_credentials_set(rig->server, GNUTLS_CRD_CERTIFICATE, rig->server_credentials);
    gnutls_credentials_set(rig->client, GNUTLS_CRD_CERTIFICATE, rig->client_credentials);
    gnutls_transport_set_int(rig->client, rig->fds[1]);
    gh_tlsio_begin(&rig->io, rig->server, rig->fds[0]);
}

static void
close_rig(struct rig *rig)
{
    gnutls_deinit(rig->server);
    gnutls_deinit(rig->client);
    gh_tlsio_end(&rig->io);
    gnutls_certificate_free_credentials(rig->server_credentials);
    gnutls_certificate_free_credentials(rig->client_credentials);
    drop_made(&rig->made);
    close(rig->fds[0]);
    close(rig->fds[1]);
}

static void
shake_hands(struct rig *rig)
{
    int server = GNUTLS_E_AGAIN, client = GNUTLS_E_AGAIN;

    for (int i = 0; i < 20 && (server != 0 || client != 0); i++) {
        if (client != 0)
            client = gnutls_handshake(rig->client);
        gh_tlsio_wake(&rig->io);
        if (server != 0)
            server = gnutls_handshake(rig->server);
        ck_assert_int_eq(gh_tlsio_send(&rig->io), 0);
    }
    ck_assert_int_eq(server, 0);
    ck_assert_int_eq(client, 0);
    gh_tlsio_shaken(&rig->io);
}

/* The client has sent its hello, and the server has answered it to the flight. */
static void
shake_half(struct rig *rig)
{
    ck_assert_int_eq(gnutls_handshake(rig->client), GNUTLS_E_AGAIN);
    ck_assert_int_eq(gnutls_handshake(rig->server), GNUTLS_E_AGAIN);
}

static ssize_t
count_waiting(int fd)
{
    static char bytes[64u << 10];
    return recv(fd, bytes, sizeof bytes, MSG_PEEK);
}

START_TEST(what_is_said_in_a_handshake_leaves_in_one_piece)
{
    struct rig rig;

    open_rig(&rig, "NORMAL");
    shake_half(&rig);
    ck_assert_int_eq(count_waiting(rig.fds[1]), -1);
    size_t flight_len = rig.io.flight.len;
    ck_assert_uint_gt(flight_len, 500);
    ck_assert_int_eq(gh_tlsio_send(&rig.io), 0);
    ck_assert_int_eq(count_waiting(rig.fds[1]), (ssize_t)flight_len);
    ck_assert_ptr_null(rig.io.flight.bytes);
    shake_hands(&rig);
    close_rig(&rig);
}
END_TEST

START_TEST(what_does_not_fit_is_sent_later)
{
    struct rig rig;
    char waste[4096] = {0};

    open_rig(&rig, "NORMAL");
    shake_half(&rig);
    while (send(rig.fds[0], waste, sizeof waste, 0) > 0 || send(rig.fds[0], waste, 1, 0) > 0)
        continue;
    ck_assert_int_eq(gh_tlsio_send(&rig.io), GNUTLS_E_AGAIN);
    size_t left = rig.io.flight.len - rig.io.flight_used;
    while (recv(rig.fds[1], waste, sizeof waste, 0) > 0)
        continue;
    ck_assert_int_eq(gh_tlsio_send(&rig.io), 0);
    ck_assert_int_eq(count_waiting(rig.fds[1]), (ssize_t)left);
    close_rig(&rig);
}
END_TEST

START_TEST(who_is_gone_is_an_error)
{
    struct rig rig;

    open_rig(&rig, "NORMAL");
    shake_half(&rig);
    shutdown(rig.fds[1], SHUT_RDWR);
    ck_assert_int_eq(gh_tlsio_send(&rig.io), GNUTLS_E_PUSH_ERROR);
    close_rig(&rig);
}
END_TEST

static void
ask(struct rig *rig)
{
    ck_assert_int_eq(gnutls_record_send(rig->client, QUESTION, sizeof QUESTION - 1),
                     (int)sizeof QUESTION - 1);
}

static void
assert_asked(struct rig *rig)
{
    char bytes[100];

    ck_assert_int_eq(gnutls_record_recv(rig->server, bytes, sizeof bytes),
                     (int)sizeof QUESTION - 1);
    ck_assert_mem_eq(bytes, QUESTION, sizeof QUESTION - 1);
}

START_TEST(one_read_takes_several_records_and_keeps_nothing)
{
    struct rig rig;
    char bytes[100];

    open_rig(&rig, "NORMAL");
    shake_hands(&rig);
    ask(&rig);
    ask(&rig);
    assert_asked(&rig);
    ck_assert_int_eq(count_waiting(rig.fds[0]), -1);
    ck_assert_uint_gt(gh_tlsio_ahead_bytes(&rig.io), 0);
    assert_asked(&rig);
    ck_assert_ptr_null(rig.io.ahead.bytes);
    ck_assert_int_eq(gnutls_record_recv(rig.server, bytes, sizeof bytes), GNUTLS_E_AGAIN);
    close_rig(&rig);
}
END_TEST

/* An edge-triggered epoll tells of bytes once: whoever waits for more must have read these. */
START_TEST(to_come_again_means_that_there_is_nothing)
{
    struct rig rig;
    char bytes[100];

    open_rig(&rig, "NORMAL:-VERS-ALL:+VERS-TLS1.3");
    shake_hands(&rig);
    ck_assert_int_eq(gnutls_session_key_update(rig.client, 0), 0);
    ask(&rig);
    ck_assert_int_eq(gnutls_record_recv(rig.server, bytes, sizeof bytes), GNUTLS_E_INTERRUPTED);
    assert_asked(&rig);
    ck_assert_int_eq(gnutls_record_recv(rig.server, bytes, sizeof bytes), GNUTLS_E_AGAIN);
    close_rig(&rig);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, what_is_said_in_a_handshake_leaves_in_one_piece);
    tcase_add_test(tests, what_does_not_fit_is_sent_later);
    tcase_add_test(tests, who_is_gone_is_an_error);
    tcase_add_test(tests, one_read_takes_several_records_and_keeps_nothing);
    tcase_add_test(tests, to_come_again_means_that_there_is_nothing);
}

int
main(void)
{
    return run_tests("front_tlsio", add);
}
