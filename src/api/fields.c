/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/jsoncheck.h"
#include "base/jsontext.h"
#include "wire/jsonscan.h"
#include "wire/reply.h"

#define ECHO_MAX_BYTES 4096u /* of a wrong value given back in the error; longer becomes null */
#define TREE_MAX_BYTES (16u << 20)

/* ---- the list of what is wrong ---- */

/* INNER is JSON text, the name or index within the field, or NULL. */
static void
add_entry(struct gh_buf *out, const char *where, const char *field, const char *inner,
          const char *type, const char *message, struct gh_slice input)
{
    if (out->len == 0)
        gh_buf_add_text(out, "{\"detail\":[");
    else
        gh_buf_add_byte(out, ',');
    gh_buf_addf(out, "{\"type\":\"%s\",\"loc\":[\"%s\"", type, where);
    if (field) {
        gh_buf_add_byte(out, ',');
        gh_jsontext_quote(out, field, strlen(field), GH_JSONTEXT_UTF8);
    }
    if (inner)
        gh_buf_addf(out, ",%s", inner);
    gh_buf_add_text(out, "],\"msg\":");
    gh_jsontext_quote(out, message, strlen(message), GH_JSONTEXT_UTF8);
    gh_buf_add_text(out, ",\"input\":");

    /* Only text that is JSON for certain may be put into ours. */
    json_t *tree = input.len > 0 && input.len <= ECHO_MAX_BYTES
                       ? json_loadb(input.bytes, input.len, JSON_DECODE_ANY, NULL)
                       : NULL;
    char *echo GH_SCOPED(gh_free) =
        tree ? json_dumps(tree, JSON_ENCODE_ANY | JSON_COMPACT) : gh_strdup("null");
    gh_buf_add_text(out, echo ? echo : "null");
    gh_buf_add_byte(out, '}');
    json_decref(tree);
}

static void
answer_entries(struct gh_request *request, struct gh_buf *entries)
{
    gh_buf_add_text(entries, "]}");
    gh_reply_json(request, 422, entries);
}

void
gh_fields_refuse(struct gh_request *request, const char *where, const char *field, const char *type,
                 const char *message, struct gh_slice input)
{
    struct gh_buf out = {0};

    add_entry(&out, where, field, NULL, type, message, input);
    answer_entries(request, &out);
}

static void
refuse_json(struct gh_request *request, const struct gh_jsonscan *scan)
{
    struct gh_buf out = {0};

    gh_buf_addf(&out,
                "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",%zu],"
                "\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":",
                scan->offset);
    gh_jsontext_quote(&out, scan->problem, strlen(scan->problem), GH_JSONTEXT_UTF8);
    gh_buf_add_text(&out, "}}]}");
    gh_reply_json(request, 422, &out);
}

/* ---- scanning ---- */

static bool
is_null(struct gh_slice raw)
{
    return gh_slice_is(raw, "null");
}

/* Does the literal NAME (with quotes) spell FIELD? */
static bool
names_field(struct gh_slice name, const char *field)
{
    if (!memchr(name.bytes, '\\', name.len))
        return gh_slice_is((struct gh_slice){name.bytes + 1, name.len - 2}, field);
    struct gh_buf plain GH_SCOPED(gh_buf_done) = {0};
    return gh_jsontext_unquote(&plain, name.bytes, name.len) == 0 &&
           gh_slice_is((struct gh_slice){(char *)plain.bytes, plain.len}, field);
}

static bool
is_blank_text(struct gh_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isspace((unsigned char)text.bytes[i]))
            return false;
    return true;
}

/* What older clients call a field, or NULL. Source: versions.md section 3. */
static const char *const old_names[][2] = {
    {"env_name", "process_name"},                    /* to 0.0.36 */
    {"node", "node_ip_or_idx"},                      /* 0.0.37, of /run_bash */
    {"node_ip", "node_ip_or_idx"},                   /* 0.0.37, of /logs */
    {"force_sync_local", "override_remote_version"}, /* 0.0.38 to 0.0.41 */
};

