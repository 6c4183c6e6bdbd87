/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/locate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/home.h"

#define PORT_MAX 65535

int
gh_locate_connect(const char *path, int flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int kept = errno;
        close(fd);
        errno = kept;
        return -1;
    }
    return fd;
}

/* Is a daemon behind the socket at PATH? Else *WHY_OUT is an errno. */
static bool
answers(const char *path, int *why_out)
{
    int fd = gh_locate_connect(path, SOCK_NONBLOCK);

    /* EAGAIN: it lives, but its queue of connections is full. */
    *why_out = fd >= 0 || errno == EAGAIN ? 0 : errno;
    if (fd >= 0)
        close(fd);
    return *why_out == 0;
}

/* The port in "control-32300.sock", or 0. */
static unsigned
port_of(const char *file)
{
    unsigned port;
    char rest[8];

    if (sscanf(file, "control-%5u.%7s", &port, rest) != 2 || strcmp(rest, "sock") != 0)
        return 0;
    return port <= PORT_MAX ? port : 0;
}

static int
nobody(const char *state, const char *of_port, int why, struct gh_err *err)
{
    return gh_err_set(err, GH_EXIT_NO_CONNECTION,
                      "no daemon%s%s answers in %s: %s; start one with gatehouse up, or name it by "
                      "--state-dir, --port or --url",
                      of_port ? " of port " : "", of_port ? of_port : "", state,
                      why == ECONNREFUSED || why == ENOENT ? "none runs" : strerror(why));
}

static int
locate_by_port(const char *state, const char *port, char **path_out, int *why_out,
               struct gh_err *err)
{
    char *end;
    long number = strtol(port, &end, 10);

    *why_out = 0;
    if (!isdigit((unsigned char)port[0]) || *end || number < 1 || number > PORT_MAX)
        return gh_err_set(err, GH_EXIT_USAGE, "--port is '%s', but must be a number from 1 to %d",
                          port, PORT_MAX);
    char *path = gh_asprintf("%s/control-%ld.sock", state, number);
    if (!answers(path, why_out)) {
        free(path);
        return nobody(state, port, *why_out, err);
    }
    *path_out = path;
    return GH_EXIT_OK;
}

/* Look at all sockets in STATE. PORTS gets those that answer, *PATH_OUT the last of them; returns how
 * many, and in *WHY_OUT why the last that does not answer does not. */
static unsigned
look_around(const char *state, struct gh_buf *ports, char **path_out, int *why_out)
{
    unsigned count = 0;
    struct dirent *entry;
    DIR *folder = opendir(state);

    *why_out = folder ? ENOENT : errno;
    while (folder && (entry = readdir(folder))) {
        unsigned port = port_of(entry->d_name);
        if (port == 0)
            continue;
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", state, entry->d_name);
        if (!answers(path, why_out))
            continue;
        gh_buf_addf(ports, "%s%u", count++ ? ", " : "", port);
        free(*path_out);
        *path_out = gh_take(path);
    }
    if (folder)
        closedir(folder);
    return count;
}

/* In one state folder. *WHY_OUT is an errno where none answers. */
static int
locate_in(const char *state, const char *port, char **path_out, int *why_out, struct gh_err *err)
{
    struct gh_buf ports GH_SCOPED(gh_buf_done) = {0};
    char *path GH_SCOPED(gh_free) = NULL;

    if (port)
        return locate_by_port(state, port, path_out, why_out, err);
    unsigned count = look_around(state, &ports, &path, why_out);
    if (count == 0)
        return nobody(state, NULL, *why_out, err);
    if (count > 1)
        return gh_err_set(err, GH_EXIT_USAGE,
                          "several daemons answer in %s: ports %s; say which by --port", state,
                          gh_buf_text(&ports));
    *path_out = gh_take(path);
    return GH_EXIT_OK;
}

int
gh_locate(const struct gh_cli *cli, char **path_out, struct gh_err *err)
{
    const char *setting = gh_cli_value(cli, "--state-dir", getenv("GATEHOUSE_STATE_DIR"));
    char *state GH_SCOPED(gh_free) = gh_state_dir_path(setting ? setting : "");
    const char *port = gh_cli_value(cli, "--port", NULL);
    struct gh_err of_machine;
    int why;

    int rc = locate_in(state, port, path_out, &why, err);
    if (rc != GH_EXIT_NO_CONNECTION || (setting && *setting))
        return rc;
    if (locate_in(GH_MACHINE_STATE_DIR, port, path_out, &why, &of_machine) == GH_EXIT_OK)
        return GH_EXIT_OK;
    if (why == EACCES)
        gh_err_set(err, rc,
                   "no daemon answers in %s, and only root may ask that of the machine, "
                   "in " GH_MACHINE_STATE_DIR ": sudo gatehouse, or start one with gatehouse up",
                   state);
    return rc;
}
