/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse names KIND [BEGINNING] - what the shell's completion asks: one name a line. Hidden. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/facts.h"
#include "cli/verbs.h"

static int
print_keys_of(struct gh_client *client, const char *path, const char *beginning, struct gh_err *err)
{
    json_t *names GH_SCOPED(gh_json_drop) = NULL;
    const char *name;
    json_t *value;

    int rc = strcmp(path, "processes") == 0 ? gh_facts_processes(client, &names, err)
                                            : gh_facts_keys(client, &names, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_object_foreach(names, name, value) if (strncmp(name, beginning, strlen(beginning)) == 0)
        puts(name);
    return GH_EXIT_OK;
}

/* The methods of the key that BEGINNING names in front of its dot. */
static int
print_methods(struct gh_client *client, const char *beginning, struct gh_err *err)
{
    const char *dot = strrchr(beginning, '.');
    json_t *methods GH_SCOPED(gh_json_drop) = NULL;
    size_t i;
    json_t *method;

    if (!dot)
        return print_keys_of(client, "modules", beginning, err);
    char *key GH_SCOPED(gh_free) = gh_strndup(beginning, (size_t)(dot - beginning));
    int rc = gh_facts_methods(client, key, &methods, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_array_foreach(methods, i, method) printf("%s.%s\n", key, gh_facts_text(method, "name"));
    return GH_EXIT_OK;
}

static int
print_runs(struct gh_client *client, const char *beginning, struct gh_err *err)
{
    json_t *runs GH_SCOPED(gh_json_drop) = NULL;
    size_t i;
    json_t *each;

    int rc = gh_facts_runs(client, &runs, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_array_foreach(runs, i, each)
    {
        const char *name = gh_facts_text(each, "run_name");
        if (strncmp(name, beginning, strlen(beginning)) == 0)
            puts(name);
    }
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    const char *beginning = cli->word_count > 1 ? cli->words[1] : "";

    int rc = gh_client_open(cli, &client, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (strcmp(cli->words[0], "methods") == 0)
        return print_methods(client, beginning, err);
    if (strcmp(cli->words[0], "runs") == 0)
        return print_runs(client, beginning, err);
    return print_keys_of(client, cli->words[0], beginning, err);
}

const struct gh_verb gh_verb_names = {
    .name = "names", .synopsis = "KIND [BEGINNING]", .words_min = 1, .words_max = 2, .run = run};