/* Does NAME count as the older name of FIELD, by IS_NAME? VALUE is what the field has so far. */
static bool
is_old_name(struct gh_slice name, const struct gh_field *field, const struct gh_value *value,
            bool (*is_name)(struct gh_slice name, const char *field))
{
    for (size_t i = 0; i < sizeof old_names / sizeof old_names[0]; i++)
        if (strcmp(field->name, old_names[i][1]) == 0 && is_name(name, old_names[i][0]))
            return !value->is_given || value->is_old;
    return false;
}

/* Which field NAME names, by its own name before any older one; COUNT when it is none's. */
static size_t
field_of(const struct gh_field *fields, size_t count, const struct gh_value *values,
         struct gh_slice name, bool *is_old_out)
{
    *is_old_out = false;
    for (size_t i = 0; i < count; i++)
        if (names_field(name, fields[i].name))
            return i;
    *is_old_out = true;
    for (size_t i = 0; i < count; i++)
        if (is_old_name(name, &fields[i], &values[i], names_field))
            return i;
    return count;
}

/* Give VALUE to the field that NAME names. Values that nobody asks for must be JSON all the same; what
 * is of type ANY can be large and is left to whoever decodes it. Returns false when it is no JSON. */
static bool
take_member(const struct gh_field *fields, size_t count, struct gh_value *values,
            struct gh_slice name, struct gh_slice value)
{
    bool is_old;
    size_t i = field_of(fields, count, values, name, &is_old);

    if (i == count)
        return gh_jsoncheck(name.bytes, name.len) && gh_jsoncheck(value.bytes, value.len);
    if (!is_old && is_null(value) && values[i].is_old)
        return true; /* a client that sends both leaves the present name empty */
    values[i].is_old = is_old;
    values[i].raw = value;
    values[i].is_given = !is_null(value);
    return fields[i].type == GH_FIELD_ANY || gh_jsoncheck(value.bytes, value.len);
}

int
gh_fields_scan(struct gh_request *request, const struct gh_field *fields, size_t count,
               struct gh_value *values, bool *is_absent_out)
{
    struct gh_jsonscan scan;
    struct gh_slice name, value;
    enum gh_jsonscan_result result;

    memset(values, 0, count * sizeof values[0]);
    *is_absent_out =
        request->body.len == 0 || (request->body.len < 64 && is_blank_text(request->body));
    if (*is_absent_out)
        return 0;

    gh_jsonscan_start(&scan, request->body.bytes, request->body.len);
    while ((result = gh_jsonscan_next(&scan, &name, &value)) == GH_JSONSCAN_MEMBER) {
        if (take_member(fields, count, values, name, value))
            continue;
        scan.offset = (size_t)(value.bytes - request->body.bytes);
        scan.problem = "Invalid value";
        result = GH_JSONSCAN_BROKEN;
        break;
    }
    if (result == GH_JSONSCAN_NOT_OBJECT && !gh_jsoncheck(request->body.bytes, request->body.len)) {
        scan.offset = 0;
        scan.problem = "Expecting value";
        result = GH_JSONSCAN_BROKEN;
    }
    if (result == GH_JSONSCAN_BROKEN) {
        refuse_json(request, &scan);
        return -1;
    }
    if (result == GH_JSONSCAN_NOT_OBJECT) {
        gh_fields_refuse(request, "body", NULL, "model_attributes_type",
                         "Input should be a valid dictionary or object to extract fields from",
                         request->body);
        return -1;
    }
    return 0;
}

/* ---- checking ---- */

struct verdict {
    const char *type;
    const char *message;
};

static const struct verdict string_type = {"string_type", "Input should be a valid string"};
static const struct verdict name_short = {"string_too_short",
                                          "A name must have at least 1 character"};
static const struct verdict path_short = {"string_too_short",
                                          "A path must have at least 1 character"};
static const struct verdict path_nul = {"string_pattern_mismatch",
                                        "A path cannot hold a NUL character"};
static const struct verdict name_long = {"string_too_long",
                                         "A name must have at most 1024 bytes of UTF-8"};
static const struct verdict name_nul = {"value_error", "A name must not contain NUL"};
static const struct verdict variable_name = {
    "value_error", "The name of a variable must not be empty and not contain '='"};
static const struct verdict variable_nul = {"value_error",
                                            "Names and values of variables must not contain NUL"};
