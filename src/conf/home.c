/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/home.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

const char *
gh_home(void)
{
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        return home;
    const struct passwd *entry = getpwuid(getuid());
    return entry && entry->pw_dir ? entry->pw_dir : "/";
}

char *
gh_home_path(const char *path)
{
    if (path[0] == '/')
        return gh_strdup(path);
    if (strcmp(path, "~") == 0)
        return gh_strdup(gh_home());
    return gh_asprintf("%s/%s", gh_home(), strncmp(path, "~/", 2) == 0 ? path + 2 : path);
}
