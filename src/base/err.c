/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
gh_err_set(struct gh_err *err, int code, const char *format, ...)
{
    if (!err)
        return code;

    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

int
gh_err_add(struct gh_err *err, const char *format, ...)
{
    if (!err)
        return GH_E_SYSTEM;

    char doing[sizeof err->text], joined[2 * sizeof err->text + 2];

    va_list args;
    va_start(args, format);
    vsnprintf(doing, sizeof doing, format, args);
    va_end(args);

    snprintf(joined, sizeof joined, "%s: %s", doing, err->text);
    memcpy(err->text, joined, sizeof err->text - 1);
    err->text[sizeof err->text - 1] = '\0';
    return err->code;
}
