/* SPDX-License-Identifier: Apache-2.0
 *
 * api/admit.h - who asks, and may they? Looked at when the head is here, before a byte of the body is
 * taken, and a second time by the few routes whose body says what they are about.
 *
 * Who may not is answered here: 401 without a token, 403 with one that does not reach, 429 while an address
 * that presents wrong tokens is to wait, 503 while it takes a Den that does not answer. Callers on the control
 * socket are the node itself and may do everything. Source: auth.md sections 3 to 5; the table is in
 * docs/security.md. Loop thread only. */
#ifndef GH_API_ADMIT_H
#define GH_API_ADMIT_H

#include <stdbool.h>

#include "auth/access.h"

struct gh_api;
struct gh_request;

enum gh_admission {
    GH_ADMITTED,
    GH_REFUSED,         /* it has been answered */
    GH_ADMISSION_WAITS, /* for Den; the step that was passed is done again when it has answered */
};

/* What asked for the admission; it does so again when the admission had to wait. */
typedef void gh_admit_step(struct gh_api *api, struct gh_request *request);

/* May REQUEST, whose route is known, go on? Sets its user. While it waits, the request's on_gone is ours. */
enum gh_admission gh_admit(struct gh_api *api, struct gh_request *request, gh_admit_step *step);

/* The same for what its body asks: NEED, of KEY where that is about an object. */
enum gh_admission gh_admit_for(struct gh_api *api, struct gh_request *request, enum gh_need need,
                               struct gh_slice key, gh_admit_step *step);

/* REQUEST came with a wrong token. How many seconds its address is to wait before the next one is looked at. */
unsigned gh_admit_count_failure(struct gh_api *api, struct gh_request *request);

/* May whoever sent REQUEST see what the whole node does, as far as that is known? Asks and answers nothing. */
bool gh_admit_sees_node(struct gh_api *api, struct gh_request *request);

/* May REQUEST carry data in that SERIALIZATION to a worker, for KEY (empty: for none)? Pickles from the network
 * are refused where the setting refuse_pickle says so, or the declaration of the module KEY. False: it has been
 * answered, with 415. */
bool gh_admit_data(struct gh_api *api, struct gh_request *request,
                   enum gh_serialization serialization, struct gh_slice key);

#endif
