/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denask.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "den/uri.h"
#include "net/http.h"
#include "wire/tokentext.h"

enum question { USER, LEVEL, VALIDITY, QUESTIONS };

struct gh_denask {
    struct part {
        struct gh_denask *ask;
        enum question question;
        struct gh_net_request *request; /* NULL: not asked, or answered */
    } parts[QUESTIONS];
    unsigned open;
    char problem[160]; /* "" while there is none */
    struct gh_denask_answer answer;
    void (*fn)(void *context, const struct gh_denask_answer *answer);
    void *context;
};

/* ---- what Den said ---- */

static void
fail(struct gh_denask *ask, const char *what, const char *why)
{
    if (!ask->problem[0])
        snprintf(ask->problem, sizeof ask->problem, "%s: %s", what, why);
}

/* The object "data" of the answer; NULL when it has none. */
static json_t *
data_of(const struct gh_net_answer *answer, json_t **root_out)
{
    *root_out = json_loadb(answer->body.bytes, answer->body.len, 0, NULL);
    json_t *data = json_object_get(*root_out, "data");
    return json_is_object(data) ? data : NULL;
}

static void
read_user(struct gh_denask *ask, const struct gh_net_answer *answer)
{
    json_t *root, *data = data_of(answer, &root);
    const char *name = json_string_value(json_object_get(data, "username"));

    if (!name)
        fail(ask, "GET /user", "the answer has no data.username");
    else if (!gh_token_user_is_valid((struct gh_slice){name, strlen(name)}))
        fail(ask, "GET /user", "data.username is no name");
    else
        snprintf(ask->answer.word.user, sizeof ask->answer.word.user, "%s", name);
    json_decref(root);
}

/* A level of another name gives no right: it may mean anything. */
static void
read_level(struct gh_denask *ask, const struct gh_net_answer *answer)
{
    json_t *root, *data = data_of(answer, &root);
    const json_t *level = json_object_get(data, "access_level");

    if (!data || (level && !json_is_null(level) && !json_is_string(level)))
        fail(ask, "GET /resource", "the answer has no data.access_level");
    else if (json_is_string(level) && strcmp(json_string_value(level), "write") == 0)
        ask->answer.word.level = GH_LEVEL_WRITE;
    else if (json_is_string(level) && strcmp(json_string_value(level), "read") == 0)
        ask->answer.word.level = GH_LEVEL_READ;
    json_decref(root);
}

/* Of an answer that is none of Den's "no" nothing is known: it may be a proxy's, or come of overload. */
static bool
is_no(unsigned status)
{
    return status == 400 || status == 401 || status == 403 || status == 404 || status == 422;
}

static void
read_answer(struct gh_denask *ask, enum question question, const struct gh_net_answer *answer)
{
    static const char *const names[QUESTIONS] = {"GET /user", "GET /resource",
                                                 "GET /auth/token/cluster"};
    char why[40];

    snprintf(why, sizeof why, "status %u", answer->status);
    if (answer->status == 0)
        fail(ask, names[question], answer->problem ? answer->problem : "no answer");
    else if (is_no(answer->status))
        return;
    else if (answer->status != 200)
        fail(ask, names[question], why);
    else if (question == USER)
        read_user(ask, answer);
    else if (question == LEVEL)
        read_level(ask, answer);
    else
        ask->answer.word.is_valid = true;
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
    enum question question)
{
    static const char *const paths[QUESTIONS] = {"user", "resource/", "auth/token/cluster/"};
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
        put(ask, net, order, USER);
        return ask;
    }
    put(ask, net, order, LEVEL);
    if (order->asks_validity)
        put(ask, net, order, VALIDITY);
    return ask;
}

void
gh_denask_cancel(struct gh_denask *ask)
{
    if (!ask)
        return;
    for (int i = 0; i < QUESTIONS; i++)
        if (ask->parts[i].request)
            gh_net_cancel(ask->parts[i].request);
    free(ask);
}
