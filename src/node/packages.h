/* SPDX-License-Identifier: Apache-2.0
 *
 * node/packages.h - what the package_config of /install_package asks for, read and checked.
 * Source: packages-and-processes.md section 1; versions.md section 3 for what older clients send. */
#ifndef GH_NODE_PACKAGES_H
#define GH_NODE_PACKAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/words.h"

enum gh_package_method {
    GH_PACKAGE_LOCAL, /* put a directory on the import path */
    GH_PACKAGE_PIP,
    GH_PACKAGE_UV,
    GH_PACKAGE_CONDA,
    GH_PACKAGE_REQS, /* a directory's requirements.txt, then as LOCAL */
    GH_PACKAGE_RH,   /* the client's own package: nothing to do */
};

struct gh_package {
    enum gh_package_method method;
    char *target;            /* requirement, or absolute path when is_path; "" when there is none */
    bool is_path;            /* it exists, unless git_url is to bring it */
    char *extras;            /* "a,b", or "" */
    char *args_text;         /* as the client gave them, or "" */
    struct gh_words args;    /* the same, split */
    char *preferred_version; /* only where target is a bare name, else "" */
    char *git_url;           /* "" when it is no repository */
    char *revision;          /* branch, tag or commit, or "" */
};

/* Read CONFIG. Errors: GH_E_INPUT, a field is missing or cannot be; GH_E_NOT_FOUND, the path does not
 * exist. ERR has the text for the client; PACKAGE is empty then. */
int gh_package_read(const json_t *config, struct gh_package *package, struct gh_err *err)
    GH_MUST_USE;
void gh_package_done(struct gh_package *package);

/* "pip" for GH_PACKAGE_PIP and so on. */
const char *gh_package_method_name(enum gh_package_method method);

/* Is TEXT the bare name of a distribution, so that "==VERSION" may follow it? */
bool gh_package_is_name(const char *text);

/* What pip is to be asked for: the target with its extras behind the name. VERSION, unless it is NULL
 * or empty, pins a bare name. The caller frees it. */
char *gh_package_requirement(const struct gh_package *package, const char *version)
    __attribute__((malloc, returns_nonnull));

#endif
