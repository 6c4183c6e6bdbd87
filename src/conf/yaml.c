/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/buf.h"

struct reader {
    yaml_parser_t parser;
    struct gh_yaml_file *file;
    struct gh_faults *faults;
    const uint8_t *bytes;
    size_t len;
    size_t values; /* so far, aliases counted as what they stand for */
};

static struct gh_yaml *compose(struct reader *reader, yaml_event_t *event, unsigned depth);

/* ---- what is wrong ---- */

static void fault_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
    GH_PRINTF(3, 4);

static void
fault_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_faults_add(reader->faults, "%s:%zu:%zu: %s", reader->file->name, mark.line + 1,
                  mark.column + 1, gh_buf_text(&text));
}

/* Where the byte at OFFSET is; libyaml says so of what it reads, not of what it cannot decode. */
static yaml_mark_t
mark_of_offset(const struct reader *reader, size_t offset)
{
    yaml_mark_t mark = {.index = offset};

    for (size_t i = 0; i < offset && i < reader->len; i++) {
        if (reader->bytes[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((reader->bytes[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static void
fault_of_parser(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    size_t at = parser->problem_mark.index;

    if (parser->error == YAML_READER_ERROR) {
        yaml_mark_t mark = mark_of_offset(reader, parser->problem_offset);
        fault_at(reader, mark, "%s; the file must be UTF-8 text", problem);
        return;
    }
    bool is_tab = at < reader->len && reader->bytes[at] == '\t';
    fault_at(reader, parser->problem_mark, "%s%s%s%s", parser->context ? parser->context : "",
             parser->context ? ": " : "", problem,
             is_tab ? "; indent with spaces, not with tabs" : "");
}

static bool
next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    fault_of_parser(reader);
    return false;
}

/* ---- values ---- */

/* COUNT more values; more than may be is a fault at MARK. */
static bool
count_values(struct reader *reader, yaml_mark_t mark, size_t count)
{
    reader->values += count;
    if (reader->values <= GH_YAML_MAX_VALUES)
        return true;
    fault_at(reader, mark, "there are more than %u values in this file, aliases counted in full",
             GH_YAML_MAX_VALUES);
    return false;
}

static struct gh_yaml *
make(struct reader *reader, enum gh_yaml_kind kind, const yaml_event_t *event,
     const yaml_char_t *anchor)
{
    struct gh_yaml *value = gh_alloc(sizeof *value);

    value->kind = kind;
    value->line = (unsigned)event->start_mark.line + 1;
    value->column = (unsigned)event->start_mark.column + 1;
    value->weight = 1;
    value->anchor = anchor ? gh_strdup((const char *)anchor) : NULL;
    value->made_before = reader->file->made;
    reader->file->made = value;
    return value;
}

static void
append(struct gh_yaml *owner, struct gh_yaml *item)
{
    size_t count = owner->count;

    if ((count & (count - 1)) == 0) /* a power of two is full */
        owner->items = gh_realloc(owner->items, (count ? count * 2 : 1) * sizeof owner->items[0]);
    owner->items[owner->count++] = item;
    owner->weight += item->weight;
}

static struct gh_yaml *
compose_text(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    if (strlen(text) != event->data.scalar.length) {
        fault_at(reader, event->start_mark, "text has a NUL in it");
        return NULL;
    }
    struct gh_yaml *value = make(reader, GH_YAML_TEXT, event, event->data.scalar.anchor);
    value->owned_text = gh_strdup(text);
    value->text = value->owned_text;
    value->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return value;
}

/* What the alias of EVENT stands for: the value that had its name last. */
static struct gh_yaml *
resolve(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct gh_yaml *value = reader->file->made;

    while (value && (!value->anchor || strcmp(value->anchor, name) != 0))
        value = value->made_before;
    if (!value)
        fault_at(reader, event->start_mark,
                 "*%.40s stands for nothing: there is no &%.40s before it", name, name);
    else if (value->is_open)
        fault_at(reader, event->start_mark, "*%.40s is inside of what it stands for", name);
    else
        return count_values(reader, event->start_mark, value->weight) ? value : NULL;
    return NULL;
}

static const struct gh_yaml *
find_key(const struct gh_yaml *map, const char *key)
{
    for (size_t i = 0; i < map->count; i += 2)
        if (strcmp(map->items[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

/* Can KEY be one more key of MAP? MARK is where it stands. */
static bool
check_key(struct reader *reader, const struct gh_yaml *map, const struct gh_yaml *key,
          yaml_mark_t mark)
{
    if (key->kind != GH_YAML_TEXT) {
        fault_at(reader, mark, "a key is %s, but must be a name", gh_yaml_kind_name(key));
        return false;
    }
    const struct gh_yaml *first = find_key(map, key->text);
    if (first)
        fault_at(reader, mark, "'%.100s' is there already, in line %u", key->text, first->line);
    return !first;
}

/* The items of OWNER, up to the event END. */
static bool
compose_items(struct reader *reader, struct gh_yaml *owner, yaml_event_type_t end, unsigned depth)
{
    yaml_event_t event;

    while (next(reader, &event)) {
        if (event.type == end) {
            yaml_event_delete(&event);
            return true;
        }
        yaml_mark_t mark = event.start_mark;
        bool is_key = owner->kind == GH_YAML_MAP && owner->count % 2 == 0;
        struct gh_yaml *item = compose(reader, &event, depth + 1);
        if (!item || (is_key && !check_key(reader, owner, item, mark)))
            return false;
        append(owner, item);
    }
    return false;
}

static struct gh_yaml *
compose_owner(struct reader *reader, enum gh_yaml_kind kind, const yaml_event_t *event,
              const yaml_char_t *anchor, unsigned depth)
{
    if (depth > GH_YAML_MAX_DEPTH) {
        fault_at(reader, event->start_mark, "this is more than %u levels deep", GH_YAML_MAX_DEPTH);
        return NULL;
    }
    struct gh_yaml *value = make(reader, kind, event, anchor);
    yaml_event_type_t end = kind == GH_YAML_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    value->is_open = true;
    bool is_ok = compose_items(reader, value, end, depth);
    value->is_open = false;
    return is_ok ? value : NULL;
}

static const yaml_char_t *
tag_of(const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag;
    default:
        return NULL;
    }
}

/* The value that begins with EVENT, which is deleted; NULL after a fault. */
static struct gh_yaml *
compose(struct reader *reader, yaml_event_t *event, unsigned depth)
{
    struct gh_yaml *value = NULL;

    if (tag_of(event))
        fault_at(reader, event->start_mark, "tags such as %.100s have no use here",
                 (const char *)tag_of(event));
    else if (event->type == YAML_ALIAS_EVENT)
        value = resolve(reader, event);
    else if (!count_values(reader, event->start_mark, 1))
        value = NULL;
    else if (event->type == YAML_SCALAR_EVENT)
        value = compose_text(reader, event);
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        value =
            compose_owner(reader, GH_YAML_LIST, event, event->data.sequence_start.anchor, depth);
    else if (event->type == YAML_MAPPING_START_EVENT)
        value = compose_owner(reader, GH_YAML_MAP, event, event->data.mapping_start.anchor, depth);
    yaml_event_delete(event);
    return value;
}

/* ---- the document ---- */

/* One document, or none, and then the end. */
static bool
read_stream(struct reader *reader)
{
    unsigned documents = 0;
    bool is_end = false, is_ok = true;

    while (is_ok && !is_end) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        is_end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            fault_at(reader, event.start_mark, "a second document begins here; one is enough");
            is_ok = false;
        }
        if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
            event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            reader->file->root = compose(reader, &event, 1);
            is_ok = reader->file->root;
        } else {
            yaml_event_delete(&event);
        }
    }
    return is_ok;
}

int
gh_yaml_read(struct gh_yaml_file *file, const char *name, const uint8_t *bytes, size_t len,
             struct gh_faults *faults)
{
    struct reader reader = {.file = file, .faults = faults, .bytes = bytes, .len = len};

    memset(file, 0, sizeof *file);
    file->name = gh_strdup(name);
    if (len > GH_YAML_MAX_BYTES) {
        gh_faults_add(faults, "%s:1:1: the file is larger than %u bytes", name, GH_YAML_MAX_BYTES);
        return GH_E_INPUT;
    }
    if (!yaml_parser_initialize(&reader.parser))
        abort(); /* out of memory, as with any small thing of ours */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, bytes, len);
    bool is_ok = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    return is_ok ? GH_OK : GH_E_INPUT;
}

int
gh_yaml_load(struct gh_yaml_file *file, const char *path, struct gh_faults *faults)
{
    memset(file, 0, sizeof *file);
    FILE *stream = fopen(path, "re");
    if (!stream && (errno == ENOENT || errno == ENOTDIR))
        return GH_E_NOT_FOUND;
    if (!stream) {
        gh_faults_add(faults, "%s: %s", path, strerror(errno));
        return GH_E_INPUT;
    }
    uint8_t *bytes GH_SCOPED(gh_free) = gh_alloc(GH_YAML_MAX_BYTES + 1);
    setvbuf(stream, NULL, _IONBF, 0); /* no second copy: the client's file holds a token */
    size_t len = fread(bytes, 1, GH_YAML_MAX_BYTES + 1, stream);
    int problem = ferror(stream) ? errno : 0;
    fclose(stream);
    if (problem) {
        gh_faults_add(faults, "%s: %s", path, strerror(problem));
        return GH_E_INPUT;
    }
    int rc = gh_yaml_read(file, path, bytes, len, faults);
    explicit_bzero(bytes, len);
    return rc;
}

void
gh_yaml_done(struct gh_yaml_file *file)
{
    while (file->made) {
        struct gh_yaml *value = file->made;
        file->made = value->made_before;
        if (value->owned_text)
            explicit_bzero(value->owned_text, strlen(value->owned_text));
        free(value->owned_text);
        free(value->anchor);
        free(value->items);
        free(value);
    }
    gh_free(&file->name);
    file->root = NULL;
}

/* ---- looking at it ---- */

const struct gh_yaml *
gh_yaml_get(const struct gh_yaml *map, const char *key)
{
    for (size_t i = 0; map && map->kind == GH_YAML_MAP && i < map->count; i += 2)
        if (strcmp(map->items[i]->text, key) == 0)
            return map->items[i + 1];
    return NULL;
}

bool
gh_yaml_is_null(const struct gh_yaml *value)
{
    return value->kind == GH_YAML_TEXT && value->is_plain &&
           (strcmp(value->text, "") == 0 || strcmp(value->text, "~") == 0 ||
            strcasecmp(value->text, "null") == 0);
}

const char *
gh_yaml_kind_name(const struct gh_yaml *value)
{
    if (value->kind == GH_YAML_LIST)
        return "a list";
    if (value->kind == GH_YAML_MAP)
        return "a mapping";
    return gh_yaml_is_null(value) ? "nothing" : "text";
}

void
gh_yaml_fault(const struct gh_yaml_file *file, const struct gh_yaml *value,
              struct gh_faults *faults, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_faults_add(faults, "%s:%u:%u: %s", file->name, value->line, value->column,
                  gh_buf_text(&text));
}
