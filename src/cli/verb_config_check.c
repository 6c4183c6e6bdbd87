/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse config check [FILE] - what gatehoused would say of a configuration. */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/confread.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "conf/settings.h"

static void
print_json(const struct gh_settings *settings, const struct gh_faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->texts.count; i++)
        json_array_append_new(list, json_string(faults->texts.list[i]));
    json_t *answer GH_SCOPED(gh_json_drop) = json_pack(
        "{s:s?, s:b, s:o, s:I}", "file", settings->file, "ok", gh_faults_count(faults) == 0,
        "faults", list, "omitted", (json_int_t)faults->omitted);
    gh_out_json(answer);
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
    struct gh_settings settings;

    int rc = gh_confread_load(&settings, cli->word_count ? cli->words[0] : NULL, &faults);
    if (cli->is_json)
        print_json(&settings, &faults);
    else if (rc == GH_EXIT_OK)
        printf("%s: ok\n", settings.file ? settings.file : "no configuration file");
    else
        gh_confread_complain(&faults);
    gh_settings_done(&settings);
    err->text[0] = '\0'; /* all is said */
    return rc;
}

static const struct gh_example examples[] = {
    {"gatehouse config check /etc/gatehouse/gatehouse.yaml", "before a restart"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_config_check = {
    .name = "config check",
    .synopsis = "[FILE]",
    .summary = "Check a gatehouse.yaml without starting anything",
    .text = "FILE, or the one that gatehoused would read; with it the environment and the client's "
            "files in ~/.rh. All faults are printed, each with file, line and column; the exit "
            "status is 78 then, as gatehoused's.",
    .examples = examples,
    .words_max = 1,
    .words = GH_WORD_FILE,
    .run = run,
};
