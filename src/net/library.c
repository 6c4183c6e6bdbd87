/* SPDX-License-Identifier: Apache-2.0
 *
 * net/library.c - libcurl, found when it is needed. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_inner.h"

/* All three have the same interface. That of GnuTLS comes first, since the daemon has GnuTLS in its memory
 * anyway: 6 MiB more, against 7. */
static const char *const names[] = {"libcurl-gnutls.so.4", "libcurl.so.4", "libcurl-nss.so.4"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static struct gh_curl functions;
static bool is_usable;

/* ---- memory that is wiped when it is given back: requests with tokens are built in it ---- */

static void
wipe_and_free(void *bytes)
{
    if (bytes)
        explicit_bzero(bytes, malloc_usable_size(bytes));
    free(bytes);
}

static void *
wiping_realloc(void *old, size_t size)
{
    if (!old)
        return malloc(size);

    size_t old_size = malloc_usable_size(old);
    if (size > 0 && size <= old_size)
        return old;
    void *moved = malloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, old, old_size < size ? old_size : size);
    wipe_and_free(old);
    return moved;
}

/* ---- the table ---- */

static void *
open_library(struct gh_err *err)
{
    void *library = NULL;

    for (size_t i = 0; !library && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        gh_err_set(
            err, GH_E_NOT_FOUND,
            "libcurl, with which this node asks others, is not installed (%s). Debian has it "
            "in the package libcurl3-gnutls",
            dlerror());
    return library;
}

static int
look_up(void *library, struct gh_err *err)
{
    const struct {
        const char *name;
        void **function;
    } symbols[] = {
        {"curl_global_init_mem", (void **)&functions.global_init_mem},
        {"curl_easy_init", (void **)&functions.easy_init},
        {"curl_easy_cleanup", (void **)&functions.easy_cleanup},
        {"curl_easy_setopt", (void **)&functions.easy_setopt},
        {"curl_easy_getinfo", (void **)&functions.easy_getinfo},
        {"curl_easy_strerror", (void **)&functions.easy_strerror},
        {"curl_slist_append", (void **)&functions.slist_append},
        {"curl_slist_free_all", (void **)&functions.slist_free_all},
        {"curl_multi_init", (void **)&functions.multi_init},
        {"curl_multi_cleanup", (void **)&functions.multi_cleanup},
        {"curl_multi_setopt", (void **)&functions.multi_setopt},
        {"curl_multi_add_handle", (void **)&functions.multi_add_handle},
        {"curl_multi_remove_handle", (void **)&functions.multi_remove_handle},
        {"curl_multi_assign", (void **)&functions.multi_assign},
        {"curl_multi_socket_action", (void **)&functions.multi_socket_action},
        {"curl_multi_info_read", (void **)&functions.multi_info_read},
    };

    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        *symbols[i].function = dlsym(library, symbols[i].name);
        if (!*symbols[i].function)
            return gh_err_set(err, GH_E_NOT_FOUND, "the libcurl of this node has no %s",
                              symbols[i].name);
    }
    return GH_OK;
}

/* LOCK is held. What was opened stays open: others may use it, and there is nothing to win. */
static bool
load(struct gh_err *err)
{
    void *library = open_library(err);

    if (!library || look_up(library, err) != GH_OK)
        return false;
    CURLcode rc = functions.global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free,
                                            wiping_realloc, strdup, calloc);
    if (rc != CURLE_OK)
        gh_err_set(err, GH_E_SYSTEM, "libcurl could not be initialised: %s",
                   functions.easy_strerror(rc));
    return rc == CURLE_OK;
}

const struct gh_curl *
gh_curl_load(struct gh_err *err)
{
    pthread_mutex_lock(&lock);
    is_usable = is_usable || load(err);
    const struct gh_curl *curl = is_usable ? &functions : NULL;
    pthread_mutex_unlock(&lock);
    return curl;
}
