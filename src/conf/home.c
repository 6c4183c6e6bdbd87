/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/home.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

char *
gh_state_dir_path(const char *setting)
{
    const char *systemd = getenv("STATE_DIRECTORY");
    const char *xdg = getenv("XDG_STATE_HOME");

    return setting[0]             ? gh_strdup(setting)
           : systemd && *systemd  ? gh_strdup(systemd)
           : xdg && xdg[0] == '/' ? gh_asprintf("%s/gatehouse", xdg)
                                  : gh_home_path("~/.local/state/gatehouse");
}

char *
gh_state_dir(const char *setting)
{
    char *path = gh_state_dir_path(setting);

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    mkdir(path, 0700);
    return path;
}
