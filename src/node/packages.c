/* SPDX-License-Identifier: Apache-2.0 */
#include "node/packages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "conf/home.h"

/* The target is a text, or [path, path or null]: the first that is a text counts. */
static const char *
target_of(const json_t *config)
{
    const json_t *target = json_object_get(config, "install_target");

    if (json_is_array(target)) {
        for (size_t i = 0; i < json_array_size(target); i++)
            if (json_is_string(json_array_get(target, i)))
                return json_string_value(json_array_get(target, i));
        return NULL;
    }
    return json_string_value(target);
}

enum gh_package_plan
gh_packages_plan(const json_t *config, char **path_out, struct gh_err *err)
{
    static const char *const known[] = {"pip", "uv", "conda"};
    const char *method = json_string_value(json_object_get(config, "install_method"));
    const char *target = target_of(config);
    struct stat info;

    for (size_t i = 0; method && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(method, known[i]) != 0)
            continue;
        gh_err_set(err, GH_E_INPUT,
                   "Install method %s is not served by this version; install '%s' into the env "
                   "yourself, or put a directory on the import path with method local.",
                   method, target ? target : "?");
        return GH_PACKAGE_BAD;
    }
    if (!method || strcmp(method, "local") != 0) {
        gh_err_set(err, GH_E_INPUT,
                   "Unknown install method %s. Must be one of {'local', 'pip', 'conda', 'uv'}",
                   method ? method : "None");
        return GH_PACKAGE_BAD;
    }
    if (!target || !*target) {
        gh_err_set(err, GH_E_INPUT, "install_target is missing: a path is needed");
        return GH_PACKAGE_BAD;
    }

    char *path GH_SCOPED(gh_free) = gh_home_path(target);
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        gh_err_set(err, GH_E_NOT_FOUND, "Path %s does not exist.", path);
        return GH_PACKAGE_NO_PATH;
    }
    *path_out = gh_take(path);
    return GH_PACKAGE_PATH;
}
