/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker or the daemon sends: frames, and the body of requests. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/call.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Every slice lies in the body, and encoding what was decoded gives the same bytes. */
static void
check_call(const uint8_t *body, size_t len, int has_fd)
{
    struct gh_call_head head;
    uint8_t again[GH_CALL_HEAD_BYTES];

    if (gh_call_decode(body, len, has_fd, &head) != 0)
        return;
    const struct gh_slice names[] = {head.key, head.method, head.run_name};
    const char *cursor = (const char *)body + GH_CALL_HEAD_BYTES;
    for (size_t i = 0; i < 3; i++) {
        assert(names[i].bytes == cursor);
        cursor += names[i].len;
    }
    assert(cursor <= (const char *)body + len);
    if (head.data)
        assert((const char *)head.data == cursor &&
               (const char *)head.data + head.data_len == (const char *)body + len);
    assert(head.data_offset + head.data_len >= head.data_offset);
    assert(head.serialization <= GH_SERIALIZATION_PICKLE);

    gh_call_encode_head(again, &head);
    assert(memcmp(again, body, sizeof again) == 0);
}

static void
check_frames(const uint8_t *bytes, size_t len)
{
    struct gh_frame frame;
    size_t used;

    while (gh_frame_decode(bytes, len, &frame, &used) == GH_FRAME_OK) {
        uint8_t head[GH_FRAME_HEAD_BYTES];
        assert(used == GH_FRAME_HEAD_BYTES + frame.body_len && used <= len);
        assert(frame.body == bytes + GH_FRAME_HEAD_BYTES);
        assert(frame.body_len <= GH_FRAME_BODY_MAX_BYTES);
        assert(strcmp(gh_frame_kind_name(frame.kind), "unknown") != 0);
        gh_frame_head(head, frame.kind, frame.flags, frame.call_id, frame.body_len);
        assert(memcmp(head, bytes, sizeof head) == 0);

        check_call(frame.body, frame.body_len, frame.flags & GH_FRAME_HAS_FD);
        bytes += used;
        len -= used;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check_frames(bytes, len);
    check_call(bytes, len, 0);
    check_call(bytes, len, 1);
    return 0;
}
