/* SPDX-License-Identifier: Apache-2.0
 *
 * den/keyring.h - tokens of users.
 *
 * A user's own token is random, is shown once, and is good for all that the user may do. For a node the client
 * asks for another one, which is good for what is in one folder and for no more than to look: a node never
 * learns the user's own. That cluster token is made of the own one by a keyed hash, so that the client gets the
 * same one each time and the file holds nothing but digests.
 *
 * Clients 0.0.20 to 0.0.34 make theirs without asking: SHA-256 of own token and folder. The digest of an
 * own token does not tell what they will send, but their own token comes by whenever they load from a
 * folder, and what they will send to its nodes is taken down then. Source: auth.md section 2. */
#ifndef GH_DEN_KEYRING_H
#define GH_DEN_KEYRING_H

#include "den/den_inner.h"
#include "wire/tokentext.h"

#define GH_DEN_TOKEN_PREFIX "ghd_"
#define GH_DEN_CLUSTER_TOKEN_PREFIX "ghc_"

/* Make USER a token that is good until EXPIRES_S (0: always); its text goes to TEXT_OUT, and nowhere else.
 * Errors: GH_E_INPUT the time is over; GH_E_NO_ROOM GH_DEN_TOKENS_MAX are there; GH_E_SYSTEM. */
int gh_den_token_create(struct gh_den *den, struct gh_den_user *user, int64_t expires_s,
                        char text_out[GH_TOKEN_TEXT_BYTES], const struct gh_den_token **token_out,
                        struct gh_err *err) GH_MUST_USE;

/* The cluster token of OWN, whose text is OWN_TEXT, for FOLDER. Errors: GH_E_NO_ROOM, GH_E_SYSTEM. */
int gh_den_token_for_folder(struct gh_den *den, struct gh_den_token *own, struct gh_slice own_text,
                            struct gh_den_user *folder, char text_out[GH_TOKEN_TEXT_BYTES],
                            struct gh_err *err) GH_MUST_USE;

/* OWN_TEXT, the text of OWN, was sent to ask about something in FOLDER: know what an old client will send to
 * the nodes there. */
void gh_den_token_learn(struct gh_den *den, struct gh_den_token *own, struct gh_slice own_text,
                        struct gh_den_user *folder);

/* Make the token ID worthless, a user's own with all its cluster tokens.
 * Errors: GH_E_NOT_FOUND, GH_E_SYSTEM. */
int gh_den_token_revoke(struct gh_den *den, int64_t id, struct gh_err *err) GH_MUST_USE;

/* The token of that digest that is good at NOW_S, or NULL. Borrowed until a change. */
struct gh_den_token *gh_den_token_find(const struct gh_den *den, const struct gh_digest *digest,
                                       int64_t now_s);

/* Does TOKEN say anything about URI? A cluster token does about its folder alone. */
bool gh_den_token_reaches(const struct gh_den_token *token, struct gh_slice uri);

#endif
