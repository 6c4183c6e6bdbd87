/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/selfsigned.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "tls/files.h"
#include "tls/pair.h"

#define LIFE_S (365 * 24 * 3600)
#define BACKDATE_S 3600 /* for clients whose clocks are behind */
#define SERIAL_BYTES 16u
#define NAME_MAX_BYTES 64u /* of a common name: RFC 5280 appendix A.1 */

/* ---- making one ---- */

static int
add_name(gnutls_x509_crt_t crt, const char *name)
{
    unsigned char address[16];

    if (inet_pton(AF_INET, name, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 4,
                                                    GNUTLS_FSAN_APPEND);
    if (inet_pton(AF_INET6, name, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 16,
                                                    GNUTLS_FSAN_APPEND);
    return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int
set_names(gnutls_x509_crt_t crt, const struct gh_words *names)
{
    char host[NAME_MAX_BYTES + 1] = "";

    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        strcpy(host, "localhost");
    int rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, host,
                                           (unsigned)strlen(host));
    for (size_t i = 0; rc >= 0 && i < names->count; i++)
        rc = add_name(crt, names->list[i]);
    return rc;
}

/* It is its own authority, since that is how clients are told to trust it: with all that strict ones ask for
 * (Python 3.13 does). Source: RFC 5280 section 4.2. */
static int
set_uses(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    unsigned char id[20];
    size_t id_len = sizeof id;

    int rc = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA1, id, &id_len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_key_id(crt, id, id_len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_authority_key_id(crt, id, id_len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(crt,
                                           GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    return rc;
}

static int
fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct gh_words *names, time_t now)
{
    unsigned char serial[SERIAL_BYTES];

    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40); /* positive, and never short */
    if (rc >= 0)
        rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, now - BACKDATE_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, now + LIFE_S);
    if (rc >= 0)
        rc = set_names(crt, names);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    if (rc >= 0)
        rc = set_uses(crt, key);
    return rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int export(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct gh_buf *out)
{
    gnutls_datum_t crt_pem = {0}, key_pem = {0};

    int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_pem);
    if (rc >= 0)
        rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                               &key_pem);
    if (rc >= 0) {
        gh_buf_reserve(out,
                       crt_pem.size + key_pem.size); /* at once: no copy of a key is left behind */
        gh_buf_add(out, crt_pem.data, crt_pem.size);
        gh_buf_add(out, key_pem.data, key_pem.size);
        explicit_bzero(key_pem.data, key_pem.size);
    }
    gnutls_free(crt_pem.data);
    gnutls_free(key_pem.data);
    return rc;
}

int
gh_selfsigned_make(const struct gh_words *names, time_t now, struct gh_buf *pem_out,
                   struct gh_err *err)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;

    gnutls_x509_privkey_init(&key);
    gnutls_x509_crt_init(&crt);
    int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc >= 0)
        rc = fill(crt, key, names, now);
    if (rc >= 0)
        rc = export(crt, key, pem_out);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    return rc >= 0 ? GH_OK
                   : gh_err_set(err, GH_E_SYSTEM, "making a certificate: %s", gnutls_strerror(rc));
}

/* ---- keeping it ---- */

time_t
gh_selfsigned_renewal(const struct gh_pair *pair)
{
    const struct gh_pair_facts *facts = gh_pair_facts(pair);

    return facts->not_after - (facts->not_after - facts->not_before) / 3;
}

static bool
serves(const struct gh_pair *pair, const struct gh_words *names, time_t now)
{
    if (now >= gh_selfsigned_renewal(pair) || gh_pair_problem(pair, now))
        return false;
    for (size_t i = 0; i < names->count; i++)
        if (!gh_pair_covers(pair, names->list[i]))
            return false;
    return true;
}

static int
parse(const struct gh_buf *pem, struct gh_pair **pair_out, struct gh_err *err)
{
    struct gh_slice text = {pem->bytes ? (const char *)pem->bytes : "", pem->len};

    return gh_pair_make(text, text, pair_out, err);
}

/* NULL when there is none that serves. */
static struct gh_pair *
load(const char *path, const struct gh_words *names, time_t now)
{
    struct gh_buf pem GH_SCOPED(gh_files_wipe) = {0};
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;
    struct gh_err err;

    if (access(path, F_OK) != 0)
        return NULL;
    int rc = gh_files_read_key(path, &pem, &err);
    if (rc == GH_OK)
        rc = parse(&pem, &pair, &err);
    if (rc != GH_OK)
        gh_log(GH_LOG_WARN, "tls.self_signed_unusable", "reason=%s", gh_log_quote(err.text));
    return rc == GH_OK && serves(pair, names, now) ? gh_take(pair) : NULL;
}

/* Under another name first: a reader finds the old one or the new one, whole. */
static int
save(const char *path, const struct gh_buf *pem, struct gh_err *err)
{
    char *fresh GH_SCOPED(gh_free) = gh_asprintf("%s.new", path);
    char *folder GH_SCOPED(gh_free) = gh_strndup(path, (size_t)(strrchr(path, '/') - path));

    mkdir(folder, 0700);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written =
        fd >= 0 && write(fd, pem->bytes, pem->len) == (ssize_t)pem->len && fsync(fd) == 0;
    int problem = errno;
    if (fd >= 0)
        close(fd);
    if (is_written && rename(fresh, path) == 0)
        return GH_OK;
    if (is_written)
        problem = errno;
    unlink(fresh);
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", path, strerror(problem));
}

int
gh_selfsigned_get(const char *state, const struct gh_words *names, time_t now,
                  struct gh_pair **pair_out, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/tls/self-signed.pem", state);
    struct gh_buf pem GH_SCOPED(gh_files_wipe) = {0};

    *pair_out = load(path, names, now);
    if (*pair_out)
        return GH_OK;
    int rc = gh_selfsigned_make(names, now, &pem, err);
    if (rc == GH_OK)
        rc = save(path, &pem, err);
    if (rc == GH_OK)
        rc = parse(&pem, pair_out, err);
    if (rc == GH_OK)
        gh_log(GH_LOG_INFO, "tls.self_signed_made", "file=%s fingerprint=%s", gh_log_quote(path),
               gh_pair_facts(*pair_out)->fingerprint);
    return rc;
}
