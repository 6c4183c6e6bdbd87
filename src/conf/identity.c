/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/credential.h"
#include "conf/home.h"
#include "conf/yaml.h"

#define FILE_SHOWN "~/.rh/config.yaml"

static void
wipe(char *text)
{
    explicit_bzero(text, strlen(text));
}

/* A copy of the variable NAME, or NULL when it is not set or empty. */
static char *
from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? gh_strdup(value) : NULL;
}

/* /proc shows the environment that we were started with to those that we start. */
static void
wipe_of_environment(const char *name)
{
    char *value = getenv(name);

    if (value)
        wipe(value);
    unsetenv(name);
}

static char *
take_token_of_environment(void)
{
    char *token = from_environment("RH_TOKEN");

    wipe_of_environment("RH_TOKEN");
    wipe_of_environment(
        "GATEHOUSE_TOKEN"); /* of the command gatehouse, in whose shell we were started */
    return token;
}

/* Unless *TOKEN_OF has come from the environment. */
static void
take_credential(char **token_of, struct gh_faults *faults)
{
    struct gh_err err;

    if (!*token_of && gh_credential_line("token", token_of, &err) != GH_OK)
        gh_faults_add(faults, "%s", err.text);
}

/* The text of KEY, unless *TEXT_OF is known already. */
static void
take(const struct gh_yaml_file *file, const char *key, char **text_of, struct gh_faults *faults)
{
    const struct gh_yaml *value = gh_yaml_get(file->root, key);

    if (*text_of || !value || gh_yaml_is_null(value))
        return;
    if (value->kind != GH_YAML_TEXT)
        gh_faults_add(faults, FILE_SHOWN ": %s must be text", key);
    else if (*value->text)
        *text_of = gh_strdup(value->text);
}

int
gh_identity_load(struct gh_identity *identity, struct gh_faults *faults)
{
    char *path GH_SCOPED(gh_free) = gh_home_path(FILE_SHOWN);
    size_t before = gh_faults_count(faults);
    struct gh_yaml_file file;

    identity->token = take_token_of_environment();
    take_credential(&identity->token, faults);
    identity->user = from_environment("RH_USERNAME");
    if (gh_yaml_load(&file, path, faults) == GH_OK) {
        take(&file, "token", &identity->token, faults);
        take(&file, "username", &identity->user, faults);
    }
    gh_yaml_done(&file);
    return gh_faults_count(faults) == before ? GH_OK : GH_E_INPUT;
}

void
gh_identity_done(struct gh_identity *identity)
{
    if (identity->token)
        wipe(identity->token);
    gh_free(&identity->token);
    gh_free(&identity->user);
}
