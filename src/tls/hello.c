/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/hello.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define RECORD_HEAD_BYTES 5u
#define MESSAGE_HEAD_BYTES 4u
#define RANDOM_BYTES 32u

enum {
    RECORD_HANDSHAKE = 22,
    MESSAGE_CLIENT_HELLO = 1,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16, /* RFC 7301 */
    NAME_HOST = 0,
    ECDHE_ECDSA_AES_128_GCM = 0xc02b,
    ECDHE_ECDSA_AES_256_GCM = 0xc02c,
    ECDHE_ECDSA_CHACHA20 = 0xcca9
};

/* What is left to read; NULL once something did not fit. */
struct cursor {
    const uint8_t *at;
    size_t len;
};

static const uint8_t *
take(struct cursor *cursor, size_t len)
{
    const uint8_t *taken = cursor->at;

    if (!taken || len > cursor->len) {
        *cursor = (struct cursor){NULL, 0};
        return NULL;
    }
    cursor->at += len;
    cursor->len -= len;
    return taken;
}

/* A number of SIZE bytes, big endian; 0 when it is not there. */
static size_t
take_number(struct cursor *cursor, size_t size)
{
    const uint8_t *bytes = take(cursor, size);
    size_t number = 0;

    for (size_t i = 0; bytes && i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* What is behind its own length, of SIZE bytes. */
static struct cursor
take_counted(struct cursor *cursor, size_t size)
{
    size_t len = take_number(cursor, size);
    const uint8_t *bytes = take(cursor, len);

    return (struct cursor){bytes, bytes ? len : 0};
}

static struct cursor
find_extension(struct cursor extensions, size_t wanted)
{
    while (extensions.len > 0) {
        size_t kind = take_number(&extensions, 2);
        struct cursor body = take_counted(&extensions, 2);
        if (body.at && kind == wanted)
            return body;
    }
    return (struct cursor){NULL, 0};
}

static struct cursor
find_host(struct cursor list)
{
    while (list.len > 0) {
        size_t kind = take_number(&list, 1);
        struct cursor name = take_counted(&list, 2);
        if (name.at && kind == NAME_HOST)
            return name;
    }
    return (struct cursor){NULL, 0};
}

/* Labels of letters, digits, '-' and '_', the last of which has a letter: else it is an address. */
static bool
copy_host(struct cursor name, char out[GH_CERTS_NAME_BYTES])
{
    bool has_letter = false;
    size_t label_len = 0;

    if (name.len == 0 || name.len >= GH_CERTS_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.at[i];
        if (byte == '.') {
            if (label_len == 0)
                return false;
            label_len = 0;
            has_letter = false;
        } else if (isalnum(byte) || byte == '-' || byte == '_') {
            label_len++;
            has_letter = has_letter || isalpha(byte);
        } else {
            return false;
        }
        out[i] = (char)tolower(byte);
    }
    out[name.len] = '\0';
    return has_letter;
}

/* Does LIST, of protocols, hold that of a challenge? */
static bool
has_challenge(struct cursor list)
{
    while (list.len > 0) {
        struct cursor protocol = take_counted(&list, 1);
        if (protocol.at && protocol.len == strlen(GH_CERTS_CHALLENGE_ALPN) &&
            memcmp(protocol.at, GH_CERTS_CHALLENGE_ALPN, protocol.len) == 0)
            return true;
    }
    return false;
}

/* BODY of a ClientHello. */
static void
read_hello(struct cursor body, char name_out[GH_CERTS_NAME_BYTES])
{
    take(&body, 2 + RANDOM_BYTES); /* legacy version, random */
    take_counted(&body, 1);        /* session id */
    take_counted(&body, 2);        /* cipher suites */
    take_counted(&body, 1);        /* compression methods */
    struct cursor extensions = take_counted(&body, 2);
    struct cursor server_name = find_extension(extensions, EXTENSION_SERVER_NAME);
    struct cursor protocols = find_extension(extensions, EXTENSION_ALPN);
    struct cursor host = find_host(take_counted(&server_name, 2));
    if (!host.at || !copy_host(host, name_out) || has_challenge(take_counted(&protocols, 2)))
        name_out[0] = '\0';
}

size_t
gh_hello_name(const uint8_t *bytes, size_t len, char name_out[GH_CERTS_NAME_BYTES])
{
    struct cursor record = {bytes, len};

    name_out[0] = '\0';
    if (len > 0 && bytes[0] != RECORD_HANDSHAKE)
        return 0;
    if (len < RECORD_HEAD_BYTES)
        return RECORD_HEAD_BYTES;
    take(&record, 3); /* kind, version */
    size_t record_len = take_number(&record, 2);
    if (record_len > GH_HELLO_RECORD_MAX_BYTES - RECORD_HEAD_BYTES ||
        record_len < MESSAGE_HEAD_BYTES)
        return 0;
    if (record.len < record_len)
        return RECORD_HEAD_BYTES + record_len;
    record.len = record_len;
    if (take_number(&record, 1) != MESSAGE_CLIENT_HELLO)
        return 0;
    struct cursor body = take_counted(&record, 3); /* NULL when it goes on in another record */
    if (body.at)
        read_hello(body, name_out);
    return 0;
}

bool
gh_hello_has_ecdsa_cipher(const uint8_t *body, size_t len)
{
    struct cursor hello = {body, len};

    take(&hello, 2 + RANDOM_BYTES); /* legacy version, random */
    take_counted(&hello, 1);        /* session id */
    struct cursor ciphers = take_counted(&hello, 2);
    while (ciphers.len > 0) {
        size_t cipher = take_number(&ciphers, 2);
        if (cipher == ECDHE_ECDSA_AES_128_GCM || cipher == ECDHE_ECDSA_AES_256_GCM ||
            cipher == ECDHE_ECDSA_CHACHA20)
            return true;
    }
    return false;
}
