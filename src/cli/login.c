/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/capture.h"
#include "cli/shim.h"

#define ANSWER_MS 20000u        /* start-up files can be slow */
#define MARK "gatehouse-looks:" /* start-up files may print what they like */

/* Each line of the answer that begins with MARK is NAME=VALUE; an empty value is "missing". */
static const char script[] =
    "say() { printf '\\n" MARK "%s=%s\\n' \"$1\" \"$2\"; }\n"
    "say bash \"$BASH_VERSION\"\n"
    "if source ~/.bashrc; then say bashrc ~/.bashrc; fi\n"
    "for name in runhouse ray rsync python3; do say $name \"$(type -P $name)\"; done\n"
    "say psutil \"$(python3 -c 'import psutil; print(psutil.__version__)' 2>/dev/null)\"\n";

/* ---- bash ---- */

static int
ask_bash(struct gh_buf *answer, struct gh_err *err)
{
    static const char *const argv[] = {"/bin/bash", "--login", "-i", "-c", script, NULL};

    switch (gh_capture(argv, ANSWER_MS, answer)) {
    case -1:
        return gh_err_set(
            err, GH_EXIT_FAILED,
            "bash --login -i does not get past its start-up files within %u s; look at "
            "~/.bash_profile, ~/.profile and ~/.bashrc",
            ANSWER_MS / 1000);
    case 127:
        return gh_err_set(err, GH_EXIT_FAILED, "there is no /bin/bash: apt-get install bash");
    default:
        return GH_EXIT_OK;
    }
}

/* The value of NAME in ANSWER; NULL when it is empty or not there. The caller frees it. */
static char *
value_of(const char *answer, const char *name)
{
    char *key GH_SCOPED(gh_free) = gh_asprintf("\n" MARK "%s=", name);
    const char *at = strstr(answer, key);

    if (!at)
        return NULL;
    at += strlen(key);
    size_t len = strcspn(at, "\r\n");
    return len > 0 ? gh_strndup(at, len) : NULL;
}

/* ---- what is missing ---- */

/* FOUND is what `runhouse` or `ray` is there; ours it must be. */
static void
judge_shim(struct gh_login_need *need, const char *shim_dir)
{
    if (need->found && gh_shim_is_ours(need->found))
        return;
    char *wanted GH_SCOPED(gh_free) = shim_dir ? gh_asprintf("%s/%s", shim_dir, need->name) : NULL;
    if (wanted && gh_shim_is_ours(wanted))
        need->mend = gh_asprintf("echo 'export PATH=\"%s:$PATH\"' >>~/.bashrc", shim_dir);
    else
        need->mend = gh_strdup("gatehouse shim install");
    gh_free(&need->found);
}

static void
judge_psutil(struct gh_login_need *need, const char *python)
{
    bool is_debian = !python || strcmp(python, "/usr/bin/python3") == 0;

    if (!need->found)
        need->mend = is_debian ? gh_strdup("apt-get install python3-psutil")
                               : gh_asprintf("%s -m pip install psutil", python);
}

int
gh_login_look(const char *shim_dir, struct gh_login_need needs_out[GH_LOGIN_NEEDS],
              struct gh_err *err)
{
    static const struct {
        const char *name, *mend;
    } rows[GH_LOGIN_NEEDS] = {
        {"bashrc", "touch ~/.bashrc"},
        {"runhouse", NULL},
        {"ray", NULL},
        {"rsync", "apt-get install rsync"},
        {"python3", "apt-get install python3"},
        {"psutil", NULL},
    };
    struct gh_buf answer GH_SCOPED(gh_buf_done) = {0};

    int rc = ask_bash(&answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    for (size_t i = 0; i < GH_LOGIN_NEEDS; i++) {
        struct gh_login_need *need = &needs_out[i];
        *need = (struct gh_login_need){.name = rows[i].name,
                                       .found = value_of(gh_buf_text(&answer), rows[i].name)};
        if (!need->found && rows[i].mend)
            need->mend = gh_strdup(rows[i].mend);
        if (strcmp(need->name, "runhouse") == 0 || strcmp(need->name, "ray") == 0)
            judge_shim(need, shim_dir);
        if (strcmp(need->name, "psutil") == 0)
            judge_psutil(need, needs_out[i - 1].found);
    }
    return GH_EXIT_OK;
}

void
gh_login_done(struct gh_login_need needs[GH_LOGIN_NEEDS])
{
    for (size_t i = 0; i < GH_LOGIN_NEEDS; i++) {
        gh_free(&needs[i].found);
        gh_free(&needs[i].mend);
    }
}
