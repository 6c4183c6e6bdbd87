/* SPDX-License-Identifier: Apache-2.0
 *
 * store/runreaders.c - those who read the output of a run, each as fast as it can. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "store/runlines.h"
#include "store/runs_inner.h"

#define READER_BACKLOG_MAX_BYTES (4u << 20)

/* Say what the reader misses, if anything. */
static void
tell_dropped(struct gh_run_reader *reader)
{
    struct gh_buf note GH_SCOPED(gh_buf_done) = {0};

    if (!reader->dropped)
        return;
    char *text GH_SCOPED(gh_free) =
        gh_asprintf("[gatehouse: about %zu bytes of output left out here]\n", reader->dropped);
    reader->dropped = 0;
    gh_runlines_add(&note, GH_STREAM_STDOUT, text, strlen(text));
    reader->backlog = reader->events->on_lines(reader->context, (const char *)note.bytes, note.len);
}

void
gh_run_reader_tell(struct gh_run_reader *reader, const char *lines, size_t len)
{
    if (reader->backlog > READER_BACKLOG_MAX_BYTES) {
        /* Ask with nothing how far it is; what it misses is said, never waited for. */
        reader->backlog = reader->events->on_lines(reader->context, "", 0);
        if (reader->backlog > READER_BACKLOG_MAX_BYTES) {
            reader->dropped += len;
            return;
        }
    }
    tell_dropped(reader);
    if (len)
        reader->backlog = reader->events->on_lines(reader->context, lines, len);
}

void
gh_run_reader_stop_waiting(struct gh_run_reader *reader)
{
    if (reader->until_ms) {
        reader->until_ms = 0;
        reader->run->runs->waiting--;
    }
}

static void
reader_free(struct gh_run_reader *reader)
{
    free(reader->key);
    free(reader);
}

void
gh_run_reader_end(struct gh_run_reader *reader)
{
    gh_run_reader_stop_waiting(reader);
    DL_DELETE(reader->run->readers, reader);
    tell_dropped(reader);
    reader->events->on_end(reader->context);
    reader_free(reader);
}

bool
gh_run_reader_may_see(const struct gh_run_reader *reader, const struct gh_run *run)
{
    return !reader->key || (run->key && strcmp(reader->key, run->key) == 0);
}

void
gh_run_reader_drop(struct gh_run_reader *reader)
{
    gh_run_reader_stop_waiting(reader);
    DL_DELETE(reader->run->readers, reader);
    reader_free(reader);
}

void
gh_run_reader_close(struct gh_run_reader *reader)
{
    tell_dropped(reader);
    gh_run_reader_drop(reader);
}
