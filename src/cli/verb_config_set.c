/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse config set NAME=VALUE... - change settings of the daemon that runs. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "conf/rows.h"

/* TEXT in the type of ROW. Of what is of no such type the daemon says what is wrong. */
static json_t *
value_of(const struct gh_row *row, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);

    if (row && row->kind == GH_ROW_UINT && isdigit((unsigned char)text[0]) && !*end && !errno)
        return json_integer(number);
    if (row && row->kind == GH_ROW_FLAG && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0))
        return json_true();
    if (row && row->kind == GH_ROW_FLAG && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0))
        return json_false();
    return json_string(text);
}

static int
read_words(const struct gh_cli *cli, json_t *wanted, struct gh_err *err)
{
    for (size_t i = 0; i < cli->word_count; i++) {
        const char *equals = strchr(cli->words[i], '=');
        if (!equals || equals == cli->words[i])
            return gh_err_set(err, GH_EXIT_USAGE,
                              "'%s' must read NAME=VALUE, as in log_level=DEBUG", cli->words[i]);
        char *name GH_SCOPED(gh_free) = gh_strndup(cli->words[i], (size_t)(equals - cli->words[i]));
        for (char *c = name; *c; c++) /* also as flags are spelled */
            *c = *c == '-' ? '_' : *c;
        json_t *value = value_of(gh_row_find(name), equals + 1);
        if (!value || json_object_get(wanted, name)) {
            json_decref(value);
            return gh_err_set(err, GH_EXIT_USAGE, value ? "%s is given twice" : "%s is not UTF-8",
                              name);
        }
        json_object_set_new(wanted, name, value);
    }
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    struct gh_buf answer GH_SCOPED(gh_buf_done) = {0};
    json_t *wanted GH_SCOPED(gh_json_drop) = json_object();

    int rc = read_words(cli, wanted, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_open(cli, &client, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_fetch(client, "PATCH", "/_gatehouse/v1/config", wanted, &answer, err);
    if (rc == GH_EXIT_NOT_FOUND)
        return gh_err_set(err, rc,
                          "%s: it can be changed only on its control socket, by programs of "
                          "its own machine",
                          gh_client_place(client));
    if (rc != GH_EXIT_OK)
        return rc;
    if (cli->is_json)
        puts(gh_buf_text(&answer));
    else
        puts("Changed until the next SIGHUP or start; write it into gatehouse.yaml to keep it.");
    return GH_EXIT_OK;
}

static const struct gh_example examples[] = {
    {"gatehouse config set log_level=DEBUG", "look closer for a while"},
    {"gatehouse config set body_max_bytes=1048576 keepalive_timeout_ms=5000", "both, or neither"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_config_set = {
    .name = "config set",
    .synopsis = "NAME=VALUE...",
    .summary = "Change settings of the daemon while it runs",
    .text = "Only those that 'gatehouse config show' calls live. They are checked together: either "
            "all of them change, or none, and each fault is told. The change is not kept: SIGHUP "
            "and a start read the configuration again.",
    .examples = examples,
    .words_min = 1,
    .words_max = GH_WORDS_ANY,
    .run = run,
};
