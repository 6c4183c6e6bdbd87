/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_reply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "net/acme_time.h"

#define TYPE_PREFIX "urn:ietf:params:acme:error:"
#define PROBLEM_MAX_CHARS 900
#define SUBPROBLEMS_MAX 5u

static const char *
text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* The type without its prefix, which all that RFC 8555 names have. */
static const char *
type_of(const json_t *error)
{
    const char *type = text_in(error, "type");
    size_t prefix = sizeof TYPE_PREFIX - 1;

    return strncmp(type, TYPE_PREFIX, prefix) == 0 ? type + prefix : type;
}

void
gh_acme_add_problem(const json_t *error, struct gh_buf *out)
{
    const json_t *inner = json_object_get(error, "subproblems");

    gh_buf_addf(out, "%.64s: %.400s", type_of(error), text_in(error, "detail"));
    for (size_t i = 0; i < json_array_size(inner) && i < SUBPROBLEMS_MAX; i++) {
        const json_t *one = json_array_get(inner, i);
        gh_buf_addf(out, "; %.64s: %.200s", type_of(one), text_in(one, "detail"));
    }
}

static void
read_problem(struct gh_acme_answer *answer)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    snprintf(answer->type, sizeof answer->type, "%s", type_of(answer->json));
    gh_acme_add_problem(answer->json, &text);
    snprintf(answer->problem, sizeof answer->problem, "the CA answers %u, %.*s",
             answer->reply.status, PROBLEM_MAX_CHARS, gh_buf_text(&text));
}

static enum gh_acme_outcome
outcome_of(const struct gh_acme_answer *answer, const struct gh_net_answer *from)
{
    unsigned status = from->status;

    if (status >= 200 && status < 300)
        return GH_ACME_OK;
    if (status == 429 || strcmp(answer->type, "rateLimited") == 0 ||
        (status == 503 && answer->reply.retry_after_s > 0))
        return GH_ACME_LIMITED;
    return status >= 400 && status < 500 ? GH_ACME_REFUSED : GH_ACME_UNREACHABLE;
}

void
gh_acme_answer_read(struct gh_acme_answer *answer, const struct gh_net_answer *from)
{
    const char *location = from->header(from, "Location");

    *answer = (struct gh_acme_answer){0};
    answer->location = location ? gh_strdup(location) : NULL;
    answer->json = json_loadb(from->body.bytes, from->body.len, JSON_REJECT_DUPLICATES, NULL);
    answer->reply = (struct gh_acme_reply){
        .status = from->status,
        .json = answer->json,
        .body = from->body,
        .location = answer->location,
        .retry_after_s =
            gh_acme_retry_after(from->header(from, "Retry-After"), (int64_t)time(NULL)),
        .type = answer->type,
        .problem = answer->problem,
    };
    if (from->status == 0)
        snprintf(answer->problem, sizeof answer->problem, "%s", from->problem);
    else if (from->status >= 300 && json_is_string(json_object_get(answer->json, "type")))
        read_problem(answer);
    else if (from->status >= 300)
        snprintf(answer->problem, sizeof answer->problem, "the CA answers %u", from->status);
    answer->reply.outcome = outcome_of(answer, from);
}

void
gh_acme_answer_blame(struct gh_acme_answer *answer, const char *doing)
{
    char what[sizeof answer->problem];

    snprintf(what, sizeof what, "%s",
             answer->problem[0] ? answer->problem : "its answer makes no sense");
    snprintf(answer->problem, sizeof answer->problem, "%s: %.*s", doing, PROBLEM_MAX_CHARS, what);
    if (answer->reply.outcome == GH_ACME_OK || answer->reply.outcome == GH_ACME_REFUSED)
        answer->reply.outcome = GH_ACME_UNREACHABLE;
}

void
gh_acme_answer_done(struct gh_acme_answer *answer)
{
    json_decref(answer->json);
    free(answer->location);
}
