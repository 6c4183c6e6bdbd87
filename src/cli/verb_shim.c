/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse shim install|check|remove - the commands `runhouse` and `ray` for the client that comes by
 * ssh. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/login.h"
#include "cli/out.h"
#include "cli/shim.h"
#include "cli/verbs.h"
#include "conf/home.h"

static const char *const names[] = {"runhouse", "ray"};

#define NAME_COUNT (sizeof names / sizeof names[0])

/* Absolute: it is looked for on PATH. The caller frees it. */
static char *
dir_of(const struct gh_cli *cli)
{
    const char *dir = gh_cli_value(cli, "--dir", NULL);
    char here[PATH_MAX];

    if (!dir)
        return gh_shim_default_dir();
    if (dir[0] == '/' || dir[0] == '~')
        return gh_home_path(dir);
    return gh_asprintf("%s/%s", getcwd(here, sizeof here) ? here : ".", dir);
}

/* ---- install and remove ---- */

static void
make_folders(const char *dir)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/", dir);

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

/* Whatever is at PATH is not ours to take. */
static int
check_foreign(const char *path, struct gh_err *err)
{
    struct stat info;

    if (lstat(path, &info) != 0 || gh_shim_is_ours(path))
        return GH_EXIT_OK;
    return gh_err_set(
        err, GH_EXIT_FAILED,
        "%s is there already, and not from here; --force replaces it, --dir DIR puts the "
        "shims elsewhere",
        path);
}

static int
failed_at(const char *path, struct gh_err *err)
{
    bool is_denied = errno == EACCES || errno == EPERM || errno == EROFS;

    return gh_err_set(err, is_denied ? GH_EXIT_NOT_ALLOWED : GH_EXIT_FAILED, "%s: %s", path,
                      strerror(errno));
}

/* The link appears whole, in the place of what was there. */
static int
make_link(const char *dir, const char *name, const char *program, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", dir, name);
    char *fresh GH_SCOPED(gh_free) = gh_asprintf("%s/.%s.%d", dir, name, getpid());

    if (symlink(program, fresh) != 0)
        return failed_at(path, err);
    if (rename(fresh, path) != 0) {
        failed_at(path, err);
        unlink(fresh);
        return err->code;
    }
    return GH_EXIT_OK;
}

static int
make_links(const char *dir, bool is_forced, struct gh_err *err)
{
    char *program GH_SCOPED(gh_free) = realpath("/proc/self/exe", NULL);
    int rc = program ? GH_EXIT_OK : failed_at("/proc/self/exe", err);

    make_folders(dir);
    for (size_t i = 0; i < NAME_COUNT && rc == GH_EXIT_OK && !is_forced; i++) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", dir, names[i]);
        rc = check_foreign(path, err);
    }
    for (size_t i = 0; i < NAME_COUNT && rc == GH_EXIT_OK; i++)
        rc = make_link(dir, names[i], program, err);
    return rc;
}

/* ---- what the client finds ---- */

static unsigned
print_needs(const struct gh_cli *cli, const struct gh_login_need needs[GH_LOGIN_NEEDS])
{
    json_t *list = json_array();
    unsigned missing = 0;

    for (size_t i = 0; i < GH_LOGIN_NEEDS; i++) {
        const struct gh_login_need *need = &needs[i];
        missing += need->mend != NULL;
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?}", "name", need->name, "found",
                                              need->found, "mend", need->mend));
        if (cli->is_json)
            continue;
        gh_out_text(stdout, need->mend ? GH_STYLE_BAD : GH_STYLE_GOOD,
                    need->mend ? "missing " : "ok      ");
        printf("%-9s %s%s\n", need->name, need->mend ? "mend it with: " : "",
               need->mend ? need->mend : need->found);
    }
    if (cli->is_json)
        gh_out_json(list);
    json_decref(list);
    return missing;
}

/* Look at what a login finds, and print it. GH_EXIT_FAILED when something is missing. */
static int
look(const struct gh_cli *cli, const char *dir, struct gh_err *err)
{
    struct gh_login_need needs[GH_LOGIN_NEEDS];

    int rc = gh_login_look(dir, needs, err);
    if (rc != GH_EXIT_OK)
        return rc;
    unsigned missing = print_needs(cli, needs);
    gh_login_done(needs);
    if (missing == 0)
        return GH_EXIT_OK;
    return gh_err_set(err, GH_EXIT_FAILED,
                      "%u of %d things that the client needs when it comes by ssh are missing",
                      missing, GH_LOGIN_NEEDS);
}

/* ---- the verbs ---- */

static int
run_install(struct gh_cli *cli, struct gh_err *err)
{
    char *dir GH_SCOPED(gh_free) = dir_of(cli);

    int rc = make_links(dir, gh_cli_has(cli, "--force"), err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (!cli->is_json)
        printf("%s/runhouse and %s/ray are installed. A login by ssh finds:\n", dir, dir);
    return look(cli, dir, err);
}

static int
run_check(struct gh_cli *cli, struct gh_err *err)
{
    char *dir GH_SCOPED(gh_free) = dir_of(cli);

    return look(cli, dir, err);
}

static int
run_remove(struct gh_cli *cli, struct gh_err *err)
{
    char *dir GH_SCOPED(gh_free) = dir_of(cli);

    for (size_t i = 0; i < NAME_COUNT; i++) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", dir, names[i]);
        if (!gh_shim_is_ours(path))
            continue;
        if (unlink(path) != 0)
            return failed_at(path, err);
        if (!cli->is_json)
            printf("%s is removed.\n", path);
    }
    return GH_EXIT_OK;
}

static const struct gh_option install_options[] = {
    {"--dir", NULL, "DIR", "where to put them; /usr/local/bin for root, else ~/.local/bin"},
    {"--force", NULL, NULL, "replace a runhouse or ray that is there and not from here"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_option dir_options[] = {
    {"--dir", NULL, "DIR", "where they are; /usr/local/bin for root, else ~/.local/bin"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example install_examples[] = {
    {"gatehouse shim install", "make this machine a node that rh.cluster(host=...) can bring up"},
    {NULL, NULL},
};

static const struct gh_example check_examples[] = {
    {"gatehouse shim check", "why does start_server() not work?"},
    {"gatehouse shim check --json | jq -r '.[].mend // empty'", "the commands that mend it"},
    {NULL, NULL},
};

static const struct gh_example remove_examples[] = {
    {"gatehouse shim remove", "from where shim install puts them"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_shim_install = {
    .name = "shim install",
    .synopsis = "",
    .summary = "Put the commands runhouse and ray where the client looks for them by ssh",
    .text = "They are links to this program. Then an interactive login bash, which is what the "
            "client uses, "
            "is asked what it finds: the two commands, ~/.bashrc, rsync, and a python3 that "
            "imports psutil. "
            "What is missing is printed with the command that mends it, and the exit status is 1.",
    .options = install_options,
    .examples = install_examples,
    .run = run_install,
};

const struct gh_verb gh_verb_shim_check = {
    .name = "shim check",
    .synopsis = "",
    .summary = "Say what the client finds when it comes by ssh, and what it misses",
    .text = "An interactive login bash of this user is asked, as shim install does at its end. The "
            "exit "
            "status is 1 when something is missing.",
    .options = dir_options,
    .examples = check_examples,
    .run = run_check,
};

const struct gh_verb gh_verb_shim_remove = {
    .name = "shim remove",
    .synopsis = "",
    .summary = "Remove the commands runhouse and ray that shim install made",
    .text = "What is of that name and not from here is left alone. A daemon that runs goes on.",
    .options = dir_options,
    .examples = remove_examples,
    .run = run_remove,
};
