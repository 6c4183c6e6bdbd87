/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor_login.c - what the commands of the client find when they come by ssh: each is sent through
 * an interactive login bash. Source: cluster-config-and-lifecycle.md section 4. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/capture.h"
#include "cli/doctor.h"

#define BASH_MS 20000u
#define MARK "gatehouse-doctor-begins"
#define SHOWN_BYTES 120

/* What a login bash says of NAME; NULL when bash cannot be asked, which another row says. */
static const struct gh_login_need *
need_of(struct gh_doctor *doctor, const char *name)
{
    struct gh_err err;

    if (!doctor->has_login)
        doctor->has_login = gh_login_look(NULL, doctor->needs, &err) == GH_EXIT_OK;
    for (size_t i = 0; doctor->has_login && i < GH_LOGIN_NEEDS; i++)
        if (strcmp(doctor->needs[i].name, name) == 0)
            return &doctor->needs[i];
    return NULL;
}

static void
look_at_bash(struct gh_doctor *doctor, const struct gh_check *check)
{
    static const char *const argv[] = {
        "/bin/bash", "--login", "-i", "-c", "echo " MARK " && { source ~/.bashrc; } 2>&1", NULL};
    struct gh_buf said GH_SCOPED(gh_buf_done) = {0};

    if (access("/bin/bash", X_OK) != 0) {
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, check->fix, "there is no /bin/bash");
        return;
    }
    if (gh_capture(argv, BASH_MS, &said) == -1)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, "bash --login -i -x -c true",
                      "a login bash does not get past its start-up files within %u s",
                      BASH_MS / 1000);
    else
        gh_doctor_ok(doctor, "/bin/bash runs the start-up files of a login");
}

/* Bash without a terminal says these two of itself. */
static bool
is_of_bash(const char *line)
{
    return strstr(line, "cannot set terminal process group") ||
           strstr(line, "no job control in this shell") || !*line;
}

/* The first line that start-up files print, or NULL. */
static char *
first_noise(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\r\n");
        char *line GH_SCOPED(gh_free) = gh_strndup(text, len);
        if (strcmp(line, MARK) != 0 && !is_of_bash(line))
            return gh_take(line);
        text += len + (text[len] != '\0');
    }
    return NULL;
}

static void
look_at_noise(struct gh_doctor *doctor, const struct gh_check *check)
{
    static const char *const argv[] = {
        "/bin/bash", "--login", "-i", "-c", "true && source ~/.bashrc", NULL};
    struct gh_buf said GH_SCOPED(gh_buf_done) = {0};
    const struct gh_login_need *bashrc = need_of(doctor, "bashrc");

    if (!bashrc || !bashrc->found || gh_capture(argv, BASH_MS, &said) == -1)
        return; /* other rows say so */
    char *noise GH_SCOPED(gh_free) = first_noise(gh_buf_text(&said));
    if (noise)
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, check->fix,
                      "start-up files print '%.*s', which gets into the answers of commands",
                      SHOWN_BYTES, noise);
    else
        gh_doctor_ok(doctor, "start-up files print nothing");
}

static void
look_at_need(struct gh_doctor *doctor, const struct gh_check *check)
{
    const struct gh_login_need *need = need_of(doctor, check->name);

    if (!need)
        return;
    if (!need->mend)
        gh_doctor_ok(doctor, "%s", need->found);
    else
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, check->fix, "a login bash finds no %s",
                      strcmp(check->name, "bashrc") == 0 ? "~/.bashrc that can be read"
                                                         : check->name);
}

static void
look_at_psutil(struct gh_doctor *doctor, const struct gh_check *check)
{
    const struct gh_login_need *psutil = need_of(doctor, "psutil");
    const struct gh_login_need *python = need_of(doctor, "python3");

    (void)check; /* which fix it is depends on whose python3 it is */
    if (!psutil || !python->found)
        return;
    if (psutil->found)
        gh_doctor_ok(doctor, "%s imports psutil %s", python->found, psutil->found);
    else
        gh_doctor_bad(
            doctor, GH_VERDICT_FAILED, psutil->mend,
            "the python3 of a login, %s, does not import psutil: the client asks it for the "
            "free space before it sends files",
            python->found);
}

static void
look_at_shim(struct gh_doctor *doctor, const struct gh_check *check)
{
    const struct gh_login_need *need = need_of(doctor, check->name);

    if (!need)
        return;
    if (need->found)
        gh_doctor_ok(doctor, "%s is ours", need->found);
    else
        gh_doctor_bad(
            doctor, GH_VERDICT_WARNING, need->mend,
            "the first %s on the PATH of a login bash is not ours: a client that comes by "
            "ssh cannot start the daemon",
            check->name);
}

const struct gh_check gh_login_checks[] = {
    {"bash", look_at_bash, "apt-get install bash"},
    {"bashrc", look_at_need, "touch ~/.bashrc"},
    {"quiet login", look_at_noise, "bash --login -i -x -c 'source ~/.bashrc' 2>&1 | less"},
    {"python3", look_at_need, "apt-get install python3"},
    {"psutil", look_at_psutil, NULL},
    {"rsync", look_at_need, "apt-get install rsync"},
    {"runhouse", look_at_shim, NULL},
    {"ray", look_at_shim, NULL},
    {NULL, NULL, NULL},
};
