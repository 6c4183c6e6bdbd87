/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/faults.h"

#include <stdarg.h>

#include "base/alloc.h"
#include "base/buf.h"

void
gh_faults_add(struct gh_faults *faults, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    if (faults->texts.count == GH_FAULTS_MAX) {
        faults->omitted++;
        return;
    }
    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_words_add(&faults->texts, gh_buf_text(&text));
}

size_t
gh_faults_count(const struct gh_faults *faults)
{
    return faults->texts.count + faults->omitted;
}

void
gh_faults_done(struct gh_faults *faults)
{
    gh_words_done(&faults->texts);
    faults->omitted = 0;
}
