/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/reading.h - what the readers of gatehouse.yaml's parts share (configfile.c, modulespec.c, envspec.c);
 * nobody else includes this. */
#ifndef GH_CONF_READING_H
#define GH_CONF_READING_H

#include "base/nearest.h"
#include "conf/faults.h"
#include "conf/yaml.h"

struct gh_settings;

struct gh_reading {
    struct gh_settings *settings;
    struct gh_yaml_file file; /* its name is its path */
    struct gh_faults *faults;
};

/* Add a fault of VALUE. */
void gh_reading_fault(struct gh_reading *reading, const struct gh_yaml *value, const char *format,
                      ...) GH_PRINTF(3, 4);

/* Add that KEY is no KIND ("setting"), with the nearest that is one. */
void gh_reading_unknown(struct gh_reading *reading, const struct gh_yaml *key, const char *kind,
                        const struct gh_nearest *nearest);

/* TEXT as an absolute path: "~" is home, what is relative counts from the file's folder. The caller
 * frees it. */
char *gh_reading_path(const struct gh_reading *reading, const char *text);

/* VALUE of the key NAME as text that is not empty; NULL after a fault. Borrowed. */
const char *gh_reading_text(struct gh_reading *reading, const char *name,
                            const struct gh_yaml *value);

/* "FILE:LINE:COLUMN" of VALUE; the caller frees it. */
char *gh_reading_source(const struct gh_reading *reading, const struct gh_yaml *value);

/* The keys of a mapping, by a table: for each key that is there, its value. What is in no row is a
 * fault that says it is no KIND. Returns false when there was any fault, or MAP is no mapping. */
struct gh_reading_key {
    const char *name;
    const struct gh_yaml **value_out; /* NULL where the key is not there */
};
bool gh_reading_keys(struct gh_reading *reading, const struct gh_yaml *map, const char *kind,
                     const struct gh_reading_key *keys, size_t count);

/* modulespec.c and envspec.c: the values of `modules:` and `envs:`. */
void gh_reading_modules(struct gh_reading *reading, const struct gh_yaml *value);
void gh_reading_envs(struct gh_reading *reading, const struct gh_yaml *value);

#endif
