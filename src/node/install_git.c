/* SPDX-License-Identifier: Apache-2.0
 *
 * node/install_git.c - packages that are git repositories: cloned into the home, then installed as
 * their method says. Clients up to 0.0.41 send them. Source: versions.md section 5, item 7.
 *
 *     not there: clone into a scratch folder --> check the revision out --> rename
 *     there:     is it a clone of this URL? --> fetch --> check the revision out --> follow its branch
 *
 * A clone that fails half-way leaves nothing behind, and one that is there is never forced: local
 * changes in the way are git's error. Credentials are the user's own (helpers, ssh keys); nothing is
 * asked for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/home.h"
#include "node/install.h"

typedef void step(struct gh_install *install, bool is_ok);

static void
run_git(struct gh_install *install, const char *const *args, step *then)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    const char *folder = install->made.path ? install->made.path : install->package.target;

    gh_words_add(&argv, "git");
    gh_words_add(&argv, "-C");
    gh_words_add(&argv, folder);
    for (; *args; args++)
        gh_words_add(&argv, *args);
    gh_install_run(install, &argv, NULL, NULL, then);
}

static void
fail_git(struct gh_install *install)
{
    gh_install_fail_plainly(install,
                            "check that the repository and the revision exist and may be read");
}

/* ---- a repository that is there ---- */

static void
on_followed(struct gh_install *install, bool is_ok)
{
    if (is_ok)
        gh_install_by_method(install);
    else
        fail_git(install);
}

/* On a branch that follows another one: get what is new there. A tag or commit stays as it is. */
static void
on_upstream_known(struct gh_install *install, bool is_ok)
{
    static const char *const args[] = {"merge", "--ff-only", "@{upstream}", NULL};

    if (is_ok)
        run_git(install, args, on_followed);
    else
        gh_install_by_method(install);
}

static void
on_checked_out(struct gh_install *install, bool is_ok)
{
    static const char *const args[] = {"rev-parse", "--abbrev-ref", "@{upstream}", NULL};
    struct gh_err err;

    if (!is_ok)
        fail_git(install);
    else if (!install->made.path)
        run_git(install, args, on_upstream_known);
    else if (gh_scratch_become(&install->made, install->package.target, &err) == GH_OK)
        gh_install_by_method(install);
    else
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s", err.text);
}

static void
check_out(struct gh_install *install)
{
    const char *args[] = {"checkout", install->package.revision, "--", NULL};

    if (*install->package.revision)
        run_git(install, args, on_checked_out);
    else
        on_checked_out(install, true);
}

static void
on_fetched(struct gh_install *install, bool is_ok)
{
    if (is_ok)
        check_out(install);
    else
        fail_git(install);
}

static void
on_url_known(struct gh_install *install, bool is_ok)
{
    static const char *const args[] = {"fetch", "--tags", "origin", NULL};
    const char *found = install->tail_len ? install->tail[0] : "";
    char *wanted GH_SCOPED(gh_free) = gh_words_hide_secrets(install->package.git_url);

    if (is_ok && strcmp(found, wanted) == 0)
        run_git(install, args, on_fetched);
    else
        gh_install_fail(install, GH_PY_VALUE_ERROR,
                        "%s exists and is %s%s, not a clone of %s. Move it away, then try again.",
                        install->package.target, is_ok ? "a clone of " : "no git repository",
                        is_ok ? found : "", wanted);
}

/* ---- a new one ---- */

static void
on_cloned(struct gh_install *install, bool is_ok)
{
    if (is_ok)
        check_out(install);
    else
        fail_git(install);
}

void
gh_install_from_git(struct gh_install *install)
{
    static const char *const get_url[] = {"remote", "get-url", "origin", NULL};
    const char *clone[] = {"clone", "--", install->package.git_url, ".", NULL};
    struct gh_err err;

    if (access(install->package.target, F_OK) == 0)
        run_git(install, get_url, on_url_known);
    else if (gh_scratch_make(&install->made, gh_home(), &err) == GH_OK)
        run_git(install, clone, on_cloned);
    else
        gh_install_fail(install, GH_PY_RUNTIME_ERROR, "%s", err.text);
}
