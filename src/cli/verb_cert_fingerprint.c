/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse cert fingerprint - a line to compare a certificate by. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/certask.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    json_t *list GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_cert_ask(cli, &list, err);
    if (rc != GH_EXIT_OK)
        return rc;
    const json_t *fingerprint = json_object_get(json_array_get(list, 0), "fingerprint");
    if (cli->is_json)
        gh_out_json(fingerprint);
    else
        printf("%s\n", json_string_value(fingerprint));
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse cert fingerprint", "to compare with what a client shows"},
    {"gatehouse cert fingerprint api.example.org", "of the certificate for that name"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_cert_fingerprint = {
    .name = "cert fingerprint",
    .synopsis = "[NAME]",
    .summary = "Print the SHA-256 fingerprint of this node's certificate",
    .text = "In hex with colons, as openssl x509 -fingerprint -sha256 prints it: of the default "
            "certificate, or of "
            "the one that is shown for NAME.",
    .examples = examples,
    .words_max = 1,
    .run = run,
};
