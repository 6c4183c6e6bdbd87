/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "den/uri.h"
#include "net/http.h"

struct gh_denask {
    struct part {
        struct gh_denask *ask;
        enum gh_den_question question;
        struct gh_net_request *request; /* NULL: not asked, or answered */
    } parts[GH_DEN_QUESTIONS];
    unsigned open;
    char problem[160]; /* "" while there is none */
    struct gh_denask_answer answer;
    void (*fn)(void *context, const struct gh_denask_answer *answer);
    void *context;
};

/* ---- what Den said ---- */

/* The first problem is the one that is told. */
static void GH_PRINTF(2, 3) fail(struct gh_denask *ask, const char *format, ...)
{
    va_list args;

    if (ask->problem[0])
        return;
    va_start(args, format);
    vsnprintf(ask->problem, sizeof ask->problem, format, args);
    va_end(args);
}

static void
read_answer(struct gh_denask *ask, enum gh_den_question question,
            const struct gh_net_answer *answer)
{
    struct gh_err err;

    if (answer->status == 0)
        fail(ask, "%s: %s", gh_denword_name(question),
             answer->problem ? answer->problem : "no answer");
    else if (gh_denword_read(&ask->answer.word, question, answer->status, answer->body, &err) !=
             GH_OK)
        fail(ask, "%s", err.text);
}

static void
on_answer(void *context, const struct gh_net_answer *answer)
{
    struct part *part = context;
    struct gh_denask *ask = part->ask;

    part->request = NULL;
    read_answer(ask, part->question, answer);
    if (--ask->open > 0)
        return;
    ask->answer.problem = ask->problem[0] ? ask->problem : NULL;
    ask->fn(ask->context, &ask->answer);
    free(ask);
}

/* ---- the questions ---- */

static void
put(struct gh_denask *ask, struct gh_net *net, const struct gh_denask_order *order,
    enum gh_den_question question)
{
    static const char *const paths[GH_DEN_QUESTIONS] = {"user", "resource/", "auth/token/cluster/"};
    struct part *part = &ask->parts[question];
    char *token GH_SCOPED(gh_free) = gh_strndup(order->token.bytes, order->token.len);
    char *url GH_SCOPED(gh_free) = gh_den_url(order->url, paths[question], order->uri, "");
    const struct gh_net_order get = {
        .method = "GET",
        .url = url,
        .bearer = token,
        .timeout_ms = order->timeout_ms,
        .answer_max_bytes = GH_DENASK_ANSWER_MAX_BYTES,
        .ca_file = order->ca_file,
    };

    *part = (struct part){.ask = ask, .question = question};
    ask->open++;
    part->request = gh_net_ask(net, &get, on_answer, part);
    explicit_bzero(token, order->token.len);
}

struct gh_denask *
gh_denask_start(struct gh_net *net, const struct gh_denask_order *order,
                void (*fn)(void *context, const struct gh_denask_answer *answer), void *context)
{
    struct gh_denask *ask = gh_alloc(sizeof *ask);

    ask->fn = fn;
    ask->context = context;
    if (!*order->uri) {
        put(ask, net, order, GH_DEN_ASKS_USER);
        return ask;
    }
    put(ask, net, order, GH_DEN_ASKS_LEVEL);
    if (order->asks_validity)
        put(ask, net, order, GH_DEN_ASKS_VALIDITY);
    return ask;
}

void
gh_denask_cancel(struct gh_denask *ask)
{
    if (!ask)
        return;
    for (int i = 0; i < GH_DEN_QUESTIONS; i++)
        if (ask->parts[i].request)
            gh_net_cancel(ask->parts[i].request);
    free(ask);
}
