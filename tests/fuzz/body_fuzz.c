/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON body: scanned, and its fields of every type read. Whatever it is, the request is answered at
 * most once, with JSON. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>

#include "api/fields.h"
#include "tests/unit/fake_sink.h"
#include "wire/jsonscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Short names, so that the fuzzer finds them. */
enum { TEXT, NAME, FLAG, NUMBER, BOTH, OBJECT, MAP, LIST, ANY, FIELD_COUNT };
static const struct gh_field fields[FIELD_COUNT] = {
    [TEXT] = {"t", GH_FIELD_TEXT, false},        [NAME] = {"n", GH_FIELD_NAME, false},
    [FLAG] = {"f", GH_FIELD_BOOL, false},        [NUMBER] = {"i", GH_FIELD_INT, false},
    [BOTH] = {"b", GH_FIELD_TEXT_OR_INT, false}, [OBJECT] = {"o", GH_FIELD_OBJECT, false},
    [MAP] = {"m", GH_FIELD_VARIABLES, false},    [LIST] = {"l", GH_FIELD_TEXT_LIST, false},
    [ANY] = {"a", GH_FIELD_ANY, true},
};

/* The members lie in the document, one behind the other. */
static void
scan(const char *text, size_t len)
{
    struct gh_jsonscan state;
    struct gh_slice name, value;
    enum gh_jsonscan_result result;
    const char *cursor = text;

    gh_jsonscan_start(&state, text, len);
    while ((result = gh_jsonscan_next(&state, &name, &value)) == GH_JSONSCAN_MEMBER) {
        assert(name.len >= 2 && name.bytes[0] == '"' && name.bytes[name.len - 1] == '"');
        assert(name.bytes > cursor && value.bytes > name.bytes + name.len && value.len > 0);
        cursor = value.bytes + value.len - 1;
        assert(cursor < text + len);
    }
    assert(state.offset <= len);
    assert((result == GH_JSONSCAN_BROKEN) == (state.problem != NULL));
}

static void
check_answer(const struct fake_request *fake)
{
    json_t *tree =
        json_loadb((const char *)fake->answer.bytes, fake->answer.len, JSON_ALLOW_NUL, NULL);

    assert(fake->answers == 1 && fake->status == 422);
    assert(json_is_array(json_object_get(tree, "detail")));
    json_decref(tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fake_request fake;
    struct gh_value values[FIELD_COUNT];

    scan((const char *)bytes, len);
    fake_request_init(&fake, GH_POST, "/x", 2, (const char *)bytes, len);
    if (gh_fields_body(&fake.request, fields, FIELD_COUNT, values) == 0) {
        assert(fake.answers == 0);
        gh_fields_done(values, FIELD_COUNT);
    } else {
        check_answer(&fake);
    }
    fake_request_done(&fake);
    return 0;
}
