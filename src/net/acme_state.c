/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_state.c - how the order of a name stands, kept over restarts: a CA counts failed orders by the
 * hour, whoever was started how often meanwhile. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/acme_store.h"

static char *
path_of(const char *name)
{
    return gh_asprintf("certs/%s.json", name);
}

static char *
text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? gh_strdup(text) : NULL;
}

void
gh_acme_state_read(const struct gh_acme_store *store, const char *name,
                   struct gh_acme_state *state_out)
{
    char *path GH_SCOPED(gh_free) = path_of(name);
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    *state_out = (struct gh_acme_state){0};
    if (gh_acme_store_read(store, path, &text, NULL) != GH_OK)
        return;
    json_t *json = json_loadb((const char *)text.bytes, text.len, 0, NULL);
    json_int_t failures = json_integer_value(json_object_get(json, "failures"));
    *state_out = (struct gh_acme_state){
        .failures = failures > 0 && failures < 1000 ? (unsigned)failures : 0,
        .next_try_s = json_integer_value(json_object_get(json, "next_try_s")),
        .problem = text_in(json, "problem"),
        .by_alpn = json_is_true(json_object_get(json, "by_alpn")),
        .order_url = text_in(json, "order_url"),
        .order_key_pem = text_in(json, "order_key_pem"),
    };
    json_decref(json);
    if (text.bytes)
        explicit_bzero(text.bytes, text.len);
}

int
gh_acme_state_write(const struct gh_acme_store *store, const char *name,
                    const struct gh_acme_state *state, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = path_of(name);
    json_t *json = json_pack("{s:i, s:I, s:b, s:s*, s:s*, s:s*}", "failures", (int)state->failures,
                             "next_try_s", (json_int_t)state->next_try_s, "by_alpn", state->by_alpn,
                             "problem", state->problem, "order_url", state->order_url,
                             "order_key_pem", state->order_key_pem);
    char *text = json_dumps(json, JSON_INDENT(2));

    int rc = gh_acme_store_write(store, path, (struct gh_slice){text, strlen(text)}, err);
    explicit_bzero(text, strlen(text));
    free(text);
    json_decref(json);
    return rc;
}

static void
drop_secret(char **text_of)
{
    if (*text_of)
        explicit_bzero(*text_of, strlen(*text_of));
    gh_free(text_of);
}

void
gh_acme_state_set_order(struct gh_acme_state *state, const char *url, struct gh_slice key_pem)
{
    gh_free(&state->order_url);
    drop_secret(&state->order_key_pem);
    if (!url)
        return;
    state->order_url = gh_strdup(url);
    state->order_key_pem = gh_strndup(key_pem.bytes, key_pem.len);
}

void
gh_acme_state_set_problem(struct gh_acme_state *state, const char *problem)
{
    free(state->problem);
    state->problem = problem ? gh_strdup(problem) : NULL;
}

void
gh_acme_state_done(struct gh_acme_state *state)
{
    gh_acme_state_set_order(state, NULL, (struct gh_slice){0});
    gh_acme_state_set_problem(state, NULL);
}
