/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/beside.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

char *
gh_beside(const char *file, const char *installed)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    if (len > 0) {
        self[len] = '\0';
        *strrchr(self, '/') = '\0';
        char *found = gh_asprintf("%s/%s", self, file);
        if (access(found, R_OK) == 0)
            return found;
        free(found);
    }
    return gh_strdup(installed);
}
