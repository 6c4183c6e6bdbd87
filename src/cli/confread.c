/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/confread.h"

#include <stdio.h>

#include "base/alloc.h"
#include "cli/out.h"
#include "conf/settings.h"
#include "conf/show.h"

int
gh_confread_load(struct gh_settings *settings, const char *file, struct gh_faults *faults)
{
    char *option GH_SCOPED(gh_free) = gh_asprintf("--config=%s", file ? file : "");
    char *argv[] = {(char *)(uintptr_t) "gatehoused", option, NULL};

    return gh_settings_load(settings, file ? 2 : 1, argv, faults) == GH_SETTINGS_RUN
               ? GH_EXIT_OK
               : GH_EXIT_CONFIG;
}

void
gh_confread_complain(const struct gh_faults *faults)
{
    for (size_t i = 0; i < faults->texts.count; i++) {
        gh_out_text(stderr, GH_STYLE_BAD, "gatehouse:");
        fprintf(stderr, " %s\n", faults->texts.list[i]);
    }
    if (faults->omitted > 0)
        fprintf(stderr, "gatehouse: and %zu more\n", faults->omitted);
}

int
gh_confread_show(struct json_t **config_out, struct gh_err *err)
{
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
    struct gh_settings settings;

    int rc = gh_confread_load(&settings, NULL, &faults);
    if (rc == GH_EXIT_OK)
        *config_out = gh_show_settings(&settings);
    gh_settings_done(&settings);
    gh_confread_complain(&faults);
    err->text[0] = '\0'; /* all is said */
    return rc;
}
