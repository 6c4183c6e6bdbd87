/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "wire/le.h"

static const char *const kind_names[] = {
    [GH_FRAME_HELLO] = "HELLO",
    [GH_FRAME_CALL] = "CALL",
    [GH_FRAME_PUT_RESOURCE] = "PUT_RESOURCE",
    [GH_FRAME_PUT_OBJECT] = "PUT_OBJECT",
    [GH_FRAME_GET_OBJECT] = "GET_OBJECT",
    [GH_FRAME_RENAME] = "RENAME",
    [GH_FRAME_DELETE] = "DELETE",
    [GH_FRAME_SET_ENV] = "SET_ENV",
    [GH_FRAME_ADD_PATH] = "ADD_PATH",
    [GH_FRAME_LOAD] = "LOAD",
    [GH_FRAME_CANCEL] = "CANCEL",
    [GH_FRAME_STOP] = "STOP",
    [GH_FRAME_SET_CONFIG] = "SET_CONFIG",
    [GH_FRAME_ADD_SITE] = "ADD_SITE",
    [GH_FRAME_SET_LIMITS] = "SET_LIMITS",
    [GH_FRAME_RUN_BASH] = "RUN_BASH",
    [GH_FRAME_UNPACK_FILES] = "UNPACK_FILES",
    [GH_FRAME_DESCRIBE] = "DESCRIBE",
    [GH_FRAME_HTTP_REQUEST] = "HTTP_REQUEST",
    [GH_FRAME_HTTP_BODY] = "HTTP_BODY",
    [GH_FRAME_HTTP_GONE] = "HTTP_GONE",
    [GH_FRAME_HTTP_SENT] = "HTTP_SENT",
    [GH_FRAME_READY] = "READY",
    [GH_FRAME_RESULT] = "RESULT",
    [GH_FRAME_LOG] = "LOG",
    [GH_FRAME_KEY_PUT] = "KEY_PUT",
    [GH_FRAME_KEY_GONE] = "KEY_GONE",
    [GH_FRAME_FAILED] = "FAILED",
    [GH_FRAME_HTTP_START] = "HTTP_START",
    [GH_FRAME_HTTP_DATA] = "HTTP_DATA",
    [GH_FRAME_HTTP_END] = "HTTP_END",
    [GH_FRAME_HTTP_READ] = "HTTP_READ",
};

#define KIND_COUNT (sizeof kind_names / sizeof kind_names[0])

const char *
gh_frame_kind_name(unsigned kind)
{
    if (kind >= KIND_COUNT || !kind_names[kind])
        return "unknown";
    return kind_names[kind];
}

enum gh_frame_status
gh_frame_decode(const uint8_t *bytes, size_t len, struct gh_frame *frame_out, size_t *used_out)
{
    if (len < GH_FRAME_HEAD_BYTES)
        return GH_FRAME_MORE;

    uint32_t body_len = gh_load_u32(bytes);
    unsigned kind = gh_load_u16(bytes + 4);
    unsigned flags = gh_load_u16(bytes + 6);

    if (kind >= KIND_COUNT || !kind_names[kind] || (flags & ~GH_FRAME_HAS_FD) ||
        body_len > GH_FRAME_BODY_MAX_BYTES)
        return GH_FRAME_BROKEN;

    if (len - GH_FRAME_HEAD_BYTES < body_len)
        return GH_FRAME_MORE;

    *frame_out = (struct gh_frame){
        .kind = (enum gh_frame_kind)kind,
        .flags = flags,
        .call_id = gh_load_u64(bytes + 8),
        .body_len = body_len,
        .body = bytes + GH_FRAME_HEAD_BYTES,
    };
    *used_out = GH_FRAME_HEAD_BYTES + body_len;
    return GH_FRAME_OK;
}

void
gh_frame_head(uint8_t head_out[GH_FRAME_HEAD_BYTES], enum gh_frame_kind kind, unsigned flags,
              uint64_t call_id, uint32_t body_len)
{
    gh_store_u32(head_out, body_len);
    gh_store_u16(head_out + 4, (uint16_t)kind);
    gh_store_u16(head_out + 6, (uint16_t)flags);
    gh_store_u64(head_out + 8, call_id);
}