static const struct verdict bool_parsing = {
    "bool_parsing", "Input should be a valid boolean, unable to interpret input"};
static const struct verdict bool_type = {"bool_type", "Input should be a valid boolean"};
static const struct verdict int_parsing = {
    "int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
static const struct verdict int_type = {"int_type", "Input should be a valid integer"};
static const struct verdict int_from_float = {
    "int_from_float", "Input should be a valid integer, got a number with a fractional part"};
static const struct verdict list_type = {"list_type", "Input should be a valid list"};
static const struct verdict dict_type = {"dict_type", "Input should be a valid dictionary"};

static const struct verdict *
read_text(struct gh_value *value)
{
    struct gh_slice raw = value->raw;

    if (raw.bytes[0] != '"')
        return &string_type;
    struct gh_buf plain = {0};
    if (gh_jsontext_unquote(&plain, raw.bytes, raw.len) != 0) {
        gh_buf_done(&plain);
        return &string_type;
    }
    if (memchr(raw.bytes, '\\', raw.len)) {
        value->text.len = plain.len;
        value->owned = (char *)(uintptr_t)gh_buf_text(&plain);
        value->text.bytes = value->owned;
    } else {
        gh_buf_done(&plain);
        value->text = (struct gh_slice){raw.bytes + 1, raw.len - 2};
    }
    return NULL;
}

static const struct verdict *
read_name(struct gh_value *value)
{
    const struct verdict *verdict = read_text(value);

    if (verdict)
        return verdict;
    if (value->text.len == 0)
        return &name_short;
    if (memchr(value->text.bytes, '\0', value->text.len))
        return &name_nul;
    return value->text.len > GH_FIELD_NAME_MAX_BYTES ? &name_long : NULL;
}

static const struct verdict *
read_path(struct gh_value *value)
{
    bool is_number = isdigit((unsigned char)value->raw.bytes[0]) || value->raw.bytes[0] == '-';
    const struct verdict *verdict = is_number ? NULL : read_text(value);

    if (is_number)
        value->text = value->raw;
    if (verdict)
        return verdict;
    if (value->text.len == 0)
        return &path_short;
    return memchr(value->text.bytes, '\0', value->text.len) ? &path_nul : NULL;
}

static const struct verdict *
text_to_bool(struct gh_slice text, bool *out)
{
    static const char *const yes[] = {"1", "true", "t", "yes", "y", "on"};
    static const char *const no[] = {"0", "false", "f", "no", "n", "off"};

    for (size_t i = 0; i < 6; i++) {
        if (strlen(yes[i]) == text.len && strncasecmp(yes[i], text.bytes, text.len) == 0) {
            *out = true;
            return NULL;
        }
        if (strlen(no[i]) == text.len && strncasecmp(no[i], text.bytes, text.len) == 0) {
            *out = false;
            return NULL;
        }
    }
    return &bool_parsing;
}

static const struct verdict *
text_to_int(struct gh_slice text, long long *out)
{
    char *copy GH_SCOPED(gh_free) = gh_strndup(text.bytes, text.len);
    char *end;

    errno = 0;
    *out = strtoll(copy, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    return end == copy || end != copy + text.len || errno ? &int_parsing : NULL;
}

static const struct verdict *
read_bool(struct gh_value *value)
{
    char first = value->raw.bytes[0];

    if (gh_slice_is(value->raw, "true") || gh_slice_is(value->raw, "false")) {
        value->flag = first == 't';
        return NULL;
    }
    if (first == '"') {
        const struct verdict *verdict = read_text(value);
        return verdict ? &bool_parsing : text_to_bool(value->text, &value->flag);
    }
    if (isdigit((unsigned char)first) || first == '-')
        return text_to_bool(value->raw, &value->flag);
    return &bool_type;
}

static const struct verdict *
read_int(struct gh_value *value)
{
    if (value->raw.bytes[0] == '"') {
        const struct verdict *verdict = read_text(value);
        return verdict ? &int_parsing : text_to_int(value->text, &value->number);
    }
    json_t *tree = json_loadb(value->raw.bytes, value->raw.len, JSON_DECODE_ANY, NULL);
    const struct verdict *verdict = NULL;
    if (json_is_integer(tree))
        value->number = json_integer_value(tree);
    else if (json_is_real(tree) && json_real_value(tree) == floor(json_real_value(tree)) &&
             fabs(json_real_value(tree)) < 9e15)
        value->number = (long long)json_real_value(tree);
    else
        verdict = json_is_real(tree) ? &int_from_float : &int_type;
    json_decref(tree);
    return verdict;
}

static const struct verdict *
read_tree(struct gh_value *value, enum gh_field_type type)
{
    if (value->raw.len <= TREE_MAX_BYTES)
        value->tree = json_loadb(value->raw.bytes, value->raw.len, JSON_DECODE_ANY, NULL);
    if (type == GH_FIELD_TEXT_LIST)
        return json_is_array(value->tree) ? NULL : &list_type;
    if (type == GH_FIELD_VARIABLES && !value->tree &&
        memmem(value->raw.bytes, value->raw.len, "\\u0000", 6))
        return &variable_nul;
    return json_is_object(value->tree) ? NULL : &dict_type;
}

static const struct verdict *
read_value(struct gh_value *value, enum gh_field_type type)
{
    switch (type) {
    case GH_FIELD_TEXT:
        return read_text(value);
    case GH_FIELD_NAME:
        return read_name(value);
    case GH_FIELD_PATH:
        return read_path(value);
    case GH_FIELD_BOOL:
        return read_bool(value);
    case GH_FIELD_INT:
        return read_int(value);
    case GH_FIELD_TEXT_OR_INT:
        if (value->raw.bytes[0] == '"')
            return read_text(value);
        value->text = value->raw;
        return read_int(value);
    case GH_FIELD_OBJECT:
    case GH_FIELD_VARIABLES:
    case GH_FIELD_TEXT_LIST:
        return read_tree(value, type);
    case GH_FIELD_ANY:
    default:
        return NULL;
    }
}

static void
refuse_inner(struct gh_buf *out, const struct gh_field *field, const char *inner,
             const struct verdict *verdict, json_t *value)
{
    char *text GH_SCOPED(gh_free) = json_dumps(value, JSON_ENCODE_ANY);
    add_entry(out, "body", field->name, inner, verdict->type, verdict->message,
              (struct gh_slice){text, text ? strlen(text) : 0});
}

/* Members of a map or list that must be strings and are not, and names that no environment can have: a
 * worker that was given one would not start. */
static void
check_inner(struct gh_buf *out, const struct gh_field *field, json_t *tree)
{
    struct gh_buf inner GH_SCOPED(gh_buf_done) = {0};
    const char *name;
    json_t *value;
    size_t i;

    if (field->type == GH_FIELD_VARIABLES) {
        json_object_foreach(tree, name, value)
        {
            const struct verdict *verdict = !json_is_string(value)          ? &string_type
                                            : !name[0] || strchr(name, '=') ? &variable_name
                                                                            : NULL;
            inner.len = 0;
            gh_jsontext_quote(&inner, name, strlen(name), GH_JSONTEXT_UTF8);
            if (verdict)
                refuse_inner(out, field, gh_buf_text(&inner), verdict, value);
        }
    } else if (field->type == GH_FIELD_TEXT_LIST) {
        json_array_foreach(tree, i, value)
        {
            inner.len = 0;
            gh_buf_addf(&inner, "%zu", i);
            if (!json_is_string(value))
                refuse_inner(out, field, gh_buf_text(&inner), &string_type, value);
        }
    }
}

int
gh_fields_check(struct gh_request *request, const struct gh_field *fields, size_t count,
                struct gh_value *values)
{
    struct gh_buf wrong = {0};

    for (size_t i = 0; i < count; i++) {
        if (values[i].raw.len == 0) {
            if (fields[i].is_required)
                add_entry(&wrong, "body", fields[i].name, NULL, "missing", "Field required",
                          request->body);
            continue;
        }
        if (!values[i].is_given && !fields[i].is_required)
            continue;
        const struct verdict *verdict = values[i].is_given || fields[i].type != GH_FIELD_ANY
                                            ? read_value(&values[i], fields[i].type)
                                            : NULL;
        if (verdict)
            add_entry(&wrong, "body", fields[i].name, NULL, verdict->type, verdict->message,
                      values[i].raw);
        else
            check_inner(&wrong, &fields[i], values[i].tree);
    }
    if (wrong.len == 0)
        return 0;
    answer_entries(request, &wrong);
    gh_fields_done(values, count);
    return -1;
}

int
gh_fields_body(struct gh_request *request, const struct gh_field *fields, size_t count,
               struct gh_value *values)
{
    bool is_absent;

    if (gh_fields_scan(request, fields, count, values, &is_absent) != 0)
        return -1;
    if (is_absent) {
        gh_fields_refuse(request, "body", NULL, "missing", "Field required", (struct gh_slice){0});
        return -1;
    }
    return gh_fields_check(request, fields, count, values);
}

/* ---- query ---- */

static void
keep_query_text(struct gh_value *value, struct gh_slice raw)
{
    struct gh_buf plain = {0};

    free(value->owned);
    gh_url_decode(&plain, raw, true); /* escapes were checked when the target was split */
    value->is_given = true;
    value->text.len = plain.len;
    value->owned = (char *)(uintptr_t)gh_buf_text(&plain);
    value->text.bytes = value->owned;
    value->raw = value->text;
}

static void
keep_query_pair(const struct gh_field *field, struct gh_value *value, struct gh_slice name,
                struct gh_slice raw)
{
    bool is_old = is_old_name(name, field, value, gh_slice_is);

    if (!is_old && !gh_slice_is(name, field->name))
        return;
    value->is_old = is_old;
    keep_query_text(value, raw);
}

int
gh_fields_query(struct gh_request *request, const struct gh_field *fields, size_t count,
                struct gh_value *values)
{
    struct gh_slice rest = request->url.query, name, raw;
    struct gh_buf wrong = {0};

    memset(values, 0, count * sizeof values[0]);
    while (gh_url_next_pair(&rest, &name, &raw))
        for (size_t i = 0; i < count; i++)
            keep_query_pair(&fields[i], &values[i], name, raw);

    for (size_t i = 0; i < count; i++) {
        const struct verdict *verdict = NULL;
        struct gh_buf input GH_SCOPED(gh_buf_done) = {0};
        if (!values[i].is_given) {
            if (fields[i].is_required)
                add_entry(&wrong, "query", fields[i].name, NULL, "missing", "Field required",
                          (struct gh_slice){0});
            continue;
        }
        if (fields[i].type == GH_FIELD_BOOL)
            verdict = text_to_bool(values[i].text, &values[i].flag);
        else if (fields[i].type == GH_FIELD_INT)
            verdict = text_to_int(values[i].text, &values[i].number);
        if (!verdict)
            continue;
        gh_jsontext_quote(&input, values[i].text.bytes, values[i].text.len, GH_JSONTEXT_UTF8);
        add_entry(&wrong, "query", fields[i].name, NULL, verdict->type, verdict->message,
                  (struct gh_slice){(char *)input.bytes, input.len});
    }
    if (wrong.len == 0)
        return 0;
    answer_entries(request, &wrong);
    gh_fields_done(values, count);
    return -1;
}

void
gh_fields_done(struct gh_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(values[i].tree);
        free(values[i].owned);
        values[i].tree = NULL;
        values[i].owned = NULL;
    }
}

int
gh_fields_serialization(struct gh_request *request, const struct gh_value *value,
                        enum gh_serialization preset, enum gh_serialization *out)
{
    *out = preset;
    if (!value->is_given) {
        if (value->raw.len) /* null: none, whatever the preset */
            *out = GH_SERIALIZATION_NONE;
        return 0;
    }
    if (gh_slice_is(value->text, "pickle"))
        *out = GH_SERIALIZATION_PICKLE;
    else if (gh_slice_is(value->text, "json"))
        *out = GH_SERIALIZATION_JSON;
    else if (gh_slice_is(value->text, "none"))
        *out = GH_SERIALIZATION_NONE;
    else {
        gh_reply_detail(request, 400, "Invalid serialization type %.*s",
                        (int)(value->text.len < 100 ? value->text.len : 100), value->text.bytes);
        return -1;
    }
    return 0;
}
