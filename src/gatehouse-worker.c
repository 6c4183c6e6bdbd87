/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse-worker - one worker process: loads a runtime and hands it the daemon's socket.
 *
 * It links libc alone, because whatever the program links sits in the global scope and would shadow
 * the libraries that Python wheels bring along. Exit codes: modules/runtime.h. */
#include "base/self.h"
#include "modules/runtime.h"
#include "wire/frame.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PKGLIBDIR
#define PKGLIBDIR "/usr/lib/gatehouse"
#endif

#define FAILED_TEXT_MAX_BYTES (64u << 10)

static const char usage_text[] =
    "usage: gatehouse-worker --runtime NAME --fd N --process NAME [--python PATH]\n"
    "                        [--module-dir DIR] [--cache-dir DIR]\n"
    "Started by gatehoused; N is a socket that it inherits.\n";

struct arguments {
    const char *runtime;
    struct gh_runtime_options options;
};

static void
send_failed(const struct gh_runtime_options *options, const char *text)
{
    size_t len = strnlen(text, FAILED_TEXT_MAX_BYTES);
    uint8_t head[GH_FRAME_HEAD_BYTES];
    struct iovec spans[] = {{head, sizeof head}, {(void *)(uintptr_t)text, len}};
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = 2};

    gh_frame_head(head, GH_FRAME_FAILED, 0, 0, (uint32_t)len);
    while (sendmsg(options->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
    fprintf(stderr, "gatehouse-worker: %s\n", text);
}

static int unavailable(const struct gh_runtime_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
unavailable(const struct gh_runtime_options *options, const char *format, ...)
{
    char text[2 * PATH_MAX];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    send_failed(options, text);
    return GH_WORKER_EXIT_UNAVAILABLE;
}

static int
usage_error(const char *text, const char *value)
{
    fprintf(stderr, "gatehouse-worker: %s%s%s\n%s", text, value ? ": " : "", value ? value : "",
            usage_text);
    return GH_WORKER_EXIT_USAGE;
}

static bool
parse_fd(const char *text, int *fd_out)
{
    char *end;
    struct stat status;

    errno = 0;
    long fd = strtol(text, &end, 10);
    if (errno || *end || end == text || fd < 3 || fd > INT_MAX)
        return false;
    *fd_out = (int)fd;
    return fstat(*fd_out, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* A name becomes a file name in the module folder: no way out of it. */
static bool
is_plain_name(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"runtime", required_argument, NULL, 'r'},
        {"fd", required_argument, NULL, 'f'},
        {"process", required_argument, NULL, 'p'},
        {"python", required_argument, NULL, 'y'},
        {"module-dir", required_argument, NULL, 'm'},
        {"cache-dir", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    struct gh_runtime_options *out = &arguments->options;
    int letter;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'r':
            arguments->runtime = optarg;
            break;
        case 'f':
            if (!parse_fd(optarg, &out->fd))
                return usage_error("--fd must be an inherited socket", optarg);
            break;
        case 'p':
            out->process = optarg;
            break;
        case 'y':
            out->python = optarg;
            break;
        case 'm':
            out->module_dir = optarg;
            break;
        case 'c':
            out->cache_dir = optarg;
            break;
        default:
            return usage_error("unknown option, or its value is missing", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    if (!arguments->runtime || out->fd < 0 || !out->process)
        return usage_error("--runtime, --fd and --process are required", NULL);
    return is_plain_name(arguments->runtime) ? 0 : usage_error("bad name", arguments->runtime);
}

/* Die with the daemon. PARENT is who it was at the start; it may be gone before prctl is done. The
 * socket says the same for a parent that was gone even earlier. */
static bool
parent_is_there(int fd, pid_t parent)
{
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent && poll(&poller, 1, 0) == 0;
}

static void
set_cloexec_each(void)
{
    DIR *fds = opendir("/proc/self/fd");
    struct dirent *entry;

    while (fds && (entry = readdir(fds)))
        if (atoi(entry->d_name) > 2)
            fcntl(atoi(entry->d_name), F_SETFD, FD_CLOEXEC);
    if (fds)
        closedir(fds);
}

/* What the daemon had open by mistake must not reach the children of user code. Our socket stays,
 * for a runtime that has to exec an interpreter. */
static void
close_others_on_exec(int fd)
{
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        set_cloexec_each();
    fcntl(fd, F_SETFD, 0);
}

/* "modules" beside this program when run from a build tree, else where it was installed. */
static const char *
find_module_dir(const char *given, char out[PATH_MAX])
{
    char self[PATH_MAX];

    if (given)
        return realpath(given, out) ? out : given;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = 0;
        char *slash = strrchr(self, '/');
        if (slash &&
            snprintf(out, PATH_MAX, "%.*s/modules", (int)(slash - self), self) < PATH_MAX &&
            access(out, X_OK) == 0)
            return out;
    }
    return PKGLIBDIR "/modules";
}

static int
run(const struct arguments *arguments)
{
    const struct gh_runtime_options *options = &arguments->options;
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s.so", options->module_dir, arguments->runtime) >=
        PATH_MAX)
        return unavailable(options, "the path of the module folder is too long");

    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return unavailable(options, "cannot load the runtime '%s': %s", arguments->runtime,
                           dlerror());

    const struct gh_runtime *(*get_runtime)(void);
    void *symbol = dlsym(module, "gh_runtime_v1");
    memcpy(&get_runtime, &symbol, sizeof get_runtime);
    const struct gh_runtime *runtime = symbol ? get_runtime() : NULL;
    if (!runtime || runtime->version != GH_RUNTIME_VERSION)
        return unavailable(options, "%s is no runtime of version %u", path, GH_RUNTIME_VERSION);
    return runtime->run(options);
}

int
main(int argc, char **argv)
{
    pid_t parent = getppid();
    char module_dir[PATH_MAX];
    struct arguments arguments = {
        .options = {.version = GH_RUNTIME_VERSION, .fd = -1, .fail = send_failed},
    };

    int rc = parse_arguments(argc, argv, &arguments);
    if (rc != 0)
        return rc;
    if (!parent_is_there(arguments.options.fd, parent))
        return GH_WORKER_EXIT_OK;
    close_others_on_exec(arguments.options.fd);
    gh_self_dump_memory(true);
    arguments.options.module_dir = find_module_dir(arguments.options.module_dir, module_dir);
    return run(&arguments);
}
