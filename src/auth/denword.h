/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/denword.h - what Den's answers say of a token. Den is somebody else's, and so may be what stands between
 * it and us: what is not understood gives no right.
 *
 *     GET /user                      200 {"data": {"username": "alice"}}
 *     GET /resource/URI              200 {"data": {"access_level": "write"}}; null, or another word, is no level
 *     GET /auth/token/cluster/URI    200 says it all
 *
 * 400, 401, 403, 404 and 422 are a "no". Pure functions, any thread. Source: auth.md section 6. */
#ifndef GH_AUTH_DENWORD_H
#define GH_AUTH_DENWORD_H

#include <stdbool.h>

#include "auth/access.h"
#include "base/err.h"
#include "wire/request.h"

enum gh_den_question { GH_DEN_ASKS_USER, GH_DEN_ASKS_LEVEL, GH_DEN_ASKS_VALIDITY };
#define GH_DEN_QUESTIONS 3

/* What Den says of a token. */
struct gh_denask_word {
    char user[GH_REQUEST_USER_BYTES]; /* "": the token is nobody's, or nobody asked */
    bool is_valid;                    /* for the resource, as its owner's own token */
    enum gh_level level;
};

/* "GET /user" and so on. Static. */
const char *gh_denword_name(enum gh_den_question question);

/* Read the answer to QUESTION into its own member of WORD, which stays as it is where the answer is a no.
 * Errors: GH_E_INPUT, it says nothing of the kind; WORD stays as it is. */
int gh_denword_read(struct gh_denask_word *word, enum gh_den_question question, unsigned status,
                    struct gh_slice body, struct gh_err *err) GH_MUST_USE;

#endif
