/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/home.h"

static const struct {
    const char *name;
    gh_shim_main *main;
} shims[] = {{"runhouse", gh_runhouse_main}, {"ray", gh_ray_main}};

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

gh_shim_main *
gh_shim_find(const char *argv0)
{
    for (size_t i = 0; argv0 && i < sizeof shims / sizeof shims[0]; i++)
        if (strcmp(base_name(argv0), shims[i].name) == 0)
            return shims[i].main;
    return NULL;
}

bool
gh_shim_is_ours(const char *path)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof target - 1);

    if (len <= 0)
        return false;
    target[len] = '\0';
    return strcmp(base_name(target), "gatehouse") == 0;
}

char *
gh_shim_default_dir(void)
{
    return geteuid() == 0 ? gh_strdup("/usr/local/bin") : gh_home_path("~/.local/bin");
}

int
gh_shim_say(const char *name, int status, const struct gh_err *err)
{
    fprintf(stderr, "%s: %s\n", name, err->text);
    return status;
}
