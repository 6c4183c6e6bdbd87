/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/jsontext.h"

static const char *const codes[] = {
    [GH_STYLE_PLAIN] = "",       [GH_STYLE_HEAD] = "\033[1m", [GH_STYLE_GOOD] = "\033[32m",
    [GH_STYLE_BAD] = "\033[31m", [GH_STYLE_DIM] = "\033[2m",
};

bool
gh_out_has_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(stream)) && !(no_colour && *no_colour) && term && *term &&
           strcmp(term, "dumb") != 0;
}

void
gh_out_text(FILE *stream, enum gh_style style, const char *text)
{
    bool has_style = style != GH_STYLE_PLAIN && gh_out_has_colour(stream);

    fprintf(stream, "%s%s%s", has_style ? codes[style] : "", text, has_style ? "\033[0m" : "");
}

void
gh_out_json(const json_t *value)
{
    char *text GH_SCOPED(gh_free) =
        json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    puts(text ? text : "null");
}

/* ---- tables ---- */

struct cell {
    char *text;
    enum gh_style style;
};

struct gh_table {
    unsigned column_count;
    struct cell *cells; /* row after row; the heads are the first */
    size_t count, capacity;
};

/* A copy of TEXT without control characters. */
static char *
harmless(const char *text)
{
    char *copy = gh_strdup(text);
    const char *end = copy + strlen(copy);

    for (char *c = copy; c < end; c++)
        memset(c, '?', gh_jsontext_control_len(c, (size_t)(end - c)));
    return copy;
}

static void
add_owned(struct gh_table *table, enum gh_style style, char *text)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? 2 * table->capacity : 64;
        table->cells = gh_realloc(table->cells, table->capacity * sizeof table->cells[0]);
    }
    table->cells[table->count++] = (struct cell){text, style};
}

struct gh_table *
gh_table_new(const char *const *heads, unsigned column_count)
{
    struct gh_table *table = gh_alloc(sizeof *table);

    table->column_count = column_count;
    for (unsigned i = 0; i < column_count; i++)
        gh_table_add(table, GH_STYLE_HEAD, heads[i]);
    return table;
}

void
gh_table_add(struct gh_table *table, enum gh_style style, const char *text)
{
    add_owned(table, style, harmless(text ? text : "-"));
}

void
gh_table_addf(struct gh_table *table, enum gh_style style, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    gh_table_add(table, style, gh_buf_text(&text));
}

/* Characters of UTF-8 text: bytes that continue none. */
static unsigned
width_of(const char *text)
{
    unsigned width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static unsigned
column_width(const struct gh_table *table, unsigned column)
{
    unsigned widest = 0;

    for (size_t i = column; i < table->count; i += table->column_count) {
        unsigned width = width_of(table->cells[i].text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

void
gh_table_print(const struct gh_table *table)
{
    unsigned *widths GH_SCOPED(gh_free) = gh_alloc(table->column_count * sizeof widths[0]);

    for (unsigned column = 0; column < table->column_count; column++)
        widths[column] = column_width(table, column);
    for (size_t i = 0; i < table->count; i++) {
        const struct cell *cell = &table->cells[i];
        unsigned column = (unsigned)(i % table->column_count);
        bool is_last = column + 1 == table->column_count;

        gh_out_text(stdout, cell->style, cell->text);
        if (is_last)
            putchar('\n');
        else
            printf("%*s", (int)(widths[column] - width_of(cell->text)) + 2, "");
    }
}

void
gh_table_free(struct gh_table **table_of)
{
    struct gh_table *table = *table_of;

    *table_of = NULL;
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

/* ---- quantities ---- */

void
gh_out_bytes(char *text, size_t size, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;

    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, size, unit && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

void
gh_out_age(char *text, size_t size, double seconds)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 10)
        snprintf(text, size, "%.1f s", seconds);
    else if (seconds < 120)
        snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(text, size, "%.0f min", seconds / 60);
    else if (seconds < 172800)
        snprintf(text, size, "%.0f h", seconds / 3600);
    else
        snprintf(text, size, "%.0f d", seconds / 86400);
}
