/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/signature.c - the methods of a module in one line each, out of its OpenAPI document. Source:
 * docs/http-api.md, "Documents and pages". */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/facts.h"

#define NESTING_MAX 8 /* of types that are shown; deeper ones are "..." */

/* Append what SCHEMA stands for: "integer", "array[number]", "integer | null", "Point"; nothing for anything. */
static void
add_type(struct gh_buf *out, const json_t *schema, unsigned depth)
{
    const char *ref = gh_facts_text(schema, "$ref"), *type = gh_facts_text(schema, "type");
    const json_t *any = json_object_get(schema, "anyOf");
    const json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *member;

    if (depth > NESTING_MAX) {
        gh_buf_add_text(out, "...");
        return;
    }
    json_array_foreach(any, i, member)
    {
        gh_buf_add_text(out, i ? " | " : "");
        add_type(out, member, depth + 1);
    }
    if (ref)
        gh_buf_add_text(out, strrchr(ref, '/') ? strrchr(ref, '/') + 1 : ref);
    else if (type)
        gh_buf_add_text(out, type);
    if (json_object_size(items) > 0) {
        gh_buf_add_byte(out, '[');
        add_type(out, items, depth + 1);
        gh_buf_add_byte(out, ']');
    }
    if (json_is_true(json_object_get(schema, "nullable")))
        gh_buf_add_text(out, " | null");
}

static void
add_argument(struct gh_buf *out, const char *name, const json_t *schema, bool is_required)
{
    struct gh_buf type GH_SCOPED(gh_buf_done) = {0};
    const json_t *preset = json_object_get(schema, "default");

    add_type(&type, schema, 0);
    gh_buf_addf(out, "%s%s%s", name, type.len ? ": " : "", gh_buf_text(&type));
    if (preset) {
        char *text GH_SCOPED(gh_free) =
            json_dumps(preset, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        gh_buf_addf(out, " = %s", text);
    } else if (!is_required) {
        gh_buf_add_text(out, " = ...");
    }
}

static bool
is_in(const json_t *list, const char *text)
{
    size_t i;
    json_t *member;

    json_array_foreach(list, i, member)
    {
        if (strcmp(json_string_value(member), text) == 0)
            return true;
    }
    return false;
}

/* "(a: integer, b = ..., **)" of the schema of a method's arguments. */
static void
add_arguments(struct gh_buf *out, json_t *arguments)
{
    const json_t *required = json_object_get(arguments, "required");
    const char *comma = "", *name;
    json_t *schema;

    gh_buf_add_byte(out, '(');
    json_object_foreach(json_object_get(arguments, "properties"), name, schema)
    {
        gh_buf_add_text(out, comma);
        add_argument(out, name, schema, is_in(required, name));
        comma = ", ";
    }
    if (json_is_true(json_object_get(arguments, "additionalProperties")))
        gh_buf_addf(out, "%s**", comma);
    gh_buf_add_byte(out, ')');
}

/* The schema of what a POST's answer is, the envelope apart. */
static const json_t *
result_of(const json_t *operation)
{
    const json_t *ok = json_object_get(json_object_get(operation, "responses"), "200");
    const json_t *content = json_object_get(json_object_get(ok, "content"), "application/json");
    const json_t *schema = json_object_get(content, "schema");
    const json_t *any = json_object_get(schema, "anyOf");

    return any ? json_array_get(any, 0) : schema;
}

static json_t *
method_of(const json_t *document, const char *name, const json_t *item)
{
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    const json_t *post = json_object_get(item, "post"), *get = json_object_get(item, "get");
    const json_t *operation = post ? post : get;
    const char *tag = json_string_value(json_array_get(json_object_get(operation, "tags"), 0));
    char *title GH_SCOPED(gh_free) = gh_asprintf("%s_arguments", name);
    struct gh_buf signature GH_SCOPED(gh_buf_done) = {0}, result GH_SCOPED(gh_buf_done) = {0};

    if (post)
        add_arguments(&signature, json_object_get(schemas, title));
    add_type(&result, result_of(operation), 0);
    if (result.len && strcmp(gh_buf_text(&result), "envelope") != 0)
        gh_buf_addf(&signature, "%s%s", post ? " -> " : ": ", gh_buf_text(&result));
    return json_pack("{s:s, s:s, s:s?, s:b}", "name", name, "signature", gh_buf_text(&signature),
                     "summary", gh_facts_text(operation, "summary"), "is_inherited",
                     tag && strcmp(tag, "every function") == 0);
}

int
gh_facts_methods(struct gh_client *client, const char *key, json_t **methods_out,
                 struct gh_err *err)
{
    json_t *document GH_SCOPED(gh_json_drop) = NULL;
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    const char *name;
    json_t *item;

    gh_buf_add_byte(&path, '/');
    gh_client_quote(&path, key);
    gh_buf_add_text(&path, "/openapi.json");
    int rc = gh_client_get(client, gh_buf_text(&path), &document, err);
    if (rc != GH_EXIT_OK)
        return rc;
    json_t *methods = json_array();
    json_object_foreach(json_object_get(document, "paths"), name, item)
    {
        /* "/KEY/METHOD"; the paths of an app are its own. */
        const char *slash = strrchr(name, '/');
        json_array_append_new(methods, method_of(document, slash ? slash + 1 : name, item));
    }
    *methods_out = methods;
    return GH_EXIT_OK;
}
