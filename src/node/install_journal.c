/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_journal.c - which env an install was at work in when its daemon was killed.
 *
 *     STATE_DIR/installs/XXXXXX    two lines: the env, and TMPDIR of the install's commands
 *
 * A note is written before the first command of an install, and locked (flock) while its daemon lives.
 * It is removed when the tool has ended by itself, well or badly: then it has put right what it left.
 * One that nobody holds tells of an interruption. Tools outlive the daemon that ran them, so a daemon
 * that starts ends those first; they are known by their TMPDIR, which no other process has. The next
 * install into the env removes what is there in part (the program below), asks the tool whatever the
 * env seems to hold, and removes the note when that went well. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "node/install.h"

#define ENVIRONMENT_MAX_BYTES (256u << 10) /* of a process that is looked at */
#define KILL_PASSES_MAX 20u                /* a tool may be starting another one just now */

struct note {
    char *path, *env, *temp;
    long long time_s; /* when it was written */
};

static void
note_done(struct note *note)
{
    free(note->path);
    free(note->env);
    free(note->temp);
}

static char *
journal_folder(const struct gh_installer *installer)
{
    return gh_asprintf("%s/installs", installer->state_dir);
}

/* The env that INSTALL changes. What conda keeps of an env and what pip and uv do are two things, each
 * its own tool's to put right. */
static char *
env_key(const struct gh_install *install)
{
    const struct gh_env *env = install->env;
    bool is_conda = install->package.method == GH_PACKAGE_CONDA;

    return gh_asprintf("%s%s%s", is_conda ? "conda of " : "", env->conda_env ? "conda env " : "",
                       env->conda_env ? env->conda_env : env->python);
}

/* ---- tools that nobody waits for any more ---- */

/* Is WANTED, "NAME=value", in the environment of process PID, if that is ours to read? */
static bool
has_variable(const char *pid, const char *wanted, char *room)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t len = fread(room, 1, ENVIRONMENT_MAX_BYTES - 1, file);
    fclose(file);
    room[len] = '\0';
    for (const char *entry = room; entry < room + len; entry += strlen(entry) + 1)
        if (strcmp(entry, wanted) == 0)
            return true;
    return false;
}

/* Returns how many were told to end. */
static unsigned
kill_users_of(const char *temp)
{
    char *wanted GH_SCOPED(gh_free) = gh_asprintf("TMPDIR=%s", temp);
    char *room GH_SCOPED(gh_free) = gh_alloc(ENVIRONMENT_MAX_BYTES);
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    unsigned count = 0;

    while (folder && (entry = readdir(folder))) {
        int pid = atoi(entry->d_name);
        if (pid > 1 && pid != getpid() && has_variable(entry->d_name, wanted, room) &&
            kill(pid, SIGKILL) == 0) {
            gh_log(GH_LOG_WARN, "install.orphan_killed", "pid=%d", pid);
            count++;
        }
    }
    if (folder)
        closedir(folder);
    return count;
}

/* ---- of an install that runs ---- */

/* Make the note of INSTALL, empty and locked. -1, errno is set, when that cannot be. */
static int
make_note(struct gh_install *install)
{
    char *folder GH_SCOPED(gh_free) = journal_folder(install->installer);
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/XXXXXX", folder);

    mkdir(folder, 0700);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -1;
    flock(fd, LOCK_EX | LOCK_NB); /* it is new: nobody else can hold it */
    install->note = gh_take(path);
    install->note_fd = fd;
    return 0;
}

void
gh_install_note(struct gh_install *install)
{
    char *key GH_SCOPED(gh_free) = env_key(install);
    char *text GH_SCOPED(gh_free) =
        gh_asprintf("%s\n%s\n", key, install->temp.path ? install->temp.path : "");
    size_t len = strlen(text);

    if (install->noted && strcmp(install->noted, text) == 0)
        return;
    if ((!install->note && make_note(install) != 0) || ftruncate(install->note_fd, 0) != 0 ||
        pwrite(install->note_fd, text, len, 0) != (ssize_t)len || fsync(install->note_fd) != 0)
        gh_log(GH_LOG_WARN, "install.no_note", "install=%llu reason=%s",
               (unsigned long long)install->number, gh_log_quote(strerror(errno)));
    free(install->noted);
    install->noted = gh_take(text);
}

void
gh_install_note_drop(struct gh_install *install)
{
    gh_free(&install->noted);
    if (!install->note)
        return;
    if (!install->is_interrupted)
        unlink(install->note);
    else if (install->temp.path)
        kill_users_of(install->temp.path); /* children that the killed tool has left */
    close(install->note_fd);
    gh_free(&install->note);
}

/* ---- of installs that were interrupted ---- */

static char *
next_line(FILE *file)
{
    char line[PATH_MAX + 16] = "";

    if (!fgets(line, sizeof line, file))
        return gh_strdup("");
    line[strcspn(line, "\n")] = '\0';
    return gh_strdup(line);
}

