/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "modules/python/literal.h"
#include "tests/unit/suite.h"

/* PARTS as gh_parts_write and as gh_parts_to_memfd write them are the LEN bytes WANTED. */
static void
assert_written(const struct gh_part *parts, size_t count, const void *wanted, size_t len)
{
    uint8_t *out GH_SCOPED(gh_free) = gh_alloc(len);
    uint8_t *read_back GH_SCOPED(gh_free) = gh_alloc(len + 1);

    ck_assert_uint_eq(gh_parts_len(parts, count), len);
    ck_assert_ptr_eq(gh_parts_write(parts, count, out), out + len);
    ck_assert_mem_eq(out, wanted, len);

    int fd = gh_parts_to_memfd(parts, count);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, read_back, len + 1, 0), (ssize_t)len);
    ck_assert_mem_eq(read_back, wanted, len);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
                     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    close(fd);
}

START_TEST(parts_follow_each_other)
{
    struct gh_part parts[] = {
        {"{\"data\":", 8, false}, {"abc", 3, true}, {NULL, 0, false}, {"}", 1, false}};
    static const char wanted[] = "{\"data\":\"YWJj\\n\"}";

    assert_written(parts, COUNT(parts), wanted, sizeof wanted - 1);
}
END_TEST

START_TEST(nothing_is_written_for_nothing)
{
    struct gh_part plain = {NULL, 0, false}, encoded = {NULL, 0, true};

    assert_written(NULL, 0, "", 0);
    assert_written(&plain, 1, "", 0);
    assert_written(&encoded, 1, "\"\"", 2);
}
END_TEST

/* A memfd gets base64 in chunks of 2048 lines: the same text as in one piece, around each seam. */
START_TEST(chunks_of_base64_join)
{
    size_t chunk = 2048u * GH_BASE64_LINE_BYTES;
    size_t len = (size_t)(_i / 3) * chunk + (size_t)(_i % 3) - 1;
    uint8_t *bytes GH_SCOPED(gh_free) = gh_alloc(len);
    size_t text_len = gh_literal_base64_len(len);
    char *text GH_SCOPED(gh_free) = gh_alloc(text_len);
    struct gh_part part = {bytes, len, true};

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    gh_literal_base64(bytes, len, text);
    assert_written(&part, 1, text, text_len);
}
END_TEST

START_TEST(memfd_that_cannot_be_had_is_an_error)
{
    struct gh_part part = {"x", 1, false};
    struct rlimit limit, none;
    int lowest_free = dup(0);

    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)lowest_free;
    setrlimit(RLIMIT_NOFILE, &none);
    errno = 0;
    int fd = gh_parts_to_memfd(&part, 1);
    int saved = errno;
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(saved, EMFILE);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, parts_follow_each_other);
    tcase_add_test(tests, nothing_is_written_for_nothing);
    tcase_add_loop_test(tests, chunks_of_base64_join, 3, 9);
    tcase_add_test(tests, memfd_that_cannot_be_had_is_an_error);
}

int
main(void)
{
    return run_tests("python_parts", add);
}
