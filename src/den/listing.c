/* SPDX-License-Identifier: Apache-2.0 */
#include "den/listing.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "den/grants.h"
#include "den/resources.h"
#include "den/sql.h"

enum { URI, TYPE, STATE, STATUS_S, CONFIG }; /* columns */

static struct gh_slice
slice_of(sqlite3_stmt *rows, int column)
{
    const char *text = (const char *)sqlite3_column_text(rows, column);
    return (struct gh_slice){text ? text : "", (size_t)sqlite3_column_bytes(rows, column)};
}

static bool
fits_slice(struct gh_slice wanted, struct gh_slice found)
{
    return wanted.len == 0 ||
           (wanted.len == found.len && memcmp(wanted.bytes, found.bytes, found.len) == 0);
}

/* What is known of the node that a resource is. */
struct node_state {
    struct gh_slice state; /* empty: nothing */
    int64_t at_s;          /* 0: never */
};

static struct node_state
state_of(sqlite3_stmt *rows, const struct gh_den_filter *filter, int64_t now_s)
{
    struct gh_slice uri = slice_of(rows, URI);

    if (filter->running_uri && uri.len == strlen(filter->running_uri) &&
        memcmp(uri.bytes, filter->running_uri, uri.len) == 0)
        return (struct node_state){{"running", 7}, now_s};
    return (struct node_state){slice_of(rows, STATE), sqlite3_column_int64(rows, STATUS_S)};
}

static bool
fits(const struct gh_den *den, const struct gh_den_filter *filter, sqlite3_stmt *rows,
     const struct node_state *state, int64_t now_s)
{
    struct gh_slice uri = slice_of(rows, URI);
    bool is_seen = filter->is_owned ? gh_den_owns(filter->user, uri)
                                    : gh_den_level(den, filter->user, uri) >= GH_LEVEL_READ;

    return is_seen && fits_slice(filter->type, slice_of(rows, TYPE)) &&
           fits_slice(filter->state, state->state) &&
           (filter->since_s <= 0 || state->at_s >= now_s - filter->since_s);
}

/* "2026-11-26 07:15:02.000000+00:00" as JSON, or null. */
static void
add_time(struct gh_buf *out, int64_t at_s)
{
    time_t time = (time_t)at_s;
    struct tm utc;
    char text[48] = "null";

    if (at_s > 0 && gmtime_r(&time, &utc))
        strftime(text, sizeof text, "\"%Y-%m-%d %H:%M:%S.000000+00:00\"", &utc);
    gh_buf_add_text(out, text);
}

static void
add(struct gh_buf *out, const struct gh_den *den, const struct gh_den_filter *filter,
    sqlite3_stmt *rows, const struct node_state *state)
{
    enum gh_level level = gh_den_level(den, filter->user, slice_of(rows, URI));
    struct gh_buf more GH_SCOPED(gh_buf_done) = {0};

    gh_buf_addf(&more, "\"access_level\":\"%s\",\"cluster_status\":", gh_level_name(level));
    if (state->state.len)
        gh_jsontext_quote(&more, state->state.bytes, state->state.len, GH_JSONTEXT_UTF8);
    else
        gh_buf_add_text(&more, "null");
    gh_buf_add_text(&more, ",\"cluster_status_last_checked\":");
    add_time(&more, state->at_s);
    gh_den_config_add(out, slice_of(rows, CONFIG), gh_buf_text(&more));
}

int
gh_den_list(struct gh_den *den, const struct gh_den_filter *filter, struct gh_buf *out,
            struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);
    unsigned count = 0;
    int rc = GH_OK;
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) = gh_sql_query(
        den->db, err, "SELECT uri, type, state, status_s, config FROM resource ORDER BY id", "");

    gh_buf_add_byte(out, '[');
    while (count < GH_DEN_LIST_MAX && gh_sql_next(&rows, &rc, err)) {
        struct node_state state = state_of(rows, filter, now_s);
        if (!fits(den, filter, rows, &state, now_s))
            continue;
        if (count++ > 0)
            gh_buf_add_byte(out, ',');
        add(out, den, filter, rows, &state);
    }
    gh_buf_add_byte(out, ']');
    return rc;
}
