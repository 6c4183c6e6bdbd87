/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/journal.h"
#include "base/jsontext.h"

static enum gh_log_level lowest_level = GH_LOG_INFO;
static enum gh_log_format line_format = GH_LOG_TEXT;

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

void
gh_log_setup(enum gh_log_level lowest, enum gh_log_format format)
{
    lowest_level = lowest;
    line_format = format;
}

bool
gh_log_wants(enum gh_log_level level)
{
    return level >= lowest_level;
}

int
gh_log_level_by_name(const char *name)
{
    static const struct {
        const char *name;
        enum gh_log_level level;
    } names[] = {
        {"DEBUG", GH_LOG_DEBUG},  {"INFO", GH_LOG_INFO}, {"WARNING", GH_LOG_WARN},
        {"WARN", GH_LOG_WARN},    {"ERROR", GH_LOG_ERR}, {"ERR", GH_LOG_ERR},
        {"CRITICAL", GH_LOG_ERR},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i].name, name) == 0)
            return (int)names[i].level;
    return -1;
}

const char *
gh_log_quote(const char *text)
{
    static struct gh_buf rings[4];
    static unsigned turn;

    struct gh_buf *out = &rings[turn++ % 4];
    out->len = 0;
    size_t len = strlen(text);
    gh_jsontext_quote(out, text, len > 500 ? 500 : len, GH_JSONTEXT_UTF8);
    return gh_buf_text(out);
}

void
gh_log_add_time(struct gh_buf *out)
{
    struct timespec now;
    struct tm utc;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    gh_buf_addf(out, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* Where the value that starts at TEXT ends: at the closing quote when quoted, else at a blank. */
static const char *
value_end(const char *text)
{
    if (*text != '"')
        return text + strcspn(text, " ");
    for (const char *cursor = text + 1; *cursor; cursor++) {
        if (*cursor == '\\' && cursor[1])
            cursor++;
        else if (*cursor == '"')
            return cursor + 1;
    }
    return text + strlen(text);
}

/* A whole number that JSON readers keep exact. */
static bool
is_number(const char *text, const char *end)
{
    size_t len = (size_t)(end - text);

    return len > 0 && len <= 15 && strspn(text, "0123456789") >= len && (len == 1 || *text != '0');
}

bool
gh_log_next(const char **cursor, struct gh_log_member *member_out)
{
    const char *text = *cursor;

    while (*text) {
        size_t key_len = strcspn(text, "= ");
        if (text[key_len] != '=') {
            text += key_len + (text[key_len] == ' ');
            continue;
        }
        const char *value = text + key_len + 1, *end = value_end(value);
        *member_out = (struct gh_log_member){text, value, key_len, (size_t)(end - value)};
        *cursor = end + (*end == ' ');
        return true;
    }
    return false;
}

/* Append ,"key":value for each key=value of TEXT. Quoted values are JSON literals already. */
static void
add_members(struct gh_buf *line, const char *text)
{
    struct gh_log_member member;

    while (gh_log_next(&text, &member)) {
        gh_buf_add_byte(line, ',');
        gh_jsontext_quote(line, member.key, member.key_len, GH_JSONTEXT_UTF8);
        gh_buf_add_byte(line, ':');
        if (*member.value == '"' || is_number(member.value, member.value + member.value_len))
            gh_buf_add(line, member.value, member.value_len);
        else
            gh_jsontext_quote(line, member.value, member.value_len, GH_JSONTEXT_UTF8);
    }
}

static void
write_line(struct gh_buf *line)
{
    size_t done = 0;

    gh_buf_add_byte(line, '\n');
    while (done < line->len) {
        ssize_t written = write(STDERR_FILENO, line->bytes + done, line->len - done);
        if (written <= 0)
            return; /* nowhere left to complain */
        done += (size_t)written;
    }
}

void
gh_log(enum gh_log_level level, const char *event, const char *format, ...)
{
    if (!gh_log_wants(level))
        return;

    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf line GH_SCOPED(gh_buf_done) = {0};
    va_list args;
    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);

    if (line_format == GH_LOG_JOURNAL && gh_journal_send(level, event, gh_buf_text(&text)))
        return;
    if (line_format != GH_LOG_JSON) {
        gh_log_add_time(&line);
        gh_buf_addf(&line, " %s %s %s", level_names[level], event, gh_buf_text(&text));
    } else {
        gh_buf_add_text(&line, "{\"time\":\"");
        gh_log_add_time(&line);
        gh_buf_addf(&line, "\",\"level\":\"%s\",\"event\":\"%s\"", level_names[level], event);
        add_members(&line, gh_buf_text(&text));
        gh_buf_add_byte(&line, '}');
    }
    write_line(&line);
}
