/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/yaml.h - a YAML document as a tree that knows where each of its values stands.
 *
 * libyaml reads; this makes the tree, and refuses what a configuration has no use for: more than one
 * document, keys twice, keys that are no text, tags, aliases inside what they stand for. Bounds: 1 MiB,
 * 32 levels, 10 000 values, where an alias counts as all that it stands for, so that a few lines of
 * aliases of aliases cannot grow to gigabytes. JSON is YAML and is read as such.
 *
 * Lines and columns count from 1, columns in characters. Text is UTF-8 without NUL. Pure functions but
 * for gh_yaml_load; any thread. */
#ifndef GH_CONF_YAML_H
#define GH_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/faults.h"

#define GH_YAML_MAX_BYTES (1u << 20)
#define GH_YAML_MAX_DEPTH 32u
#define GH_YAML_MAX_VALUES 10000u

enum gh_yaml_kind { GH_YAML_TEXT, GH_YAML_LIST, GH_YAML_MAP };

struct gh_yaml {
    enum gh_yaml_kind kind;
    unsigned line, column;
    const char *text;       /* of TEXT */
    bool is_plain;          /* TEXT without quotes: may be a number, true, null */
    struct gh_yaml **items; /* of LIST; of MAP key, value, key, value */
    size_t count;           /* of items: in MAP twice as many as there are keys */

    struct gh_yaml *made_before;
    char *owned_text, *anchor;
    size_t weight; /* values in it, itself included, aliases counted as what they stand for */
    bool is_open;  /* being read: no alias may stand for it */
};

struct gh_yaml_file {
    char *name;           /* for messages */
    struct gh_yaml *root; /* NULL: there is nothing in it */
    struct gh_yaml *made; /* all values, the last one first */
};

/* Read LEN bytes. Returns GH_OK; or GH_E_INPUT, and what is wrong is added to FAULTS as
 * "NAME:LINE:COLUMN: text". FILE is to be let go of in any case. */
int gh_yaml_read(struct gh_yaml_file *file, const char *name, const uint8_t *bytes, size_t len,
                 struct gh_faults *faults) GH_MUST_USE;

/* Read the file PATH. Errors: GH_E_NOT_FOUND there is none, nothing is added to FAULTS; GH_E_INPUT. */
int gh_yaml_load(struct gh_yaml_file *file, const char *path, struct gh_faults *faults) GH_MUST_USE;

void gh_yaml_done(struct gh_yaml_file *file);

/* The value of KEY in MAP, or NULL; MAP may be no map. */
const struct gh_yaml *gh_yaml_get(const struct gh_yaml *map, const char *key);

/* Is VALUE null: nothing at all, ~ or null without quotes? */
bool gh_yaml_is_null(const struct gh_yaml *value);

/* "a list" and so on. */
const char *gh_yaml_kind_name(const struct gh_yaml *value);

/* Add "NAME:LINE:COLUMN: text" for VALUE. */
void gh_yaml_fault(const struct gh_yaml_file *file, const struct gh_yaml *value,
                   struct gh_faults *faults, const char *format, ...) GH_PRINTF(4, 5);

#endif
