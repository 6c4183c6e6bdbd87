/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define SOCKETS_MAX 16u    /* of one port: one for each address */
#define STATE_LISTEN 0x0Au /* TCP_LISTEN in the tables of the kernel */

struct sockets {
    unsigned long inodes[SOCKETS_MAX];
    size_t count;
    unsigned uid; /* whose the first is */
};

/* Add those that listen on PORT in the table PATH. Source: proc(5), /proc/net/tcp. */
static void
read_table(const char *path, unsigned port, struct sockets *sockets)
{
    FILE *file = fopen(path, "re");
    char line[512];

    while (file && fgets(line, sizeof line, file) && sockets->count < SOCKETS_MAX) {
        unsigned local_port, state, uid;
        unsigned long inode;
        if (sscanf(line, " %*u: %*[^:]:%x %*[^:]:%*x %x %*x:%*x %*x:%*x %*x %u %*u %lu",
                   &local_port, &state, &uid, &inode) != 4 ||
            local_port != port || state != STATE_LISTEN)
            continue;
        if (sockets->count == 0)
            sockets->uid = uid;
        sockets->inodes[sockets->count++] = inode;
    }
    if (file)
        fclose(file);
}

static bool
is_one_of(const struct sockets *sockets, const char *target)
{
    unsigned long inode;

    if (sscanf(target, "socket:[%lu]", &inode) != 1)
        return false;
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->inodes[i] == inode)
            return true;
    return false;
}

static bool
has_one(const char *pid, const struct sockets *sockets)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("/proc/%s/fd", pid);
    DIR *folder = opendir(path); /* NULL: another user's, or ended meanwhile */
    struct dirent *entry;
    bool is_found = false;

    while (folder && !is_found && (entry = readdir(folder))) {
        char target[64];
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        is_found = is_one_of(sockets, target);
    }
    if (folder)
        closedir(folder);
    return is_found;
}

static pid_t
find_process(const struct sockets *sockets, pid_t preferred)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (folder && (!found || found != preferred) && (entry = readdir(folder))) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        bool is_better =
            pid > 0 && (found == 0 || found == GH_HOLDER_MANAGER_PID || pid == preferred);
        if (is_better && has_one(entry->d_name, sockets))
            found = pid;
    }
    if (folder)
        closedir(folder);
    return found;
}

bool
gh_holder_find(unsigned port, pid_t preferred, pid_t *pid_out, char **user_out)
{
    struct sockets sockets = {0};

    read_table("/proc/net/tcp", port, &sockets);
    read_table("/proc/net/tcp6", port, &sockets);
    if (sockets.count == 0)
        return false;
    const struct passwd *user = getpwuid(sockets.uid);
    *user_out = user ? gh_strdup(user->pw_name) : gh_asprintf("%u", sockets.uid);
    *pid_out = find_process(&sockets, preferred);
    return true;
}

char *
gh_holder_name(pid_t pid)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    char name[64] = "";

    if (file && !fgets(name, sizeof name, file))
        name[0] = '\0';
    if (file)
        fclose(file);
    name[strcspn(name, "\n")] = '\0';
    return gh_strdup(name[0] ? name : "?");
}
