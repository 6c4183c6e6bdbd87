/* SPDX-License-Identifier: Apache-2.0
 *
 * runtime.h - what gatehouse-worker and a runtime (modules/NAME.so) know of each other.
 *
 * The worker program is neutral: it inherits a socket, loads one runtime with dlopen(RTLD_NOW |
 * RTLD_LOCAL) and calls its only exported symbol, gh_runtime_v1. The runtime then owns the process
 * and speaks docs/ipc.md over the socket until STOP or until the daemon is gone. */
#ifndef GH_RUNTIME_H
#define GH_RUNTIME_H

#define GH_RUNTIME_VERSION 1u

/* How a worker ends. A worker that can still speak says why in a FAILED frame first, so the daemon
 * needs the number only when there was none. */
enum gh_worker_exit {
    GH_WORKER_EXIT_OK = 0,           /* STOP, or the daemon is gone */
    GH_WORKER_EXIT_USAGE = 64,       /* an option is wrong; text on stderr */
    GH_WORKER_EXIT_UNAVAILABLE = 69, /* no such runtime, or no interpreter that suits */
    GH_WORKER_EXIT_SOFTWARE = 70,    /* the runtime broke down, or its peer sent no valid frames */
};

struct gh_runtime_options {
    unsigned version;       /* GH_RUNTIME_VERSION */
    int fd;                 /* the socket; the only descriptor over 2 that is not close-on-exec */
    const char *process;    /* the name of this worker process */
    const char *module_dir; /* absolute; where the runtime and its files are */
    const char *python;     /* --python, or NULL */
    const char *cache_dir;  /* --cache-dir, or NULL: remember nothing */

    /* Tell the daemon why this worker cannot serve: a FAILED frame, cut to 64 KiB. */
    void (*fail)(const struct gh_runtime_options *options, const char *text);
};

struct gh_runtime {
    unsigned version; /* GH_RUNTIME_VERSION, or the worker refuses it */
    const char *name;

    /* Serve until the end. Returns an enum gh_worker_exit, or does not return. */
    int (*run)(const struct gh_runtime_options *options);
};

__attribute__((visibility("default"))) const struct gh_runtime *gh_runtime_v1(void);

#endif
