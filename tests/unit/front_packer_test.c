/* SPDX-License-Identifier: Apache-2.0 */
#include "front/packer.h"

#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "tests/unit/suite.h"

#define PLAIN_BYTES 300000u
#define GZIP_OR_ZLIB 32 /* zlib: tell the form by the header */

static const enum gh_coding codings[] = {GH_CODING_GZIP, GH_CODING_DEFLATE, GH_CODING_ZSTD};

static char *
make_plain(void)
{
    char *plain = malloc(PLAIN_BYTES);

    ck_assert_ptr_nonnull(plain);
    for (size_t i = 0; i < PLAIN_BYTES; i++)
        plain[i] = "{\"a\": 1, \"b\": [2]}"[i * i / 7 % 18];
    return plain;
}

/* Packed in pieces of PIECE bytes into room of ROOM bytes. */
static void
pack(enum gh_coding coding, const char *plain, size_t piece, size_t room_len, struct gh_buf *out)
{
    struct gh_packer *packer = gh_packer_new(coding, 1);
    size_t given = 0;
    bool is_done = false;

    ck_assert_ptr_nonnull(packer);
    while (!is_done) {
        size_t len = PLAIN_BYTES - given < piece ? PLAIN_BYTES - given : piece;
        struct gh_slice in = {plain + given, len};
        given += len;
        do {
            long got = gh_packer_run(packer, &in, given == PLAIN_BYTES,
                                     gh_buf_reserve(out, room_len), room_len, &is_done);
            ck_assert_int_ge(got, 0);
            out->len += (size_t)got;
        } while (in.len > 0 || (given == PLAIN_BYTES && !is_done));
    }
    gh_packer_free(&packer);
    ck_assert_ptr_null(packer);
}

static void
unpack(enum gh_coding coding, const struct gh_buf *packed, char *plain)
{
    z_stream stream = {.next_in = packed->bytes,
                       .avail_in = (unsigned)packed->len,
                       .next_out = (Bytef *)plain,
                       .avail_out = PLAIN_BYTES};

    if (coding == GH_CODING_ZSTD) {
        ck_assert_uint_eq(ZSTD_decompress(plain, PLAIN_BYTES, packed->bytes, packed->len),
                          PLAIN_BYTES);
        return;
    }
    ck_assert_int_eq(inflateInit2(&stream, MAX_WBITS + GZIP_OR_ZLIB), Z_OK);
    ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(stream.total_out, PLAIN_BYTES);
    inflateEnd(&stream);
}

START_TEST(what_was_packed_is_unpacked)
{
    static const size_t sizes[][2] = {
        {PLAIN_BYTES, 32768}, {1000, 32768}, {PLAIN_BYTES, 10}, {7, 100}};
    char *plain = make_plain(), *again = malloc(PLAIN_BYTES);

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct gh_buf packed = {0};
        pack(codings[_i], plain, sizes[i][0], sizes[i][1], &packed);
        ck_assert_uint_lt(packed.len, PLAIN_BYTES / 2);
        unpack(codings[_i], &packed, again);
        ck_assert_mem_eq(plain, again, PLAIN_BYTES);
        gh_buf_done(&packed);
    }
    free(plain);
    free(again);
}
END_TEST

START_TEST(there_are_so_many_at_most)
{
    struct gh_packer *packers[GH_PACKERS_MAX], *more;

    for (size_t i = 0; i < GH_PACKERS_MAX; i++)
        ck_assert_ptr_nonnull(packers[i] = gh_packer_new(codings[i % COUNT(codings)], 1));
    ck_assert_ptr_null(gh_packer_new(GH_CODING_GZIP, 1));
    gh_packer_free(&packers[0]);
    ck_assert_ptr_nonnull(more = gh_packer_new(GH_CODING_GZIP, 9));
    gh_packer_free(&more);
    for (size_t i = 1; i < GH_PACKERS_MAX; i++)
        gh_packer_free(&packers[i]);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, what_was_packed_is_unpacked, 0, COUNT(codings));
    tcase_add_test(tests, there_are_so_many_at_most);
}

int
main(void)
{
    return run_tests("front/packer", add);
}
