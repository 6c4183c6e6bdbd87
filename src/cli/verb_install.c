/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse install - packages for the processes of a node, with what the installers print. Source of
 * the fields: docs/http-api.md, "Packages". */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "cli/runlog.h"
#include "cli/verbs.h"

struct order {
    const char *method, *args, *revision;
    const char *conda_env, *venv; /* NULL: the env of the processes */
    bool is_local_node;           /* paths here are paths there */
};

/* ---- what is asked for ---- */

/* A path as the node understands it: relative ones count from its home there, from this folder here. */
static json_t *
path_target(const struct order *order, const char *path)
{
    char absolute[PATH_MAX];
    bool is_here = order->is_local_node && path[0] != '~' && realpath(path, absolute);

    return json_pack("[s, n]", is_here ? absolute : path);
}

/* "https://host/owner/name.git" is cloned into "name" of the home. */
static json_t *
clone_target(const char *url)
{
    const char *slash = strrchr(url, '/');
    const char *name = slash && slash[1] ? slash + 1 : url;
    size_t len = strlen(name);

    if (len > 4 && strcmp(name + len - 4, ".git") == 0)
        len -= 4;
    return json_pack("[o, n]", json_stringn(name, len));
}

static json_t *
package_config(const struct order *order, const char *package)
{
    bool is_git = strcmp(order->method, "git") == 0;
    bool is_path = strcmp(order->method, "local") == 0 || strcmp(order->method, "reqs") == 0;
    json_t *target = is_git    ? clone_target(package)
                     : is_path ? path_target(order, package)
                               : json_string(package);
    json_t *config = json_pack("{s:s, s:o}", "install_method", is_git ? "local" : order->method,
                               "install_target", target);

    if (config && is_git)
        json_object_set_new(config, "git_url", json_string(package));
    if (config && order->revision)
        json_object_set_new(config, "revision", json_string(order->revision));
    if (config && order->args)
        json_object_set_new(config, "install_args", json_string(order->args));
    return config;
}

static json_t *
request_of(const struct order *order, const char *package, const char *run_name)
{
    json_t *body = json_pack("{s:o, s:s}", "package_config", package_config(order, package),
                             "run_name", run_name);

    if (body && order->conda_env)
        json_object_set_new(body, "conda_env_name", json_string(order->conda_env));
    if (body && order->venv)
        json_object_set_new(body, "venv_path", json_string(order->venv));
    return body;
}

/* ---- asking ---- */

/* The tools' last lines are behind the first one of the reason: shown unless they were as they came. */
static int
failed(const json_t *answer, bool is_shown, struct gh_err *err)
{
    const char *text = gh_facts_text(json_object_get(answer, "data"), "exception_as_str");

    if (!text)
        return gh_err_set(err, GH_EXIT_FAILED, "the node gave no reason");
    size_t first = strcspn(text, "\n");
    if (!is_shown && text[first])
        fprintf(stderr, "%s\n", text + first + 1);
    return gh_err_set(err, GH_EXIT_FAILED, "%.*s", (int)first, text);
}

static int
install_one(const struct gh_cli *cli, struct gh_client *client, const struct order *order,
            const char *package, struct gh_err *err)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    char *run_name GH_SCOPED(gh_free) = gh_runlog_new_name("install");
    json_t *body GH_SCOPED(gh_json_drop) = request_of(order, package, run_name);

    if (!body)
        return gh_err_set(err, GH_EXIT_USAGE, "the package's name is no UTF-8");
    struct gh_exchange *exchange GH_SCOPED(gh_exchange_free) =
        gh_exchange_start(client, "POST", "/install_package", body, gh_exchange_keep, &text);
    struct gh_runlog *log GH_SCOPED(gh_runlog_free) =
        gh_runlog_follow(client, run_name, NULL, stderr, false);

    int rc = gh_exchange_wait(exchange, 0, err);
    if (rc != GH_EXIT_OK)
        return rc;
    unsigned status = gh_exchange_status(exchange);
    if (status != 200)
        return gh_client_refused(status, text.bytes, text.len, err);
    json_t *answer GH_SCOPED(gh_json_drop) = json_loadb((char *)text.bytes, text.len, 0, NULL);
    const char *type = gh_facts_text(answer, "output_type");
    gh_runlog_drain(log);
    if (!type || strcmp(type, "success") != 0)
        return failed(answer, gh_runlog_has_printed(log), err);
    if (cli->is_json) {
        json_t *line GH_SCOPED(gh_json_drop) =
            json_pack("{s:s, s:s}", "installed", package, "run_name", run_name);
        gh_out_json(line);
    } else {
        printf("%s: installed\n", package);
    }
    return GH_EXIT_OK;
}

