/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install.h - one install, as the files install_*.c and installer.c share it; nobody else
 * includes this.
 *
 * An install is a chain: each link runs a command and names the function that goes on when it has
 * ended. A chain ends in gh_install_succeed or gh_install_fail, after which the install must not be
 * touched. */
#ifndef GH_NODE_INSTALL_H
#define GH_NODE_INSTALL_H

#include "base/buf.h"
#include "conf/settings.h"
#include "node/child.h"
#include "node/env.h"
#include "node/installer.h"
#include "node/packages.h"
#include "node/scratch.h"

#define GH_INSTALL_TAIL_LINES 12u
#define GH_INSTALL_LINE_BYTES 400u /* of a line in the tail: the error text has to hold all */

struct gh_install {
    struct gh_install *prev, *next; /* in its env's queue */
    struct gh_installer *installer;
    struct gh_env *env;
    struct gh_package package;
    bool overrides_version;
    struct gh_words variables; /* "NAME=value" for its commands, of the user */
    uint64_t number;           /* tells installs apart in the log */
    uint64_t started_ms;       /* loop time */
    struct gh_scratch temp;    /* TMPDIR of its commands */
    struct gh_scratch made;    /* what is to become a venv or a clone */
    char *note, *noted;        /* in the journal: the file, and what is in it; NULL: nothing yet */
    int note_fd;               /* holds its lock */

    /* The command that runs. */
    struct gh_child *child;
    void (*then)(struct gh_install *install, bool is_ok);
    void (*after_venv)(struct gh_install *install, bool is_ok);
    void (*after_conda)(struct gh_install *install, bool is_ok);
    void (*after_pip)(struct gh_install *install);
    bool is_question;                  /* its output is for gh_env_learn */
    char *shown;                       /* as people would type it */
    char *tail[GH_INSTALL_TAIL_LINES]; /* its last lines */
    unsigned tail_len;
    bool is_disk_full, is_late;
    bool is_interrupted; /* a command was killed: the env may hold half a package */
    bool is_doubtful; /* so was one before this install: what the env seems to hold may be half */
    char *how;        /* "exit status 1", once it has ended badly */

    /* What comes of it. */
    bool has_changed;
    char *add_path;
    char *python_before; /* of the installer, when this changed it */
    void (*on_done)(void *context, const struct gh_install_result *result);
    void (*on_output)(void *context, const char *line); /* may be NULL */
    void *context;
};

struct gh_installer {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    char *state_dir;
    char *python; /* setting of the processes' env: --env, our own venv, or "" */
    struct gh_env *envs;
    uint64_t count;
    uv_timer_t *timer; /* limit of running installs, and of the grace when stopping */
    bool is_stopping;
    void (*on_stopped)(void *context);
    void *stop_context;
};

/* ---- install_run.c: commands ---- */

/* Run ARGV in FOLDER (NULL: home), then go on with THEN. SHOWN is what messages call it, NULL: ARGV
 * itself; a password in it is hidden. */
void gh_install_run(struct gh_install *install, const struct gh_words *argv, const char *folder,
                    const char *shown, void (*then)(struct gh_install *install, bool is_ok));

/* Append to ARGV what runs the python of the install's env: its path alone, or by way of conda. */
void gh_install_add_python(const struct gh_install *install, struct gh_words *argv);

/* Ask the install's env what is in it; THEN also sees is_ok false when it gave no answer. */
void gh_install_ask(struct gh_install *install,
                    void (*then)(struct gh_install *install, bool is_ok));

/* Fail with what the command that has just failed said. WHAT begins the text ("Pip install"); the rest
 * is the client's server's. A full disk gives InsufficientDiskError instead. */
void gh_install_fail_command(struct gh_install *install, const char *what);

/* The same for commands of which the client's server says nothing: the command, its end, ADVICE. */
void gh_install_fail_plainly(struct gh_install *install, const char *advice);

/* Where the scratch folders of commands are: TMPDIR, else /tmp. */
const char *gh_install_temp_parent(void);

/* ---- install_journal.c: what a killed daemon or tool leaves ---- */

/* A command of INSTALL is about to run: keep on disk which env it is at work in. */
void gh_install_note(struct gh_install *install);
/* INSTALL is over. The note stays when a command was killed. */
void gh_install_note_drop(struct gh_install *install);
/* The daemon starts: end the tools of one that was killed. */
void gh_install_recover(const struct gh_installer *installer);
/* When an install into the env of INSTALL was interrupted, in seconds since 1970; 0: none was. */
long long gh_install_interrupted_since(const struct gh_install *install);
/* Remove from that env what is there in part since SINCE_S, then THEN. */
void gh_install_mend(struct gh_install *install, long long since_s,
                     void (*then)(struct gh_install *install, bool is_ok));
/* A tool has ended well in that env. */
void gh_install_forget_interruption(const struct gh_install *install);

/* ---- installer.c: ends ---- */

void gh_install_succeed(struct gh_install *install);
void gh_install_fail(struct gh_install *install, enum gh_pyclass pyclass, const char *format, ...)
    GH_PRINTF(3, 4);

/* ---- the ways to install ---- */

void gh_install_by_pip(struct gh_install *install);   /* install_python.c: pip, uv, reqs */
void gh_install_by_conda(struct gh_install *install); /* install_conda.c */
void gh_install_from_git(struct gh_install *install); /* install_git.c: then as the method says */

/* installer.c: the method, once the target is there. */
void gh_install_by_method(struct gh_install *install);

/* install_venv.c: make the venv of our own and go on with THEN, the env being that one then. */
void gh_install_make_venv(struct gh_install *install,
                          void (*then)(struct gh_install *install, bool is_ok));
/* Take the one that an earlier daemon made for what is the default interpreter now, if there is one. */
void gh_install_find_venv(struct gh_installer *installer);

/* install_conda.c: the conda program in OUT; false when there is none. */
bool gh_install_find_conda(char out[PATH_MAX]);
/* Make sure that there is one, then THEN; fails the install otherwise. */
void gh_install_need_conda(struct gh_install *install,
                           void (*then)(struct gh_install *install, bool is_ok));

#endif
