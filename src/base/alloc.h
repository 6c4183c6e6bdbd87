/* SPDX-License-Identifier: Apache-2.0
 *
 * base/alloc.h - memory and who owns it.
 *
 * Our own small things abort the program when memory is out: there is no sane way on. Sizes that a
 * client chose go through gh_try_alloc, which can answer NULL (413 or 507 at the edge). */
#ifndef GH_BASE_ALLOC_H
#define GH_BASE_ALLOC_H

#include <stddef.h>

/* Run FREE_FUNCTION(&variable) when the variable goes out of scope. */
#define GH_SCOPED(free_function) __attribute__((cleanup(free_function)))

/* Hand ownership of the pointer POINTER on: yields it and leaves NULL behind. */
#define gh_take(pointer)                                                                           \
    (__extension__({                                                                               \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    }))

void *gh_alloc(size_t size) __attribute__((malloc, returns_nonnull));      /* zeroed */
void *gh_realloc(void *old, size_t size) __attribute__((returns_nonnull)); /* not zeroed */
void *gh_try_alloc(size_t size) __attribute__((malloc));                   /* not zeroed */
char *gh_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *gh_strndup(const char *bytes, size_t len) __attribute__((malloc, returns_nonnull));
char *gh_asprintf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Free what *POINTER_OF points to and set it to NULL. For GH_SCOPED on plain pointers. */
void gh_free(void *pointer_of);

#endif