/* ---- the command line ---- */

static const char *const methods[] = {"pip", "uv", "conda", "local", "reqs", "git"};

static int
take_method(const struct gh_cli *cli, struct order *order, struct gh_err *err)
{
    order->method = gh_cli_value(cli, "--method", "pip");
    order->args = gh_cli_value(cli, "--args", NULL);
    order->revision = gh_cli_value(cli, "--revision", NULL);
    order->is_local_node = !gh_cli_has(cli, "--url");
    if (order->revision && strcmp(order->method, "git") != 0)
        return gh_err_set(err, GH_EXIT_USAGE, "--revision is of --method git");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i], order->method) == 0)
            return GH_EXIT_OK;
    return gh_err_set(err, GH_EXIT_USAGE,
                      "--method is '%s', but must be pip, uv, conda, local, reqs or git",
                      order->method);
}

/* --env names a venv by a path, a conda env by its name. */
static void
take_env(const struct gh_cli *cli, struct order *order)
{
    const char *env = gh_cli_value(cli, "--env", NULL);

    if (env && strchr(env, '/'))
        order->venv = env;
    else
        order->conda_env = env;
}

/* The env that the process NAME was given; *ENV_OUT is the caller's, NULL for that of all. */
static int
env_of_process(struct gh_client *client, const char *name, char **env_out, struct gh_err *err)
{
    json_t *node GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_facts_node(client, &node, err);
    if (rc != GH_EXIT_OK)
        return rc;
    const json_t *process = json_object_get(json_object_get(node, "processes"), name);
    if (!process)
        return gh_err_set(err, GH_EXIT_NOT_FOUND, "there is no process %s; gatehouse ps lists them",
                          name);
    const char *env = gh_facts_text(process, "env");
    *env_out = env && *env ? gh_strdup(env) : NULL;
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    const char *process = gh_cli_value(cli, "--process", NULL);
    char *env GH_SCOPED(gh_free) = NULL;
    struct order order = {.method = NULL};

    int rc = take_method(cli, &order, err);
    if (rc == GH_EXIT_OK && process && gh_cli_has(cli, "--env"))
        rc = gh_err_set(err, GH_EXIT_USAGE, "--process and --env both say where; give one of them");
    take_env(cli, &order);
    if (rc == GH_EXIT_OK)
        rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK && process)
        rc = env_of_process(client, process, &env, err);
    if (env)
        order.venv = env;
    for (size_t i = 0; rc == GH_EXIT_OK && i < cli->word_count; i++) {
        rc = install_one(cli, client, &order, cli->words[i], err);
        if (rc != GH_EXIT_OK)
            gh_err_add(err, "install %s", cli->words[i]);
    }
    return rc;
}

static const struct gh_option options[] = {
    {"--method", "-m", "METHOD", "pip (default), uv, conda, local, reqs or git"},
    {"--env", NULL, "ENV", "path of a venv or name of a conda env, not that of the processes"},
    {"--process", NULL, "PROCESS", "into the env that this process was given"},
    {"--args", NULL, "TEXT", "more options for the installer, quoted as for a shell"},
    {"--revision", NULL, "REV", "branch, tag or commit of --method git"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse install numpy 'pandas>=2'", "by pip, into the env of the processes"},
    {"gatehouse install torch --method uv --args '--index-url https://example.org/cpu'",
     "by uv, from "
     "another index"},
    {"gatehouse install ./project --method reqs",
     "requirements.txt of a folder, and the folder itself"},
    {"gatehouse install https://example.org/me/tools.git --method git --revision v2",
     "a repository"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_install = {
    .name = "install",
    .synopsis = "PACKAGE...",
    .summary = "Install packages for the processes",
    .text =
        "What the installer prints goes to standard error as it comes. local puts a folder first "
        "on the "
        "import path of all processes; reqs installs its requirements.txt before; git clones a "
        "repository into the home and goes on as local. Paths are those of the node.\n\n"
        "Processes can import what is new at once; what they have imported stays as it is until "
        "gatehouse restart. After --timeout-s or Ctrl-C the install goes on.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .words = GH_WORD_FILE,
    .run = run,
};
