/* SPDX-License-Identifier: Apache-2.0 */
#include "api/validity.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/routes.h"
#include "wire/reply.h"

#define VALID_FOR_MAX_S (100ll * 366 * 86400)

int
gh_validity_take(struct gh_request *request, const struct gh_value *expires,
                 const struct gh_value *valid_for, int64_t *expires_s_out)
{
    int64_t now_s = (int64_t)time(NULL);
    const struct gh_value *value = expires->is_given ? expires : valid_for;
    const char *field = expires->is_given ? "expires_s" : "valid_for_s";
    long long number = value->number;

    *expires_s_out = 0;
    if (expires->is_given && valid_for->is_given) {
        gh_fields_refuse(request, "body", "valid_for_s", "value_error",
                         "Give expires_s or valid_for_s, not both", valid_for->raw);
        return -1;
    }
    if (!value->is_given)
        return 0;
    if (value == valid_for && number > 0 && number <= VALID_FOR_MAX_S)
        number += now_s;
    else if (value == valid_for)
        number = 0;
    if (number <= now_s || number > now_s + VALID_FOR_MAX_S) {
        gh_fields_refuse(request, "body", field, "value_error",
                         "A token must be good for some time: 1 second to 100 years from now",
                         value->raw);
        return -1;
    }
    *expires_s_out = number;
    return 0;
}

int
gh_validity_take_id(struct gh_request *request, int64_t *id_out)
{
    struct gh_slice text = request->url.segments[gh_route_segment(request->route, "{id}")];

    *id_out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || text.len > 18) {
            gh_fields_refuse(request, "path", "id", "int_parsing",
                             "Input should be the number of a token", (struct gh_slice){"null", 4});
            return -1;
        }
        *id_out = *id_out * 10 + (text.bytes[i] - '0');
    }
    return 0;
}

void
gh_reply_secret(struct gh_request *request, json_t *tree)
{
    struct gh_buf out = {0};
    char *text = json_dumps(tree, JSON_COMPACT);

    gh_buf_add_text(&out, text);
    explicit_bzero(text, strlen(text)); /* a new token is in it; the answer's copy is on its way */
    free(text);
    json_decref(tree);
    gh_reply_json(request, 200, &out);
}
