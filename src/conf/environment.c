/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/environment.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

extern char **environ;

static bool
is_kept_back(const char *entry)
{
    static const char *const names[] = {
        "RH_TOKEN=",   "GATEHOUSE_TOKEN=", "NOTIFY_SOCKET=", "LISTEN_FDS=",
        "LISTEN_PID=", "WATCHDOG_USEC=",   "WATCHDOG_PID="};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Does ADDED set the variable of ENTRY? */
static bool
is_replaced(const char *entry, char *const *added)
{
    size_t len = strcspn(entry, "=") + 1;

    for (; added && *added; added++)
        if (strncmp(entry, *added, len) == 0)
            return true;
    return false;
}

char **
gh_environment(char *const *added)
{
    size_t count = 0, more = 0, kept = 0;

    while (environ[count])
        count++;
    while (added && added[more])
        more++;
    char **copy = gh_alloc((count + more + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        if (!is_kept_back(environ[i]) && !is_replaced(environ[i], added))
            copy[kept++] = environ[i];
    for (size_t i = 0; i < more; i++)
        copy[kept++] = added[i];
    return copy;
}
