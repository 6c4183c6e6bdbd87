/* SPDX-License-Identifier: Apache-2.0 */
#include "den/listing.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/jsontext.h"
#include "den/grants.h"
#include "den/resources.h"
#include "store/sql.h"

enum { STATE, STATUS_S, CONFIG }; /* columns */

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
state_of(const struct gh_den_resource *resource, sqlite3_stmt *rows,
         const struct gh_den_filter *filter, int64_t now_s)
{
    if (filter->running_uri && strcmp(resource->uri, filter->running_uri) == 0)
        return (struct node_state){{"running", 7}, now_s};
    return (struct node_state){slice_of(rows, STATE), sqlite3_column_int64(rows, STATUS_S)};
}

/* By what is in memory. */
static bool
is_candidate(const struct gh_den *den, const struct gh_den_filter *filter,
             const struct gh_den_resource *resource, enum gh_level *level_out)
{
    struct gh_slice uri = {resource->uri, strlen(resource->uri)};

    if (filter->is_owned && resource->owner != filter->user)
        return false;
    if (!fits_slice(filter->type, (struct gh_slice){resource->type, strlen(resource->type)}))
        return false;
    *level_out = gh_den_level(den, filter->user, uri);
    return *level_out >= GH_LEVEL_READ;
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
add(struct gh_buf *out, enum gh_level level, struct gh_slice config, const struct node_state *state)
{
    struct gh_buf more GH_SCOPED(gh_buf_done) = {0};

    gh_buf_addf(&more, "\"access_level\":\"%s\",\"cluster_status\":", gh_level_name(level));
    if (state->state.len)
        gh_jsontext_quote(&more, state->state.bytes, state->state.len, GH_JSONTEXT_UTF8);
    else
        gh_buf_add_text(&more, "null");
    gh_buf_add_text(&more, ",\"cluster_status_last_checked\":");
    add_time(&more, state->at_s);
    gh_den_config_add(out, config, gh_buf_text(&more));
}

/* Append RESOURCE to OUT, a list with COUNT members, when it fits. */
static int
add_if_it_fits(struct gh_den *den, const struct gh_den_filter *filter,
               const struct gh_den_resource *resource, struct gh_buf *out, unsigned *count,
               struct gh_err *err)
{
    int64_t now_s = (int64_t)time(NULL);
    enum gh_level level;
    int rc;

    if (!is_candidate(den, filter, resource, &level))
        return GH_OK;
    sqlite3_stmt *rows GH_SCOPED(gh_sql_drop) =
        gh_sql_query(den->db, err, "SELECT state, status_s, config FROM resource WHERE id = ?", "i",
                     resource->id);
    if (!gh_sql_next(&rows, &rc, err))
        return rc;
    struct node_state state = state_of(resource, rows, filter, now_s);
    if (fits_slice(filter->state, state.state) &&
        (filter->since_s <= 0 || state.at_s >= now_s - filter->since_s)) {
        if ((*count)++ > 0)
            gh_buf_add_byte(out, ',');
        add(out, level, slice_of(rows, CONFIG), &state);
    }
    return GH_OK;
}

int
gh_den_list(struct gh_den *den, const struct gh_den_filter *filter, struct gh_buf *out,
            struct gh_err *err)
{
    const struct gh_den_resource *resource;
    unsigned count = 0;
    int rc = GH_OK;

    gh_buf_add_byte(out, '[');
    for (resource = den->resources; rc == GH_OK && resource && count < GH_DEN_LIST_MAX;
         resource = resource->hh.next)
        rc = add_if_it_fits(den, filter, resource, out, &count, err);
    gh_buf_add_byte(out, ']');
    return rc;
}
