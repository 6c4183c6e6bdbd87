/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denword.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "wire/tokentext.h"

const char *
gh_denword_name(enum gh_den_question question)
{
    static const char *const names[GH_DEN_QUESTIONS] = {"GET /user", "GET /resource",
                                                        "GET /auth/token/cluster"};
    return names[question];
}

/* The object "data" of BODY; NULL when it has none. */
static json_t *
data_of(struct gh_slice body, json_t **root_out)
{
    *root_out = json_loadb(body.bytes, body.len, 0, NULL);
    json_t *data = json_object_get(*root_out, "data");
    return json_is_object(data) ? data : NULL;
}

/* Each of these returns what is wrong, or NULL. */

static const char *
read_user(struct gh_denask_word *word, struct gh_slice body)
{
    const char *problem = NULL;
    json_t *root, *data = data_of(body, &root);
    const char *name = json_string_value(json_object_get(data, "username"));

    if (!name)
        problem = "the answer has no data.username";
    else if (!gh_token_user_is_valid((struct gh_slice){name, strlen(name)}))
        problem = "data.username is no name";
    else
        snprintf(word->user, sizeof word->user, "%s", name);
    json_decref(root);
    return problem;
}

/* A level of another name gives no right: it may mean anything. */
static const char *
read_level(struct gh_denask_word *word, struct gh_slice body)
{
    const char *problem = NULL;
    json_t *root, *data = data_of(body, &root);
    const json_t *level = json_object_get(data, "access_level");

    if (!data || (level && !json_is_null(level) && !json_is_string(level)))
        problem = "the answer has no data.access_level";
    else if (json_is_string(level) && strcmp(json_string_value(level), "write") == 0)
        word->level = GH_LEVEL_WRITE;
    else if (json_is_string(level) && strcmp(json_string_value(level), "read") == 0)
        word->level = GH_LEVEL_READ;
    json_decref(root);
    return problem;
}

/* The status is the answer, as upstream has it. */
static const char *
read_validity(struct gh_denask_word *word, struct gh_slice body)
{
    (void)body;
    word->is_valid = true;
    return NULL;
}

/* Of an answer that is none of Den's "no" nothing is known: it may be a proxy's, or come of overload. */
static bool
is_no(unsigned status)
{
    return status == 400 || status == 401 || status == 403 || status == 404 || status == 422;
}

int
gh_denword_read(struct gh_denask_word *word, enum gh_den_question question, unsigned status,
                struct gh_slice body, struct gh_err *err)
{
    static const char *(*const readers[GH_DEN_QUESTIONS])(
        struct gh_denask_word *, struct gh_slice) = {read_user, read_level, read_validity};

    if (is_no(status))
        return GH_OK;
    if (status != 200)
        return gh_err_set(err, GH_E_INPUT, "%s: status %u", gh_denword_name(question), status);
    const char *problem = readers[question](word, body);
    return problem ? gh_err_set(err, GH_E_INPUT, "%s: %s", gh_denword_name(question), problem)
                   : GH_OK;
}
