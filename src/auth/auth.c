/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/bearer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "den/den.h"
#include "den/uri.h"
#include "wire/tokentext.h"

/* ---- the owner ---- */

static struct gh_slice
slice_of(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

/* Clients 0.0.20 to 0.0.34 send HEX+OWNER+USER, HEX being the SHA-256 of token and owner, OWNER the top folder
 * of the node's address. Source: auth.md section 2. */
static void
take_hashed(struct gh_auth *auth, const struct gh_identity *identity, const char *address)
{
    size_t len = address && address[0] == '/' ? strcspn(address + 1, "/") : 0;
    struct gh_buf text = {0};

    if (len == 0 || !identity->user)
        return;
    gh_buf_addf(&text, "%s%.*s", identity->token, (int)len, address + 1);
    struct gh_digest made = gh_digest_of((struct gh_slice){(char *)text.bytes, text.len});
    explicit_bzero(text.bytes, text.len);
    text.len = 0;
    for (size_t i = 0; i < GH_DIGEST_BYTES; i++)
        gh_buf_addf(&text, "%02x", made.bytes[i]);
    gh_buf_addf(&text, "+%.*s+%s", (int)len, address + 1, identity->user);
    auth->has_owner_hashed = true;
    auth->owner_hashed = gh_digest_of((struct gh_slice){(char *)text.bytes, text.len});
    explicit_bzero(text.bytes, text.len);
    gh_buf_done(&text);
}

int
gh_auth_open(struct gh_auth *auth, const struct gh_auth_place *place,
             const struct gh_identity *identity, struct gh_err *err)
{
    struct gh_slice user = {identity->user, identity->user ? strlen(identity->user) : 0};

    *auth = (struct gh_auth){0};
    auth->owner_name = gh_strdup(gh_token_user_is_valid(user) ? identity->user : "owner");
    if (identity->token) {
        auth->has_owner = true;
        auth->owner = gh_digest_of(slice_of(identity->token));
        take_hashed(auth, identity, place->node_address);
    }
    auth->den = place->den;
    gh_denfacts_init(&auth->elsewhere, place->loop, place->net, place->settings, auth->has_owner);
    int rc = gh_tokens_open(&auth->tokens, place->state_dir, err);
    if (rc != GH_OK)
        gh_auth_close(auth);
    return rc;
}

void
gh_auth_close(struct gh_auth *auth)
{
    gh_free(&auth->owner_name);
    gh_tokens_close(&auth->tokens);
    gh_throttle_done(&auth->throttle);
    gh_denfacts_done(&auth->elsewhere);
}

void
gh_auth_stop(struct gh_auth *auth)
{
    gh_denfacts_stop(&auth->elsewhere);
}

void
gh_auth_flush(struct gh_auth *auth)
{
    gh_denfacts_flush(&auth->elsewhere);
}

static bool
has_any_den(const struct gh_auth *auth)
{
    return auth->den || gh_denfacts_has_den(&auth->elsewhere);
}

static const char *
den_name(const struct gh_auth *auth)
{
    if (auth->den)
        return "own";
    return gh_denfacts_has_den(&auth->elsewhere)
               ? gh_log_quote(auth->elsewhere.settings->api_server_url)
               : "none";
}

void
gh_auth_announce(const struct gh_auth *auth)
{
    unsigned count = HASH_COUNT(auth->tokens.by_digest);
    bool has_den = has_any_den(auth);

    gh_log(GH_LOG_INFO, "auth.on", "owner=%s tokens=%u den=%s",
           auth->has_owner ? gh_log_quote(auth->owner_name) : "none", count, den_name(auth));
    if (!auth->has_owner && count == 0 && !has_den)
        gh_log(GH_LOG_WARN, "auth.nobody_gets_in", "note=%s",
               "\"there is no token yet, so only programs of this node get in, by the control "
               "socket: make one with gatehouse token create --user NAME --access write\"");
}

/* ---- by what this node knows itself ---- */

static bool
is_owner(const struct gh_auth *auth, const struct gh_digest *digest)
{
    bool is_own = auth->has_owner && gh_digest_is(digest, &auth->owner);
    bool is_hashed = auth->has_owner_hashed && gh_digest_is(digest, &auth->owner_hashed);
    return is_own || is_hashed;
}

static struct gh_caller
find_caller(const struct gh_auth *auth, const struct gh_digest *digest)
{
    const struct gh_token *token = gh_tokens_find(&auth->tokens, digest, (int64_t)time(NULL));

    if (is_owner(auth, digest))
        return (struct gh_caller){
            .kind = GH_CALLER_KNOWN, .level = GH_LEVEL_WRITE, .user = auth->owner_name};
    if (token)
        return (struct gh_caller){.kind = GH_CALLER_KNOWN,
                                  .level = token->level,
                                  .user = token->user,
                                  .module = token->module};
    return (struct gh_caller){.kind = GH_CALLER_STRANGER, .user = ""};
}

/* ---- by Den ---- */

/* One token in the eyes of Den. */
struct inquiry {
    struct gh_auth *auth;
    struct gh_slice token;
    const struct gh_digest *digest;
    enum gh_denfact_asking asking;
    struct gh_denfact *awaited; /* the first that is asked for */
    bool is_unknown;            /* something could not be had */
};

/* What a Den says of a token at an address, or of the token alone. */
struct word {
    const char *user; /* "": nobody's, or not asked */
    enum gh_level level;
};

static const struct word no_word = {"", GH_LEVEL_NONE};

static struct word
ask_elsewhere(struct inquiry *inquiry, const char *uri)
{
    const struct gh_denfact_name name = {inquiry->token, inquiry->digest, uri};
    struct gh_denfact *fact;

    switch (gh_denfacts_look(&inquiry->auth->elsewhere, &name, inquiry->asking, &fact)) {
    case GH_DENFACT_KNOWN:
        return (struct word){fact->word.user,
                             fact->word.is_valid ? GH_LEVEL_WRITE : fact->word.level};
    case GH_DENFACT_ASKED:
        if (!inquiry->awaited)
            inquiry->awaited = fact;
        return no_word;
    case GH_DENFACT_UNKNOWN:
    default:
        inquiry->is_unknown = true;
        return no_word;
    }
}

static struct word
ask_own(const struct inquiry *inquiry, const char *uri)
{
    struct gh_den_facts facts = gh_den_facts(inquiry->auth->den, inquiry->digest, uri);

    return (struct word){facts.user ? facts.user : "",
                         facts.is_valid ? GH_LEVEL_WRITE : facts.level};
}

/* ADDRESS "" asks for the user alone; no Den knows what has none, and ours not what it would not keep. */
static struct word
inquire(struct inquiry *inquiry, const char *address)
{
    struct gh_buf uri GH_SCOPED(gh_buf_done) = {0};
    bool is_own = inquiry->auth->den;

    if (!address)
        return no_word;
    struct gh_slice text = {address, strlen(address)};
    if (text.len > 0 && !(is_own ? gh_den_uri_of(text, &uri) : gh_den_uri_of_any(text, &uri)))
        return no_word;
    return is_own ? ask_own(inquiry, gh_buf_text(&uri)) : ask_elsewhere(inquiry, gh_buf_text(&uri));
}

static void
learn(struct gh_caller *caller, const char *user, enum gh_level level, enum gh_level on_object)
{
    caller->user = user;
    caller->level = level;
    caller->on_object = on_object;
    if (*user || level != GH_LEVEL_NONE || on_object != GH_LEVEL_NONE)
        caller->kind = GH_CALLER_KNOWN;
}

/* The node first, with the name of whoever asks; the object only when that does not do. */
static enum gh_auth_state
ask_den(struct inquiry *inquiry, const struct gh_auth_question *question,
        struct gh_auth_answer *answer)
{
    const struct gh_object *object = &question->object;

    struct word user = inquire(inquiry, "");
    struct word node = inquire(inquiry, question->node_address);
    answer->fact = inquiry->awaited;
    if (answer->fact)
        return GH_AUTH_WAITS;
    learn(&answer->caller, user.user, node.level, GH_LEVEL_NONE);
    answer->verdict = gh_access_decide(&answer->caller, question->need, object);
    if (answer->verdict == GH_ALLOWED)
        return GH_AUTH_DECIDED;

    if (question->need == GH_NEED_OBJECT) {
        struct word its = inquire(inquiry, object->address);
        answer->fact = inquiry->awaited;
        if (answer->fact)
            return GH_AUTH_WAITS;
        learn(&answer->caller, user.user, node.level, its.level);
        answer->verdict = gh_access_decide(&answer->caller, question->need, object);
    }
    bool is_open =
        answer->verdict != GH_ALLOWED && inquiry->is_unknown && question->asking == GH_DENFACT_ASK;
    answer->retry_after_s = is_open ? gh_denfacts_retry_s(&inquiry->auth->elsewhere) : 0;
    return is_open ? GH_AUTH_CANNOT_SAY : GH_AUTH_DECIDED;
}

/* Not those that this node made and does not know (any more), which are nobody else's business, nor what is
 * longer than any token. */
static bool
is_askable(struct gh_slice token)
{
    size_t len = strlen(GH_TOKEN_PREFIX);
    return token.len <= GH_AUTH_ASKED_MAX_BYTES &&
           (token.len < len || memcmp(token.bytes, GH_TOKEN_PREFIX, len) != 0);
}

enum gh_auth_state
gh_auth_decide(struct gh_auth *auth, const struct gh_auth_question *question,
               struct gh_auth_answer *answer)
{
    struct gh_slice token = gh_bearer_token(question->authorization);
    struct gh_digest digest;

    *answer = (struct gh_auth_answer){.caller = {.kind = GH_CALLER_NOBODY, .user = ""}};
    if (token.len > 0) {
        digest = gh_digest_of(token);
        answer->caller = find_caller(auth, &digest);
    }
    answer->verdict = gh_access_decide(&answer->caller, question->need, &question->object);
    if (answer->verdict == GH_ALLOWED || answer->caller.kind != GH_CALLER_STRANGER ||
        !has_any_den(auth) || (!auth->den && !is_askable(token)))
        return GH_AUTH_DECIDED;
    struct inquiry inquiry = {auth, token, &digest, question->asking, NULL, false};
    return ask_den(&inquiry, question, answer);
}
