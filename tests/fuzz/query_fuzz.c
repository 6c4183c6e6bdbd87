/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of a query. Whatever it is, the request is answered at most once, with JSON. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>

#include "api/fields.h"
#include "tests/unit/fake_sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT, FLAG, NUMBER, ANY, FIELD_COUNT };
static const struct gh_field fields[FIELD_COUNT] = {
    [TEXT] = {"t", GH_FIELD_TEXT, true},
    [FLAG] = {"f", GH_FIELD_BOOL, false},
    [NUMBER] = {"i", GH_FIELD_INT, false},
    [ANY] = {"a", GH_FIELD_ANY, false},
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fake_request fake;
    struct gh_value values[FIELD_COUNT];
    struct gh_buf target = {0};

    gh_buf_add_text(&target, "/x?");
    gh_buf_add(&target, bytes, len);
    if (fake_request_init(&fake, GH_GET, (char *)target.bytes, target.len, NULL, 0) == 0) {
        if (gh_fields_query(&fake.request, fields, FIELD_COUNT, values) == 0) {
            assert(fake.answers == 0 && values[TEXT].is_given);
            gh_fields_done(values, FIELD_COUNT);
        } else {
            json_t *tree =
                json_loadb((char *)fake.answer.bytes, fake.answer.len, JSON_ALLOW_NUL, NULL);
            assert(fake.answers == 1 && fake.status == 422);
            assert(json_is_array(json_object_get(tree, "detail")));
            json_decref(tree);
        }
    }
    fake_request_done(&fake);
    gh_buf_done(&target);
    return 0;
}
