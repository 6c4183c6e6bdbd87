/* SPDX-License-Identifier: Apache-2.0
 *
 * front/packed.c - whole answers that are compressed while they are sent.
 *
 * Only our own: what an app answers is the app's business, since compressing secrets beside what a
 * client wrote can give them away (BREACH), and frameworks bring their own. Pickles stay as they are: base64 of
 * what is compressed or random already gains little for much work. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/settings.h"
#include "front/front_inner.h"
#include "front/packer.h"

#define BLOCK_BYTES (32u << 10) /* of a file, read at a time */
#define PICKLE_END "\"serialization\":\"pickle\"}"

struct packed {
    struct gh_packer *packer;
    struct gh_plain plain; /* owned */
    size_t used;           /* of it: given to the packer, or in the block */
    struct gh_slice rest;  /* read, and not yet packed */
    bool is_done;
    char block[]; /* BLOCK_BYTES when it is a file */
};

/* ---- whether ---- */

static bool
is_pickle(const struct gh_plain *plain)
{
    static const char end[] = PICKLE_END;
    const size_t end_len = sizeof end - 1;
    char tail[sizeof end];

    if (plain->len < end_len)
        return false;
    if (plain->fd < 0)
        return memcmp(plain->bytes + plain->len - end_len, end, end_len) == 0;
    return pread(plain->fd, tail, end_len, (off_t)(plain->len - end_len)) == (ssize_t)end_len &&
           memcmp(tail, end, end_len) == 0;
}

/* Does it depend on Accept-Encoding how the answer looks? What 304 is said of may. */
static bool
is_for_packing(const struct gh_exchange *exchange, unsigned status, const char *content_type,
               const struct gh_plain *plain)
{
    const struct gh_settings *settings = exchange->conn->server->settings;

    if (settings->compress_min_bytes == 0 || exchange->request.is_local ||
        !gh_coding_is_for(content_type))
        return false;
    return status == 304 || (plain->len >= settings->compress_min_bytes && !is_pickle(plain));
}

/* ---- how ---- */

static bool
read_more(struct packed *packed)
{
    const struct gh_plain *plain = &packed->plain;
    size_t left = plain->len - packed->used;

    if (plain->fd < 0) {
        packed->rest = (struct gh_slice){(const char *)plain->bytes + packed->used, left};
        packed->used = plain->len;
        return true;
    }
    ssize_t got = pread(plain->fd, packed->block, left < BLOCK_BYTES ? left : BLOCK_BYTES,
                        (off_t)packed->used);
    if (got <= 0)
        return false; /* it was cut short under us */
    packed->rest = (struct gh_slice){packed->block, (size_t)got};
    packed->used += (size_t)got;
    return true;
}

/* libmicrohttpd asks for more. */
static ssize_t
on_read(void *context, uint64_t position, char *room, size_t room_len)
{
    struct packed *packed = context;

    (void)position;
    while (!packed->is_done) {
        if (packed->rest.len == 0 && packed->used < packed->plain.len && !read_more(packed))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        long got = gh_packer_run(packed->packer, &packed->rest, packed->used == packed->plain.len,
                                 room, room_len, &packed->is_done);
        if (got < 0)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (got > 0)
            return got;
    }
    return MHD_CONTENT_READER_END_OF_STREAM;
}

static void
on_free(void *context)
{
    struct packed *packed = context;

    gh_packer_free(&packed->packer);
    free(packed->plain.bytes);
    if (packed->plain.fd >= 0)
        close(packed->plain.fd);
    free(packed);
}

static struct MHD_Response *
packed_response(struct gh_packer *packer, const struct gh_plain *plain)
{
    struct packed *packed = gh_alloc(sizeof *packed + (plain->fd < 0 ? 0 : BLOCK_BYTES));
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, packed, on_free);

    if (!response) {
        gh_packer_free(&packer);
        free(packed);
        return NULL;
    }
    packed->packer = packer;
    packed->plain = *plain;
    return response;
}

struct MHD_Response *
gh_packed_response(struct gh_exchange *exchange, unsigned status, const char *content_type,
                   const struct gh_plain *plain)
{
    exchange->varies_by_coding = is_for_packing(exchange, status, content_type, plain);
    if (!exchange->varies_by_coding || status == 304 ||
        !exchange->guard.is_http11) /* who cannot read chunks */
        return NULL;
    enum gh_coding coding =
        gh_coding_choose(gh_front_sink.header(&exchange->request, "Accept-Encoding"));
    if (coding == GH_CODING_IDENTITY)
        return NULL;
    struct gh_packer *packer =
        gh_packer_new(coding, (unsigned)exchange->conn->server->settings->compress_level);
    struct MHD_Response *response = packer ? packed_response(packer, plain) : NULL;
    if (response)
        exchange->coding = coding;
    return response;
}
