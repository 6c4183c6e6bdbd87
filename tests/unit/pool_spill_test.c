/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/spill.h"

#include "base/alloc.h"
#include "pool/shm.h"
#include "tests/unit/suite.h"
#include "wire/frame.h"

#define SMALL GH_FRAME_INLINE_MAX_BYTES

static struct gh_err err;

/* LEN bytes, the caller's to free. */
static char *
make_bytes(size_t len)
{
    char *bytes = gh_alloc(len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i % 251);
    return bytes;
}

/* LEN bytes in pieces of PIECE, then all of it as it came out. */
static struct gh_spill
fill(size_t len, size_t piece)
{
    struct gh_spill spill = GH_SPILL_INIT;
    char *bytes GH_SCOPED(gh_free) = make_bytes(len);

    for (size_t at = 0; at < len; at += piece)
        ck_assert_int_eq(
            gh_spill_add(&spill, bytes + at, len - at < piece ? len - at : piece, &err), GH_OK);
    ck_assert_int_eq(gh_spill_seal(&spill, &err), GH_OK);
    ck_assert_uint_eq(spill.len, len);
    return spill;
}

static void
check(const char *bytes, size_t len)
{
    char *wanted GH_SCOPED(gh_free) = make_bytes(len);

    ck_assert_mem_eq(bytes, wanted, len);
}

START_TEST(little_stays_in_memory)
{
    struct gh_spill spill = fill(SMALL, 1000);

    ck_assert_int_eq(spill.fd, -1);
    ck_assert_uint_eq(spill.buf.len, SMALL);
    check((char *)spill.buf.bytes, SMALL);
    gh_spill_done(&spill);
}
END_TEST

static const size_t pieces[] = {1000, 65536, SMALL, SMALL + 1, 3 * SMALL};

START_TEST(much_is_sealed_shared_memory)
{
    size_t len = 3 * SMALL + 17, found = 0;
    struct gh_spill spill = fill(len, pieces[_i]);

    ck_assert_int_ge(spill.fd, 0);
    ck_assert_int_eq(gh_shm_check(spill.fd, &found, &err), GH_OK);
    ck_assert_uint_eq(found, len);
    const char *map = gh_shm_map(spill.fd, len, &err);
    check(map, len);
    gh_shm_unmap(map, len);
    gh_spill_done(&spill);
    ck_assert_int_eq(spill.fd, -1);
}
END_TEST

START_TEST(nothing_is_empty)
{
    struct gh_spill spill = fill(0, 1);

    ck_assert_int_eq(spill.fd, -1);
    gh_spill_done(&spill);
    gh_spill_done(&spill);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, little_stays_in_memory);
    tcase_add_loop_test(tests, much_is_sealed_shared_memory, 0, (int)COUNT(pieces));
    tcase_add_test(tests, nothing_is_empty);
}

int
main(void)
{
    return run_tests("pool_spill", add);
}
