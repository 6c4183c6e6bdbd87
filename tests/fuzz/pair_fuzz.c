/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates, keys and OCSP answers from files: PEM of a chain and its key in one text, or, behind the byte 'o',
 * an OCSP answer for a pair that is sound. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/words.h"
#include "tls/pair.h"
#include "tls/selfsigned.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NOW 1795664405

static void
check(struct gh_pair *pair)
{
    const struct gh_pair_facts *facts = gh_pair_facts(pair);
    struct gh_slice pem = gh_pair_pem(pair);

    assert(facts->subject && facts->issuer && facts->key && strlen(facts->fingerprint) == 95);
    assert(memmem(pem.bytes, pem.len, "BEGIN CERTIFICATE", 17));
    assert(!memmem(pem.bytes, pem.len, "PRIVATE KEY", 11));
    for (size_t i = 0; i < facts->names->count; i++)
        (void)gh_pair_covers(pair, facts->names->list[i]);
    assert(!gh_pair_covers(pair, ""));
    (void)gh_pair_problem(pair, NOW);
}

static void
make(struct gh_slice text)
{
    struct gh_pair *pair = NULL;
    struct gh_err err = {0};

    if (gh_pair_make(text, text, &pair, &err) == GH_OK)
        check(pair);
    else
        assert(!pair && err.code == GH_E_INPUT && err.text[0]);
    gh_pair_unref(&pair);
}

static void
staple(struct gh_slice ocsp)
{
    struct gh_words names = {0};
    struct gh_buf pem = {0};
    struct gh_pair *pair;
    struct gh_err err;

    gh_words_add(&names, "localhost");
    assert(gh_selfsigned_make(&names, NOW, &pem, &err) == GH_OK);
    struct gh_slice text = {(char *)pem.bytes, pem.len};
    assert(gh_pair_make(text, text, &pair, &err) == GH_OK);
    if (gh_pair_staple(pair, ocsp, NOW, &err) != GH_OK)
        assert(err.text[0] && !gh_pair_facts(pair)->is_stapled);
    gh_pair_unref(&pair);
    gh_buf_done(&pem);
    gh_words_done(&names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;

    if (len > 0 && text[0] == 'o')
        staple((struct gh_slice){text + 1, len - 1});
    else
        make((struct gh_slice){text, len});
    return 0;
}
