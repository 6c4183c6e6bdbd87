/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of a folder's put, the path in the first line. They are written into a folder of the
 * fuzzer's own, if they can be; whatever they are, nothing appears outside of it, and what cannot be
 * written is told. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "node/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_path(const char *text)
{
    char *path = gh_folder_path(text);

    assert(path[0] == '/');
    assert(!strstr(path, "//") && !strstr(path, "/./"));
    free(path);
}

static void
check_fault(const struct gh_fault *fault)
{
    size_t len = strlen(fault->text), used;

    assert(fault->status == 200 || fault->status >= 400);
    for (size_t at = 0; at < len; at += used) {
        used = gh_jsontext_utf8_len(fault->text + at, len - at);
        assert(used > 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    const char *newline = len ? memchr(text, '\n', len) : NULL;
    size_t first_len = newline ? (size_t)(newline - text) : len;
    struct gh_slice contents = {newline ? newline + 1 : text + len,
                                newline ? len - first_len - 1 : 0};
    char *first = gh_strndup(text, first_len);
    char base[] = "/tmp/gatehouse-fuzz.XXXXXX";
    struct gh_fault fault = {0};

    if (first[0])
        check_path(first);
    assert(mkdtemp(base));
    char *inside = gh_asprintf("%s/in", base);
    assert(mkdir(inside, 0700) == 0);
    if (gh_folder_put(inside, contents, "wb", true, &fault) != 0)
        check_fault(&fault);
    gh_fault_done(&fault);
    int rc = gh_folder_rm(inside, NULL, 0, true, &fault);
    assert(rc == 0);
    assert(rmdir(base) == 0); /* fails when something else was written */
    free(inside);
    free(first);
    return 0;
}
