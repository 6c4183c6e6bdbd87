/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/call.h"

#include "wire/le.h"

#define FLAGS_KNOWN (GH_CALL_STREAM_LOGS | GH_CALL_REMOTE | GH_CALL_QUERY | GH_CALL_BARE)

static struct gh_slice
take(const uint8_t **cursor, size_t len)
{
    struct gh_slice slice = {(const char *)*cursor, len};
    *cursor += len;
    return slice;
}

int
gh_call_decode(const uint8_t *body, size_t body_len, int has_fd, struct gh_call_head *head_out)
{
    if (body_len < GH_CALL_HEAD_BYTES)
        return -1;

    size_t key_len = gh_load_u16(body + 2);
    size_t method_len = gh_load_u16(body + 4);
    size_t run_name_len = gh_load_u16(body + 6);
    uint64_t data_offset = gh_load_u64(body + 8);
    uint64_t data_len = gh_load_u64(body + 16);
    size_t names_len = key_len + method_len + run_name_len;
    size_t rest = body_len - GH_CALL_HEAD_BYTES;

    if (body[0] > GH_SERIALIZATION_PICKLE || (body[1] & ~FLAGS_KNOWN) || names_len > rest)
        return -1;
    if (has_fd ? rest != names_len : (data_offset != 0 || data_len != rest - names_len))
        return -1;
    if (data_len > UINT64_MAX - data_offset)
        return -1;

    const uint8_t *cursor = body + GH_CALL_HEAD_BYTES;
    *head_out = (struct gh_call_head){
        .serialization = (enum gh_serialization)body[0],
        .flags = body[1],
        .data_offset = data_offset,
        .data_len = data_len,
    };
    head_out->key = take(&cursor, key_len);
    head_out->method = take(&cursor, method_len);
    head_out->run_name = take(&cursor, run_name_len);
    head_out->data = has_fd || data_len == 0 ? NULL : cursor;
    return 0;
}

void
gh_call_encode_head(uint8_t out[GH_CALL_HEAD_BYTES], const struct gh_call_head *head)
{
    out[0] = (uint8_t)head->serialization;
    out[1] = (uint8_t)head->flags;
    gh_store_u16(out + 2, (uint16_t)head->key.len);
    gh_store_u16(out + 4, (uint16_t)head->method.len);
    gh_store_u16(out + 6, (uint16_t)head->run_name.len);
    gh_store_u64(out + 8, head->data_offset);
    gh_store_u64(out + 16, head->data_len);
}
