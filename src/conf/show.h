/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/show.h - a configuration as JSON, for people and programs.
 *
 *     {"file": path or null,
 *      "settings": {NAME: {"value", "default", "source", "live", "unit", "about"}, ...},
 *      "modules": {NAME: {"file", "attr", "process", "env", "source"}, ...},
 *      "envs": {NAME: {"python" or "venv" or "conda", "requirements", "source"}, ...}}
 *
 * Passwords in URLs are hidden. Pure functions; any thread. */
#ifndef GH_CONF_SHOW_H
#define GH_CONF_SHOW_H

#include <jansson.h>

struct gh_settings;

/* A new reference. */
json_t *gh_show_settings(const struct gh_settings *settings);

#endif
