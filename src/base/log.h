/* SPDX-License-Identifier: Apache-2.0
 *
 * base/log.h - one line per event on standard error: "event.name key=value ...".
 *
 * Text form:  2026-11-22T08:02:37.123Z INFO event.name key=value
 * JSON form:  {"time":"...","level":"INFO","event":"event.name","key":"value", ...}
 * For systemd's journal, which knows the time: fields of their own (base/journal.h)
 *
 * INFO tells an operator what changed, WARN what was worked around, ERR what someone must fix, DEBUG
 * is free. Names are stable, units are in the keys, tokens never. Quote strings with gh_log_quote
 * (or "%s" for what is known to be a word). Loop thread only. */
#ifndef GH_BASE_LOG_H
#define GH_BASE_LOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum gh_log_level { GH_LOG_DEBUG, GH_LOG_INFO, GH_LOG_WARN, GH_LOG_ERR };
enum gh_log_format { GH_LOG_TEXT, GH_LOG_JSON, GH_LOG_JOURNAL };

void gh_log_setup(enum gh_log_level lowest, enum gh_log_format format);

/* Is LEVEL written? Asks first where the arguments are dear. */
bool gh_log_wants(enum gh_log_level level);

void gh_log(enum gh_log_level level, const char *event, const char *format, ...) GH_PRINTF(3, 4);

/* TEXT as a quoted, escaped word for a log value, in one of four static buffers (so at most four in
 * one gh_log call); long text is cut at about 500 bytes. */
const char *gh_log_quote(const char *text);

/* Append the time of now as log lines have it: 2026-11-26T03:40:05.465Z. */
void gh_log_add_time(struct gh_buf *out);

/* One key=value of a log line's text, for those that give it another form. A quoted value is a JSON string
 * literal, quotes included. */
struct gh_log_member {
    const char *key, *value; /* not terminated */
    size_t key_len, value_len;
};

/* The member at or behind *CURSOR, which then is behind it; false when there is none. */
bool gh_log_next(const char **cursor, struct gh_log_member *member_out);

/* The level called NAME as Python spells it (DEBUG, INFO, WARNING, ERROR, CRITICAL, any case) or
 * WARN, ERR; -1 when it is none. */
int gh_log_level_by_name(const char *name);

#endif
