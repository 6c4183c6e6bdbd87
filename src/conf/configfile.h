/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/configfile.h - gatehouse.yaml: where it is, and what it says.
 *
 * Its keys are the names of the settings, as they are in GH_SETTINGS, and `modules:` and `envs:`
 * (conf/declared.h). Nothing in it is passed over: what is not known, of the wrong type or out of range
 * is a fault with file, line, column and the nearest known name. */
#ifndef GH_CONF_CONFIGFILE_H
#define GH_CONF_CONFIGFILE_H

#include "base/err.h"
#include "conf/faults.h"

struct gh_settings;

/* EXPLICIT unless it is empty, made absolute; else the first that is there of
 *     $CONFIGURATION_DIRECTORY/gatehouse.yaml, which systemd names
 *     $XDG_CONFIG_HOME/gatehouse/gatehouse.yaml, ~/.config by default
 *     /etc/gatehouse/gatehouse.yaml, by --sysconfdir of configure
 * NULL when none is. The caller frees it. */
char *gh_configfile_find(const char *explicit_path);

/* Put what PATH says into SETTINGS. Returns GH_OK; or GH_E_INPUT, having added to FAULTS all that is
 * wrong with it; SETTINGS then has some of it. */
int gh_configfile_read(struct gh_settings *settings, const char *path, struct gh_faults *faults)
    GH_MUST_USE;

/* The same of LEN bytes that came from PATH: relative paths in them count from its folder. */
int gh_configfile_parse(struct gh_settings *settings, const char *path, const void *bytes,
                        size_t len, struct gh_faults *faults) GH_MUST_USE;

/* What the client wrote to ~/.rh/config.yaml and ~/.rh/cluster_config.json, as far as it is a setting
 * of ours; all else there is passed over, and never shown. Source: cluster-config-and-lifecycle.md
 * sections 1 and 2. Errors as above. */
int gh_clientfiles_read(struct gh_settings *settings, struct gh_faults *faults) GH_MUST_USE;

#endif
