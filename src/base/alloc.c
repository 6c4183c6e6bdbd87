/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *memory)
{
    if (!memory) {
        static const char text[] = "gatehoused: out of memory\n";
        fwrite(text, 1, sizeof text - 1, stderr);
        abort();
    }
    return memory;
}

void *
gh_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *
gh_realloc(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1));
}

void *
gh_try_alloc(size_t size)
{
    return malloc(size ? size : 1);
}

char *
gh_strdup(const char *text)
{
    return gh_strndup(text, strlen(text));
}

char *
gh_strndup(const char *bytes, size_t len)
{
    char *copy = gh_alloc(len + 1);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

char *
gh_asprintf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);

    char *text = gh_alloc(len < 0 ? 1 : (size_t)len + 1);
    if (len >= 0)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void
gh_free(void *pointer_of)
{
    void **pointer = pointer_of;
    free(*pointer);
    *pointer = NULL;
}