/* Read the note PATH. False: somebody holds it, or it cannot be read. */
static bool
read_stale(const char *path, struct note *note)
{
    struct stat info;
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    bool is_stale = flock(fileno(file), LOCK_EX | LOCK_NB) == 0 && fstat(fileno(file), &info) == 0;
    if (is_stale) {
        note->path = gh_strdup(path);
        note->env = next_line(file);
        note->temp = next_line(file);
        note->time_s = info.st_mtim.tv_sec;
    }
    fclose(file);
    return is_stale;
}

/* Call ON_NOTE for each note that nobody holds. */
static void
for_each_stale(const struct gh_installer *installer,
               void (*on_note)(const struct note *note, void *context), void *context)
{
    char *folder_path GH_SCOPED(gh_free) = journal_folder(installer);
    DIR *folder = opendir(folder_path);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder_path, entry->d_name);
        struct note note = {0};
        if (entry->d_name[0] == '.' || !read_stale(path, &note))
            continue;
        on_note(&note, context);
        note_done(&note);
    }
    if (folder)
        closedir(folder);
}

struct search {
    const char *env;
    long long since_s; /* of the oldest note on it; 0: there is none */
    bool removes;
};

static void
on_note_of_env(const struct note *note, void *context)
{
    struct search *search = context;

    if (strcmp(note->env, search->env) != 0)
        return;
    if (search->removes)
        unlink(note->path);
    else if (!search->since_s || note->time_s < search->since_s)
        search->since_s = note->time_s;
}

long long
gh_install_interrupted_since(const struct gh_install *install)
{
    char *key GH_SCOPED(gh_free) = env_key(install);
    struct search search = {.env = key};

    for_each_stale(install->installer, on_note_of_env, &search);
    return search.since_s;
}

void
gh_install_forget_interruption(const struct gh_install *install)
{
    char *key GH_SCOPED(gh_free) = env_key(install);
    struct search search = {.env = key, .removes = true};

    for_each_stale(install->installer, on_note_of_env, &search);
}

static void
on_note_at_start(const struct note *note, void *context)
{
    (void)context;
    gh_log(GH_LOG_WARN, "install.interrupted", "env=%s", gh_log_quote(note->env));
    if (!*note->temp)
        return;
    for (unsigned pass = 0; pass < KILL_PASSES_MAX && kill_users_of(note->temp) > 0; pass++)
        usleep(5000); /* until they are gone; the daemon serves nobody yet */
}

void
gh_install_recover(const struct gh_installer *installer)
{
    for_each_stale(installer, on_note_at_start, NULL);
}

/* ---- what they left in the env ---- */

/* A distribution that was written since then and is not whole: without INSTALLER, which comes last, or
 * with a file of its RECORD missing or short. Without its dist-info it is not there for any tool, and is
 * installed over what is left. Names that begin with "~" are what pip moved away. A Python that the
 * system manages (PEP 668) is left alone here, too. */
static const char *const mend_program[] = {
    "import csv, glob, os, shutil, sys, sysconfig",
    "since = float(sys.argv[1]) - 1",
    "def is_whole(info, site):",
    "    if not os.path.exists(os.path.join(info, 'INSTALLER')): return False",
    "    for path, _, size in csv.reader(open(os.path.join(info, 'RECORD'), encoding='utf-8')):",
    "        file = os.path.join(site, path)",
    "        if path.endswith('.pyc'): continue",
    "        if not os.path.exists(file): return False",
    "        if size and os.path.getsize(file) != int(size): return False",
    "    return True",
    "def mend(site):",
    "    for info in glob.glob(os.path.join(glob.escape(site), '*.dist-info')):",
    "        if os.stat(info).st_mtime < since: continue",
    "        try: whole = is_whole(info, site)",
    "        except Exception: whole = False",
    "        if not whole:",
    "            print('removing', info)",
    "            shutil.rmtree(info)",
    "    for left in glob.glob(os.path.join(glob.escape(site), '~*')):",
    "        print('removing', left)",
    "        shutil.rmtree(left) if os.path.isdir(left) else os.unlink(left)",
    "marker = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')",
    "if sys.prefix != sys.base_prefix or not os.path.exists(marker):",
    "    for site in {sysconfig.get_path('purelib'), sysconfig.get_path('platlib')}: mend(site)",
};

void
gh_install_mend(struct gh_install *install, long long since_s,
                void (*then)(struct gh_install *install, bool is_ok))
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    char *shown GH_SCOPED(gh_free) =
        gh_asprintf("Looking after the env %s, where an install was interrupted,",
                    install->env->conda_env ? install->env->conda_env : install->env->python);

    gh_install_add_python(install, &argv);
    gh_env_add_program(&argv, mend_program, sizeof mend_program / sizeof mend_program[0]);
    gh_words_addf(&argv, "%lld", since_s);
    gh_install_run(install, &argv, NULL, shown, then);
}
