/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker says of its keys: the body of KEY_PUT, and then that of KEY_GONE. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pool/pool.h"
#include "store/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct gh_process process = {.name = (char *)(uintptr_t) "p"};
    struct gh_keys keys = {0};
    const char *text = (const char *)bytes;
    json_t *tree = json_loadb(text, len, 0, NULL);
    const char *name = json_string_value(json_object_get(tree, "key"));

    gh_log_setup(GH_LOG_ERR, GH_LOG_TEXT);
    gh_keys_on_put(&keys, &process, NULL, text, len);
    gh_keys_on_put(&keys, &process, NULL, text, len); /* again: it takes its own place */
    if (name) {
        struct gh_slice slice = {name, strlen(name)};
        struct gh_key *key = gh_keys_find(&keys, slice);
        assert(key && key->process == &process && strcmp(key->name, name) == 0);
        gh_keys_on_gone(&keys, &process, (struct gh_slice){text, len});
        gh_keys_on_gone(&keys, &process, slice);
        assert(!gh_keys_find(&keys, slice));
    }
    assert(!keys.by_name);
    gh_keys_done(&keys);
    json_decref(tree);
    return 0;
}
