/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse cert show - the certificates that the daemon shows, for people and in PEM. */
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/certask.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/verbs.h"

static void
print_time(const char *label, const json_t *certificate, const char *member)
{
    time_t when = (time_t)gh_facts_number(certificate, member);
    struct tm utc;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", gmtime_r(&when, &utc));
    printf("%-12s %s\n", label, text);
}

static void
print_names(const json_t *certificate)
{
    const char *between = "";
    size_t i;
    const json_t *name;

    printf("%-12s ", "Names:");
    json_array_foreach(json_object_get(certificate, "names"), i, name)
    {
        printf("%s%s", between, json_string_value(name));
        between = ", ";
    }
    printf("\n");
}

/* Readers of PEM skip what stands before it. */
static void
show(const json_t *certificate)
{
    const char *name = gh_facts_text(certificate, "name");
    bool is_self_signed = json_is_true(json_object_get(certificate, "is_self_signed"));
    time_t now = time(NULL);

    if (name)
        printf("%-12s %s\n", "For:", name);
    printf("%-12s %s\n", "Subject:", gh_facts_text(certificate, "subject"));
    printf("%-12s %s\n",
           "Issuer:", is_self_signed ? "itself" : gh_facts_text(certificate, "issuer"));
    print_names(certificate);
    printf("%-12s %s\n", "Key:", gh_facts_text(certificate, "key"));
    print_time("From:", certificate, "not_before_s");
    print_time("Until:", certificate, "not_after_s");
    if ((double)now > gh_facts_number(certificate, "not_after_s"))
        gh_out_text(stdout, GH_STYLE_BAD, "It has expired.\n");
    printf("%-12s %s\n%s", "SHA-256:", gh_facts_text(certificate, "fingerprint"),
           gh_facts_text(certificate, "pem"));
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    json_t *list GH_SCOPED(gh_json_drop) = NULL;
    const json_t *certificate;
    size_t i;

    int rc = gh_cert_ask(cli, &list, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json) {
        gh_out_json(list);
        return GH_EXIT_OK;
    }
    json_array_foreach(list, i, certificate)
    {
        if (i > 0)
            printf("\n");
        show(certificate);
    }
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse cert show", "what the daemon shows to whoever connects"},
    {"gatehouse cert show api.example.org", "the one for that name"},
    {"gatehouse cert show >node.pem && curl --cacert node.pem https://localhost:32300/check",
     "PEM is in it, and what stands before it is skipped"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_cert_show = {
    .name = "cert show",
    .synopsis = "[NAME]",
    .summary = "Print the certificates of this node's HTTPS ports",
    .text = "All of them, the default first; with NAME the one that is shown to who asks for it. "
            "Each with what it "
            "says and in PEM, with those of its issuers. --json prints a list of objects.",
    .examples = examples,
    .words_max = 1,
    .run = run,
};
