/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse.yaml: whatever is in it, it is read or each fault is told with its place. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "conf/configfile.h"
#include "conf/settings.h"
#include "conf/show.h"

#define NAME "/nonexistent/fuzz.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct gh_settings settings;
    struct gh_faults faults = {0};
    char *argv[] = {(char *)(uintptr_t) "fuzz", (char *)(uintptr_t) "--config=/dev/null", NULL};

    if (gh_settings_load(&settings, 2, argv, &faults) == GH_SETTINGS_RUN) {
        int rc = gh_configfile_parse(&settings, NAME, bytes, len, &faults);
        assert((rc == GH_OK) == (gh_faults_count(&faults) == 0));
        for (size_t i = 0; i < faults.texts.count; i++)
            assert(strncmp(faults.texts.list[i], NAME ":", strlen(NAME ":")) == 0);
        gh_declared_check(&settings.declared, &faults);
        json_t *shown = gh_show_settings(&settings);
        assert(shown);
        json_decref(shown);
    }
    gh_settings_done(&settings);
    gh_faults_done(&faults);
    return 0;
}
