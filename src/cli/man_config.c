/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/man_config.c - gatehouse.yaml(5), out of the table of settings. */
#include "base/alloc.h"
#include "cli/man.h"
#include "conf/rows.h"

#ifndef GH_SYSCONF_DIR
#define GH_SYSCONF_DIR "/etc"
#endif

/* An item of a list, its NAME in bold, and what it is. */
static void
add_item(struct gh_buf *out, const char *name, const char *text)
{
    gh_buf_addf(out, ".It Cm %s\n", name);
    gh_man_text(out, text);
}

/* "A number from 0 to 65535, by default 32300. Live." The caller frees it. */
static char *
describe(const struct gh_row *row)
{
    const char *live = row->is_live ? " Live." : "";
    bool has_unit = row->kind == GH_ROW_UINT && row->unit[0] != 'N';

    switch (row->kind) {
    case GH_ROW_UINT:
        return gh_asprintf("A number from %llu to %llu%s%s, by default %s.%s",
                           (unsigned long long)row->lowest, (unsigned long long)row->highest,
                           has_unit ? " " : "", has_unit ? row->unit : "", row->preset, live);
    case GH_ROW_FLAG:
        return gh_asprintf("true or false, by default false.%s", live);
    case GH_ROW_TEXT:
    default:
        return row->preset[0] ? gh_asprintf("Text, by default %s.%s", row->preset, live)
                              : gh_asprintf("Text, by default none.%s", live);
    }
}

static void
add_setting(struct gh_buf *out, const struct gh_row *row)
{
    char *what GH_SCOPED(gh_free) = gh_asprintf("%s.", row->help);
    char *values GH_SCOPED(gh_free) = describe(row);

    add_item(out, row->name, what);
    gh_man_text(out, values);
}

static void
add_description(struct gh_buf *out)
{
    gh_buf_add_text(out, ".Sh DESCRIPTION\n");
    gh_man_text(
        out,
        "The file is never required. It is the one that --config or GATEHOUSE_CONFIG names, else "
        "the first that is there of $XDG_CONFIG_HOME/gatehouse/gatehouse.yaml (by default in "
        "~/.config) and " GH_SYSCONF_DIR "/gatehouse/gatehouse.yaml.\n\n"
        "It is one YAML document, or JSON, of at most 1 MiB: a mapping of the settings below, and "
        "of modules and envs. A key that is not known, or a value that cannot be, keeps the daemon "
        "from starting, with exit status 78; all faults are told, each with file, line and column. "
        "gatehouse config check tells them without starting anything.\n\n"
        "A flag wins over its environment variable (GATEHOUSE_ and the name in capitals; also "
        "RH_LOG_LEVEL), that over this file, this file over ~/.rh/cluster_config.json and "
        "~/.rh/config.yaml of the client, and those over the default. gatehouse config show prints "
        "each value and where it comes from. Relative paths count from the folder of the file.\n\n"
        "Settings that are live are read again on SIGHUP, and gatehouse config set changes them "
        "while the daemon runs; such a change holds until the next SIGHUP or start.");
}

static void
add_settings(struct gh_buf *out)
{
    gh_buf_add_text(out, ".Sh SETTINGS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        if (i != GH_ROW_INDEX_config)
            add_setting(out, &gh_rows[i]);
    gh_buf_add_text(out, ".El\n");
}

static void
add_modules(struct gh_buf *out)
{
    gh_buf_add_text(out, ".Sh MODULES\n");
    gh_man_text(out, "modules maps names, each one segment of a URL, to what is served there: "
                     "FILE.py:ATTR, FILE.py:ATTR@KIND, or a mapping of");
    gh_buf_add_text(out, ".Bl -tag -width Ds\n");
    add_item(out, "file", "a Python file;");
    add_item(out, "attr",
             "a function, class, object or web app in it, or, with () behind its name, a factory;");
    add_item(out, "kind", "asgi, wsgi or module, where that cannot be seen;");
    add_item(out, "env", "the name of one of envs; by default the module runs in the setting env;");
    add_item(out, "process",
             "the worker process; by default default_process, or env-NAME for all modules of the "
             "env NAME;");
    add_item(out, "refuse_pickle",
             "true: calls with pickled data are refused, as by the setting refuse_pickle.");
    gh_buf_add_text(out, ".El\n");
    gh_man_text(out, "A --module of the same name takes the place of one in the file.");
}

static void
add_envs(struct gh_buf *out)
{
    gh_buf_add_text(out, ".Sh ENVS\n");
    gh_man_text(out, "envs maps names to Python environments, each a mapping of one of");
    gh_buf_add_text(out, ".Bl -tag -width Ds\n");
    add_item(out, "python",
             "a version as in \"3.11\", or the path of an interpreter: a venv of it is made in the "
             "state folder, under envs, where it is missing;");
    add_item(out, "venv", "the path of a venv;");
    add_item(out, "conda", "the name or path of a conda env;");
    gh_buf_add_text(out, ".El\n");
    gh_man_text(out, "and, if packages are to be installed into it,");
    gh_buf_add_text(out, ".Bl -tag -width Ds\n");
    add_item(out, "requirements",
             "a list of requirements as pip takes them, or the path of a requirements file.");
    gh_buf_add_text(out, ".El\n");
    gh_man_text(out,
                "The daemon serves while envs are made; until then, and when that fails, calls to "
                "their modules are answered with 503 and the reason. A client names a declared "
                "env by runtime_env {\"env\": NAME}.");
}

void
gh_man_add_config(struct gh_buf *out)
{
    gh_man_head(out, "gatehouse.yaml", 5, "configuration of gatehoused");
    add_description(out);
    add_settings(out);
    add_modules(out);
    add_envs(out);
    gh_buf_add_text(out, ".Sh EXAMPLES\n");
    gh_man_literal(out, "port: 32300\n"
                        "log_format: json\n"
                        "body_max_bytes: 67108864\n"
                        "modules:\n"
                        "  concat: concat.py:concat\n"
                        "  shop: {file: shop.py, attr: app, kind: asgi, env: shop}\n"
                        "envs:\n"
                        "  shop:\n"
                        "    python: \"3.11\"\n"
                        "    requirements: [starlette==0.37.2]");
    gh_buf_add_text(out, ".Sh SEE ALSO\n.Xr gatehouse 1 ,\n.Xr gatehoused 8\n");
}
