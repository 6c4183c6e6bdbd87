/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/service.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/capture.h"
#include "cli/cli.h"

/* What is said without rights, by systemctl 252 and by polkit. */
static bool
is_refusal(const char *text)
{
    return strstr(text, "authentication required") || strstr(text, "Access denied") ||
           strstr(text, "Permission denied");
}

int
gh_service_ask(const struct gh_unit *unit, const char *verb, uint64_t timeout_ms,
               struct gh_err *err)
{
    const char *scope = unit->is_user ? "--user" : "--system";
    const char *const argv[] = {"systemctl", "--no-ask-password", scope, verb, unit->name, NULL};
    struct gh_buf said GH_SCOPED(gh_buf_done) = {0};

    int status = gh_capture(argv, timeout_ms > UINT_MAX ? UINT_MAX : (unsigned)timeout_ms, &said);
    if (status == 0)
        return GH_EXIT_OK;
    const char *text = gh_buf_text(&said);
    int code = status < 0         ? GH_EXIT_TIMED_OUT
               : is_refusal(text) ? GH_EXIT_NOT_ALLOWED
                                  : GH_EXIT_FAILED;
    return gh_err_set(err, code, "the daemon is run by systemd, and %ssystemctl %s %s %s: %.*s",
                      code == GH_EXIT_NOT_ALLOWED ? "that takes root, by " : "", scope, verb,
                      unit->name, (int)strcspn(text, "\n"),
                      status < 0      ? "it has not ended yet"
                      : status == 127 ? "there is no systemctl here"
                                      : text);
}
