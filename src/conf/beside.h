/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/beside.h - where the files that come with the daemon are. */
#ifndef GH_CONF_BESIDE_H
#define GH_CONF_BESIDE_H

/* FILE beside this program, as in the build folder, else the path INSTALLED. The caller frees it. */
char *gh_beside(const char *file, const char *installed);

#endif
