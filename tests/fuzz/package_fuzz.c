/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be installed, and where: the config of a package, what an env's interpreter says of it, and whether
 * the one satisfies the other. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "node/env.h"
#include "node/packages.h"
#include "node/requirement.h"
#include "tests/fuzz/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
read_package(const char *text, size_t len)
{
    json_t *tree = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct gh_package package = {0};
    struct gh_err err = {0};

    if (!tree)
        return;
    if (gh_package_read(tree, &package, &err) == GH_OK) {
        char *requirement = gh_package_requirement(&package, package.preferred_version);
        assert(package.target && package.extras && package.args_text && package.git_url);
        assert(!package.is_path || package.target[0] == '/');
        assert(gh_package_method_name(package.method));
        assert(strlen(requirement) >= strlen(package.target));
        free(requirement);
        gh_package_done(&package);
    } else {
        assert(err.text[0]);
    }
    json_decref(tree);
}

static void
read_env(const char *text, size_t len)
{
    struct gh_env env = {.python = gh_strdup("/usr/bin/python3"), .conda_env = gh_strdup("base")};
    struct gh_buf line = {0};

    assert(!gh_env_learn(&env, text, len < 14 ? len : 14) ||
           memcmp(text, "gatehouse-env:", 14) == 0);
    gh_buf_add_text(&line, "gatehouse-env:");
    gh_buf_add(&line, text, len);
    if (gh_env_learn(&env, (char *)line.bytes, line.len)) {
        assert(env.python && gh_env_text(&env, "version"));
        (void)gh_env_has(&env, "");
        (void)gh_env_has(&env, "numpy==1.26");
        (void)gh_env_is_known(&env);
        (void)gh_env_flag(&env, "has_pip");
        char *folders = gh_env_site_folders(&env);
        assert(*folders);
        free(folders);
    }
    gh_buf_done(&line);
    gh_env_done(&env);
}

static void
compare(const char *text, size_t len)
{
    const char *cursor = text, *end = text + len;
    struct gh_slice first = next_line(&cursor, end);
    char *specifiers = gh_strndup(first.bytes, first.len);
    char *version = gh_strndup(cursor, (size_t)(end - cursor));

    (void)gh_requirement_holds(specifiers, version);
    (void)gh_package_is_name(version);
    free(specifiers);
    free(version);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;

    read_package(text, len);
    read_env(text, len);
    compare(text, len);
    return 0;
}
