/* SPDX-License-Identifier: Apache-2.0
 *
 * api/fields.h - the fields of a JSON body or a query, read and checked by a table.
 *
 *     enum { KEY, NEW_KEY, COUNT };
 *     static const struct gh_field fields[COUNT] = {
 *         [KEY] = {"key", GH_FIELD_TEXT, true}, [NEW_KEY] = {"new_key", GH_FIELD_TEXT, true}};
 *     struct gh_value values[COUNT];
 *     if (gh_fields_body(request, fields, COUNT, values) != 0)
 *         return;
 *     ... values[KEY].text ...
 *     gh_fields_done(values, COUNT);
 *
 * Fields that older clients call otherwise are taken by that name too, for all routes alike; the present
 * name wins when both are there.
 *
 * What does not fit is answered with 422 and a list of {"type", "loc", "msg", "input"}, one entry per
 * field, in the words of the client's server. Source: http-api.md section 1. */
#ifndef GH_API_FIELDS_H
#define GH_API_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "wire/request.h"

#define GH_FIELD_NAME_MAX_BYTES 1024u

enum gh_field_type {
    GH_FIELD_TEXT,
    GH_FIELD_NAME, /* text of 1 to GH_FIELD_NAME_MAX_BYTES bytes without NUL: of a key, a process */
    GH_FIELD_PATH, /* text, or a number taken as text; not empty, without NUL */
    GH_FIELD_BOOL,
    GH_FIELD_INT,
    GH_FIELD_TEXT_OR_INT, /* text is set for both */
    GH_FIELD_OBJECT,      /* tree */
    GH_FIELD_VARIABLES,   /* tree, all values strings: environment variables */
    GH_FIELD_TEXT_LIST,   /* tree */
    GH_FIELD_ANY,         /* raw only; not looked into */
};

struct gh_field {
    const char *name;
    enum gh_field_type type;
    bool is_required;
};

struct gh_value {
    bool is_given;        /* and not null */
    bool is_old;          /* by the name that older clients have for the field */
    struct gh_slice raw;  /* JSON text as it stood; of a query, the decoded text */
    struct gh_slice text; /* decoded; not terminated */
    bool flag;
    long long number;
    json_t *tree;
    char *owned; /* backs TEXT when it had escapes */
};

/* Find the members of the body that FIELDS names. Returns 0; or -1, having answered 422, when the body
 * is no JSON object. An empty body counts as absent: *IS_ABSENT_OUT. */
int gh_fields_scan(struct gh_request *request, const struct gh_field *fields, size_t count,
                   struct gh_value *values, bool *is_absent_out);

/* Decode and check what gh_fields_scan found. Returns 0, or -1 having answered 422 and let go. */
int gh_fields_check(struct gh_request *request, const struct gh_field *fields, size_t count,
                    struct gh_value *values);

/* Both, for routes that need a body. */
int gh_fields_body(struct gh_request *request, const struct gh_field *fields, size_t count,
                   struct gh_value *values);

/* The same for the query. */
int gh_fields_query(struct gh_request *request, const struct gh_field *fields, size_t count,
                    struct gh_value *values);

void gh_fields_done(struct gh_value *values, size_t count);

/* Answer 422 with one entry. WHERE is "body" or "query"; INPUT is JSON text. */
void gh_fields_refuse(struct gh_request *request, const char *where, const char *field,
                      const char *type, const char *message, struct gh_slice input);

/* "pickle", "json", "none" or absent. Returns 0; or -1 having answered 400. */
int gh_fields_serialization(struct gh_request *request, const struct gh_value *value,
                            enum gh_serialization preset, enum gh_serialization *out);

#endif
