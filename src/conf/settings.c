/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/settings.c - the sources of settings, in the order in which each wins over those before it. */
#include "conf/settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/commandline.h"
#include "conf/configfile.h"
#include "conf/credential.h"
#include "conf/paths.h"
#include "conf/rows.h"

/* What the client documents for its own server. */
static const struct {
    unsigned row;
    const char *variable;
} client_variables[] = {
    {GH_ROW_INDEX_log_level, "RH_LOG_LEVEL"},
    {GH_ROW_INDEX_api_server_url, "API_SERVER_URL"},
};

static const char *
client_variable(const struct gh_row *row)
{
    for (size_t i = 0; i < sizeof client_variables / sizeof client_variables[0]; i++)
        if (row == &gh_rows[client_variables[i].row])
            return client_variables[i].variable;
    return NULL;
}

/* The variable that sets ROW, its name in OUT; NULL when none does. An empty one counts for nothing. */
static const char *
find_variable(const struct gh_row *row, char out[GH_ROW_SPELLING_BYTES])
{
    gh_row_variable(row, out);
    const char *text = getenv(out);
    if (text && *text)
        return text;
    const char *theirs = client_variable(row);
    text = theirs ? getenv(theirs) : NULL;
    if (!text || !*text)
        return NULL;
    snprintf(out, GH_ROW_SPELLING_BYTES, "%s", theirs);
    return text;
}

static int
apply_environment(struct gh_settings *settings, struct gh_faults *faults)
{
    char variable[GH_ROW_SPELLING_BYTES];
    struct gh_err err;
    int rc = GH_OK;

    for (size_t i = 0; i < GH_ROW_COUNT; i++) {
        const char *text = find_variable(&gh_rows[i], variable);
        if (!text || gh_row_set(settings, &gh_rows[i], text, variable, &err) == GH_OK)
            continue;
        gh_faults_add(faults, "environment variable %s: %s", variable, err.text);
        rc = GH_E_INPUT;
    }
    return rc;
}

static void
apply_defaults(struct gh_settings *settings)
{
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        if (gh_row_set(settings, &gh_rows[i], gh_rows[i].preset, "default", NULL) != GH_OK)
            abort(); /* the table contradicts itself */
}

/* A relative --env counts from the folder that the daemon was started in, like --module's file; but
 * workers run at home. A plain word is a folder here, else a program on PATH. What the file says counts
 * from its own folder, and has been seen to (configfile.c). */
static void
make_env_absolute(struct gh_settings *settings)
{
    const char *env = settings->env;
    char folder[PATH_MAX];
    struct stat info;

    const char *source = gh_row_source(settings, &gh_rows[GH_ROW_INDEX_env]);
    if (!env[0] || env[0] == '/' || (settings->file && strstr(source, settings->file) == source))
        return;
    if (!strchr(env, '/') && (stat(env, &info) != 0 || !S_ISDIR(info.st_mode)))
        return;
    if (!getcwd(folder, sizeof folder))
        return;
    char *absolute = gh_asprintf("%s/%s", folder, env);
    free(settings->env);
    settings->env = absolute;
}

static int
apply_file(struct gh_settings *settings, const struct gh_commandline *line,
           struct gh_faults *faults)
{
    char variable[GH_ROW_SPELLING_BYTES];
    const struct gh_row *row = &gh_rows[GH_ROW_INDEX_config];
    const char *given = gh_commandline_value(line, row);

    if (!given)
        given = find_variable(row, variable);
    char *path GH_SCOPED(gh_free) = gh_configfile_find(given ? given : "");
    return path ? gh_configfile_read(settings, path, faults) : GH_OK;
}

/* A certificate that the service manager lays down, where no other is named. */
static void
take_credentials(struct gh_settings *settings)
{
    char *certificate GH_SCOPED(gh_free) = gh_credential_path("tls.crt");
    char *key GH_SCOPED(gh_free) = gh_credential_path("tls.key");

    if (!certificate || !key || *settings->ssl_certfile || *settings->ssl_keyfile)
        return;
    if (gh_row_set(settings, gh_row_find("ssl_certfile"), certificate, "credential tls.crt",
                   NULL) == GH_OK)
        (void)!gh_row_set(settings, gh_row_find("ssl_keyfile"), key, "credential tls.key", NULL);
}

/* All but the options' form. Each source is looked at, so that all that is wrong is told at once. */
static int
apply(struct gh_settings *settings, const struct gh_commandline *line, struct gh_faults *faults)
{
    apply_defaults(settings);
    int rc = gh_clientfiles_read(settings, faults);
    if (apply_file(settings, line, faults) != GH_OK)
        rc = GH_E_INPUT;
    if (apply_environment(settings, faults) != GH_OK)
        rc = GH_E_INPUT;
    if (gh_commandline_apply(line, settings, faults) != GH_OK)
        rc = GH_E_INPUT;
    gh_declared_check(&settings->declared, faults);
    make_env_absolute(settings);
    gh_paths_settle(settings);
    take_credentials(settings);
    return gh_faults_count(faults) > 0 ? GH_E_INPUT : rc;
}

enum gh_settings_result
gh_settings_load(struct gh_settings *settings, int argc, char **argv, struct gh_faults *faults)
{
    struct gh_commandline line;

    memset(settings, 0, sizeof *settings);
    enum gh_settings_result result = gh_commandline_read(&line, argc, argv, faults);
    if (result == GH_SETTINGS_RUN && apply(settings, &line, faults) != GH_OK)
        result = GH_SETTINGS_BAD_VALUE;
    gh_commandline_done(&line);
    return result;
}

void
gh_settings_done(struct gh_settings *settings)
{
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        gh_row_drop(settings, &gh_rows[i]);
    gh_declared_done(&settings->declared);
    gh_free(&settings->file);
}
