/* SPDX-License-Identifier: Apache-2.0
 *
 * node/installer.h - installs packages, by the tools that people use for it, as child processes.
 *
 * One install at a time runs in an env; others wait in order. Nothing blocks: an install is a chain of
 * commands, and the loop goes on between them. What they print goes to the log line by line, the last
 * lines into the error of one that fails, and all of it to whoever asked. Clients that leave change nothing.
 *
 * What a killed daemon left half-done is made up for (install_journal.c).
 *
 * An env that the system manages (PEP 668: Debian's python3) is never installed into. When no env was
 * set and the default turns out to be such, a venv of our own is made in the state folder, and is the
 * env of the processes from then on (docs/decisions/0009).
 *
 * Source: packages-and-processes.md section 1. Loop thread only. */
#ifndef GH_NODE_INSTALLER_H
#define GH_NODE_INSTALLER_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "wire/reply.h"

struct gh_settings;
struct gh_installer;

/* What to install, and where; borrowed for the length of gh_installer_submit. */
struct gh_install_order {
    const json_t *config;       /* package_config, an object */
    const char *conda_env_name; /* "" where there is none, as for the next */
    const char *venv_path;
    bool overrides_version; /* install preferred_version although another one is there */
    const json_t
        *variables; /* name -> text, for the tools; over the daemon's environment; or NULL */
    /* Each command that is run ("$ pip install ...") and each line that it prints, passwords in them
     * hidden; CONTEXT is that of ON_DONE. May be NULL. */
    void (*on_output)(void *context, const char *line);
};

struct gh_install_result {
    const char *failure; /* NULL when all went well */
    enum gh_pyclass failure_class;
    const char *add_path;      /* to put on the import path of all processes, or NULL */
    bool has_changed;          /* packages may be there that were not before */
    bool is_default_env;       /* they are for the env of the processes */
    const char *site_folders;  /* JSON array of its folders for packages */
    const char *python_before; /* set when the env of the processes is another one now, and is a */
    const char *python_now;    /* setting as --env takes it: "" is the default */
};

/* STATE_DIR keeps the venv of our own. What an earlier daemon left half-made is removed. */
struct gh_installer *gh_installer_new(uv_loop_t *loop, const struct gh_settings *settings,
                                      const char *state_dir);

/* Call ON_DONE with CONTEXT once it is done, maybe before this returns. Errors, without a call of
 * ON_DONE: GH_E_INPUT or GH_E_NOT_FOUND for what cannot be installed, GH_E_NO_ROOM when
 * installs_waiting_max others wait for the env. */
int gh_installer_submit(struct gh_installer *installer, const struct gh_install_order *order,
                        void (*on_done)(void *context, const struct gh_install_result *result),
                        void *context, struct gh_err *err) GH_MUST_USE;

/* The env of the processes, as --env takes it. */
const char *gh_installer_python(const struct gh_installer *installer);

/* End all that runs, with all it started: SIGTERM, and SIGKILL after GRACE_MS. Waiting installs fail,
 * new ones are refused. ON_STOPPED is called when none is left, maybe at once: then no request waits
 * for one any more. */
void gh_installer_stop(struct gh_installer *installer, uint64_t grace_ms,
                       void (*on_stopped)(void *context), void *context);

/* SIGKILL at once, for a second signal. */
void gh_installer_kill(struct gh_installer *installer);

/* The loop has ended. */
void gh_installer_free(struct gh_installer **installer_of);

#endif
