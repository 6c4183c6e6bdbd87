/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/shim.h"

#define ANSWER_MS 20000 /* start-up files can be slow */
#define ANSWER_MAX_BYTES 65536
#define MARK "gatehouse-looks:" /* start-up files may print what they like */

/* Each line of the answer that begins with MARK is NAME=VALUE; an empty value is "missing". */
static const char script[] =
    "say() { printf '\\n" MARK "%s=%s\\n' \"$1\" \"$2\"; }\n"
    "say bash \"$BASH_VERSION\"\n"
    "if source ~/.bashrc; then say bashrc ~/.bashrc; fi\n"
    "for name in runhouse ray rsync python3; do say $name \"$(type -P $name)\"; done\n"
    "say psutil \"$(python3 -c 'import psutil; print(psutil.__version__)' 2>/dev/null)\"\n";

/* ---- bash ---- */

/* In a session of its own: an interactive bash would else take the terminal to itself. */
static pid_t
start_bash(int output)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    setsid();
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    execl("/bin/bash", "bash", "--login", "-i", "-c", script, (char *)NULL);
    _exit(127);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Everything up to the end, within the time and the size. False when it was late. */
static bool
read_answer(int fd, struct gh_buf *answer)
{
    int64_t end_ms = now_ms() + ANSWER_MS;
    struct pollfd input = {.fd = fd, .events = POLLIN};

    while (answer->len < ANSWER_MAX_BYTES) {
        int64_t left_ms = end_ms - now_ms();
        int count = left_ms > 0 ? poll(&input, 1, (int)left_ms) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        ssize_t len = read(fd, gh_buf_reserve(answer, 4096), 4096);
        if (len <= 0)
            return true;
        answer->len += (size_t)len;
    }
    return true;
}

static int
ask_bash(struct gh_buf *answer, struct gh_err *err)
{
    int output[2], status = 0;

    if (pipe2(output, O_CLOEXEC) != 0)
        return gh_err_set(err, GH_EXIT_FAILED, "a pipe: %s", strerror(errno));
    pid_t pid = start_bash(output[1]);
    close(output[1]);
    bool is_whole = pid > 0 && read_answer(output[0], answer);
    close(output[0]);
    if (pid < 0)
        return gh_err_set(err, GH_EXIT_FAILED, "a process for bash: %s", strerror(errno));
    if (!is_whole)
        kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (!is_whole)
        return gh_err_set(
            err, GH_EXIT_FAILED,
            "bash --login -i does not get past its start-up files within %d s; look at "
            "~/.bash_profile, ~/.profile and ~/.bashrc",
            ANSWER_MS / 1000);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return gh_err_set(err, GH_EXIT_FAILED, "/bin/bash cannot be run: apt-get install bash");
    return GH_EXIT_OK;
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
