/* SPDX-License-Identifier: Apache-2.0 */
#include "front/packer.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"

/* Windows and tables of 2^14 instead of 2^15 bytes: a third of the memory for 1 % of the size. */
#define DEFLATE_WINDOW_BITS 14
#define DEFLATE_MEMORY_LEVEL 7
#define GZIP_FORM 16 /* added to the window's bits: a gzip header instead of zlib's */
#define ZSTD_WINDOW_BITS 17

struct gh_packer {
    enum gh_coding coding;
    z_stream deflate;
    ZSTD_CCtx *zstd;
};

static unsigned packer_count;

static bool
start_zstd(struct gh_packer *packer, unsigned level)
{
    packer->zstd = ZSTD_createCCtx();
    return packer->zstd &&
           !ZSTD_isError(
               ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, (int)level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_BITS));
}

/* What HTTP calls deflate is zlib's form. Source: RFC 9110 section 8.4.1.2. */
static bool
start_deflate(struct gh_packer *packer, unsigned level)
{
    int form = packer->coding == GH_CODING_GZIP ? GZIP_FORM : 0;

    return deflateInit2(&packer->deflate, (int)level, Z_DEFLATED, DEFLATE_WINDOW_BITS + form,
                        DEFLATE_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
}

struct gh_packer *
gh_packer_new(enum gh_coding coding, unsigned level)
{
    if (packer_count >= GH_PACKERS_MAX)
        return NULL;
    struct gh_packer *packer = gh_alloc(sizeof *packer);
    packer->coding = coding;
    packer_count++;
    if (coding == GH_CODING_ZSTD ? start_zstd(packer, level) : start_deflate(packer, level))
        return packer;
    gh_packer_free(&packer);
    return NULL;
}

void
gh_packer_free(struct gh_packer **packer_of)
{
    struct gh_packer *packer = gh_take(*packer_of);

    if (!packer)
        return;
    packer_count--;
    if (packer->coding == GH_CODING_ZSTD)
        ZSTD_freeCCtx(packer->zstd);
    else
        deflateEnd(&packer->deflate);
    free(packer);
}

static long
run_zstd(struct gh_packer *packer, struct gh_slice *in, bool is_last, void *room, size_t room_len,
         bool *is_done_out)
{
    ZSTD_inBuffer from = {in->bytes, in->len, 0};
    ZSTD_outBuffer to = {room, room_len, 0};
    size_t left =
        ZSTD_compressStream2(packer->zstd, &to, &from, is_last ? ZSTD_e_end : ZSTD_e_continue);

    if (ZSTD_isError(left))
        return -1;
    *in = (struct gh_slice){in->bytes + from.pos, in->len - from.pos};
    *is_done_out = is_last && left == 0;
    return (long)to.pos;
}

static long
run_deflate(struct gh_packer *packer, struct gh_slice *in, bool is_last, void *room,
            size_t room_len, bool *is_done_out)
{
    z_stream *stream = &packer->deflate;
    unsigned in_len = in->len < UINT_MAX ? (unsigned)in->len : UINT_MAX;
    unsigned out_len = room_len < UINT_MAX ? (unsigned)room_len : UINT_MAX;

    stream->next_in = (Bytef *)(uintptr_t)in->bytes;
    stream->avail_in = in_len;
    stream->next_out = room;
    stream->avail_out = out_len;
    int rc = deflate(stream, is_last && in_len == in->len ? Z_FINISH : Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return -1;
    size_t taken = in_len - stream->avail_in;
    *in = (struct gh_slice){in->bytes + taken, in->len - taken};
    *is_done_out = rc == Z_STREAM_END;
    return (long)(out_len - stream->avail_out);
}

long
gh_packer_run(struct gh_packer *packer, struct gh_slice *in, bool is_last, void *room,
              size_t room_len, bool *is_done_out)
{
    if (packer->coding == GH_CODING_ZSTD)
        return run_zstd(packer, in, is_last, room, room_len, is_done_out);
    return run_deflate(packer, in, is_last, room, room_len, is_done_out);
}
