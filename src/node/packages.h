/* SPDX-License-Identifier: Apache-2.0
 *
 * node/packages.h - what /install_package asks for. Source: packages-and-processes.md section 1.
 * Served so far: a directory of this node, put on the import path. */
#ifndef GH_NODE_PACKAGES_H
#define GH_NODE_PACKAGES_H

#include <jansson.h>

#include "base/err.h"

enum gh_package_plan {
    GH_PACKAGE_PATH,    /* put *PATH_OUT on the import path of every process */
    GH_PACKAGE_NO_PATH, /* the directory does not exist; ERR has the client's text */
    GH_PACKAGE_BAD,     /* unknown or unserved method, no target; ERR says which */
};

/* Read CONFIG. *PATH_OUT is absolute and the caller's to free. */
enum gh_package_plan gh_packages_plan(const json_t *config, char **path_out, struct gh_err *err);

#endif
