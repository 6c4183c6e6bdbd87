/* SPDX-License-Identifier: Apache-2.0 */
#include "node/env.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/home.h"
#include "node/requirement.h"
#include "wire/pyenv.h"

#define MARK "gatehouse-env:"

/* The question. Folders' times come before the listing, so that a change in
 * between shows. `managed` is PEP 668's marker, which counts outside of virtual environments only. */
static const char *const question[] = {
    "import sys",
    "sys.path[:] = sys.path[1:] if sys.path[:1] == [''] else sys.path",
    "import os, json, sysconfig, importlib.util, importlib.metadata, re",
    "marker = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')",
    "is_venv = sys.prefix != sys.base_prefix",
    "has = lambda name: importlib.util.find_spec(name) is not None",
    "folders = [[p, str(os.stat(p).st_mtime_ns)] for p in sys.path if os.path.isdir(p)]",
    "dists = {}",
    "for d in importlib.metadata.distributions():",
    "    try: name, version = d.metadata['Name'], d.version",
    "    except Exception: continue",
    "    if name: dists.setdefault(re.sub('[-_.]+', '-', name).lower(), version)",
    "print('" MARK "' + json.dumps({'executable': sys.executable, 'prefix': sys.prefix,",
    "    'version': '%d.%d' % sys.version_info[:2], 'has_pip': has('pip'),",
    "    'has_ensurepip': has('ensurepip'), 'is_venv': is_venv,",
    "    'managed': marker if not is_venv and os.path.exists(marker) else '',",
    "    'site': sorted({sysconfig.get_path('purelib'), sysconfig.get_path('platlib')}),",
    "    'folders': folders, 'dists': dists}))",
};

void
gh_env_add_program(struct gh_words *argv, const char *const *lines, size_t count)
{
    struct gh_buf program GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&program, "exec(\"");
    for (size_t i = 0; i < count; i++) {
        gh_buf_add_text(&program, lines[i]);
        gh_buf_add_text(&program, "\\n");
    }
    gh_buf_add_text(&program, "\")");
    gh_words_add(argv, "-c");
    gh_words_add(argv, gh_buf_text(&program));
}

void
gh_env_add_question(struct gh_words *argv)
{
    gh_env_add_program(argv, question, sizeof question / sizeof question[0]);
}

bool
gh_env_learn(struct gh_env *env, const char *line, size_t len)
{
    static const size_t mark_len = sizeof MARK - 1;

    if (len < mark_len || memcmp(line, MARK, mark_len) != 0)
        return false;
    json_t *facts = json_loadb(line + mark_len, len - mark_len, 0, NULL);
    if (!json_is_object(facts)) {
        json_decref(facts);
        return false;
    }
    json_decref(env->facts);
    env->facts = facts;
    env->is_stale = false;
    if (env->conda_env) {
        free(env->python);
        env->python = gh_strdup(gh_env_text(env, "executable"));
    }
    return true;
}

void
gh_env_forget(struct gh_env *env)
{
    env->is_stale = true;
}

void
gh_env_done(struct gh_env *env)
{
    json_decref(env->facts);
    free(env->python);
    free(env->conda_env);
}

bool
gh_env_is_known(const struct gh_env *env)
{
    const json_t *folder;
    size_t i;

    json_array_foreach(json_object_get(env->facts, "folders"), i, folder)
    {
        const char *path = json_string_value(json_array_get(folder, 0));
        const char *time_ns = json_string_value(json_array_get(folder, 1));
        struct stat info;

        if (!path || !time_ns || stat(path, &info) != 0 ||
            strtoll(time_ns, NULL, 10) !=
                (long long)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec)
            return false;
    }
    return env->facts && !env->is_stale;
}

/* NAME, LEN bytes of it, in the form in which two spellings of one distribution are equal: PEP 503. */
static char *
normal_name(const char *name, size_t len)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < len; i++) {
        bool is_separator = strchr("-_.", name[i]) != NULL;
        if (!is_separator)
            gh_buf_add_byte(&out, (uint8_t)tolower((unsigned char)name[i]));
        else if (i == 0 || !strchr("-_.", name[i - 1]))
            gh_buf_add_byte(&out, '-');
    }
    return gh_strdup(gh_buf_text(&out));
}

bool
gh_env_has(const struct gh_env *env, const char *text)
{
    size_t name_len = 0;

    while (isalnum((unsigned char)text[name_len]) ||
           (text[name_len] && strchr("-_.", text[name_len])))
        name_len++;
    char *name GH_SCOPED(gh_free) = normal_name(text, name_len);
    const char *found =
        json_string_value(json_object_get(json_object_get(env->facts, "dists"), name));
    return found && gh_requirement_holds(text + name_len, found);
}

const char *
gh_env_text(const struct gh_env *env, const char *name)
{
    const char *text = json_string_value(json_object_get(env->facts, name));
    return text ? text : "";
}

bool
gh_env_flag(const struct gh_env *env, const char *name)
{
    return json_is_true(json_object_get(env->facts, name));
}

char *
gh_env_site_folders(const struct gh_env *env)
{
    char *text = json_dumps(json_object_get(env->facts, "site"), JSON_COMPACT);
    return text ? text : gh_strdup("[]");
}

bool
gh_env_find_uv(const char *python, char out[PATH_MAX])
{
    static const char *const places[] = {"~/.local/bin/uv", "~/.cargo/bin/uv"};
    const char *slash = strrchr(python, '/');
    int folder_len = slash ? (int)(slash - python) : 0;

    if (slash && snprintf(out, PATH_MAX, "%.*s/uv", folder_len, python) < PATH_MAX &&
        access(out, X_OK) == 0)
        return true;
    if (gh_pyenv_find_on_path("uv", out) == 0)
        return true;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *path GH_SCOPED(gh_free) = gh_home_path(places[i]);
        if (snprintf(out, PATH_MAX, "%s", path) < PATH_MAX && access(out, X_OK) == 0)
            return true;
    }
    return false;
}
