/* SPDX-License-Identifier: Apache-2.0
 *
 * What a CA sends that is read by hand: times, Retry-After, keys of external accounts, tokens, problem documents,
 * and the leaf of a chain. The first byte says which. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "net/acme_cert.h"
#include "net/acme_challenge.h"
#include "net/acme_reply.h"
#include "net/acme_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
no_header(const struct gh_net_answer *answer, const char *name)
{
    (void)answer;
    (void)name;
    return NULL;
}

/* An answer with BODY, whose outcome must fit its status. */
static void
read_reply(const char *body, size_t len)
{
    static const unsigned statuses[] = {0, 200, 400, 429, 503};
    struct gh_acme_answer answer;

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct gh_net_answer from = {
            .status = statuses[i], .problem = "none", .body = {body, len}, .header = no_header};
        gh_acme_answer_read(&answer, &from);
        if ((answer.reply.outcome == GH_ACME_OK) != (statuses[i] == 200))
            abort();
        gh_acme_answer_blame(&answer, "fuzzing");
        if (!*answer.reply.problem)
            abort();
        gh_acme_answer_done(&answer);
    }
}

static void
read_base64url(const char *text, size_t len)
{
    struct gh_buf bytes = {0};

    if (gh_base64url_read(&bytes, text, len) == GH_OK && bytes.len > len)
        abort();
    gh_buf_done(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_acme_cert cert;

    if (size == 0)
        return 0;
    char *text GH_SCOPED(gh_free) = gh_strndup((const char *)data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        if (gh_acme_time(text) < -1)
            abort();
        break;
    case 1:
        if (gh_acme_retry_after(text, 1795664405) > 7 * 86400)
            abort();
        break;
    case 2:
        read_base64url((const char *)data + 1, size - 1);
        break;
    case 3:
        if (gh_acme_challenge_is_token(text) && (strchr(text, '/') || strlen(text) > 512))
            abort();
        break;
    case 4:
        read_reply(text, size - 1);
        break;
    default:
        if (gh_acme_cert_read((struct gh_slice){text, size - 1}, &cert, NULL) == GH_OK &&
            strlen(cert.id) >= GH_ACME_CERT_ID_BYTES)
            abort();
    }
    return 0;
}
