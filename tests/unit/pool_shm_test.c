/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/unit/suite.h"

static struct gh_err err;

static int
open_with(const char *text)
{
    int fd = gh_shm_open(&err);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(gh_shm_write(fd, text, strlen(text), &err), GH_OK);
    return fd;
}

START_TEST(open_makes_an_empty_memfd_that_children_do_not_get)
{
    int fd = open_with("");

    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq((int)lseek(fd, 0, SEEK_END), 0);
    close(fd);
}
END_TEST

START_TEST(write_appends)
{
    int fd = open_with("abc");

    ck_assert_int_eq(gh_shm_write(fd, "def", 3, &err), GH_OK);
    ck_assert_int_eq(gh_shm_seal(fd, &err), GH_OK);
    const char *bytes = gh_shm_map(fd, 6, &err);
    assert_bytes(bytes, (size_t)6, "abcdef");
    gh_shm_unmap(bytes, 6);
    close(fd);
}
END_TEST

/* A write that ends half-way leaves nothing behind, and the next one follows what was there before. */
START_TEST(write_is_whole_or_not_at_all)
{
    struct rlimit before, cramped;
    int fd = open_with("abc");

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    cramped = (struct rlimit){5, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &cramped), 0);
    ck_assert_int_eq(gh_shm_write(fd, "XYZ", 3, &err), GH_E_SYSTEM);
    assert_contains(err.text, strerror(EFBIG));
    ck_assert_int_eq((int)lseek(fd, 0, SEEK_CUR), 3);
    ck_assert_int_eq(gh_shm_write(fd, "de", 2, &err), GH_OK);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);

    ck_assert_int_eq((int)lseek(fd, 0, SEEK_END), 5);
    const char *bytes = gh_shm_map(fd, 5, &err);
    assert_bytes(bytes, (size_t)5, "abcde");
    gh_shm_unmap(bytes, 5);
    close(fd);
}
END_TEST

START_TEST(sealed_cannot_change_any_more)
{
    int fd = open_with("abc");

    ck_assert_int_eq(gh_shm_seal(fd, &err), GH_OK);
    ck_assert_int_eq(gh_shm_write(fd, "d", 1, &err), GH_E_SYSTEM);
    assert_contains(err.text, "shared memory");
    ck_assert_int_eq(ftruncate(fd, 2), -1);
    ck_assert_int_eq(ftruncate(fd, 4), -1);
    ck_assert_ptr_eq(mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}
END_TEST

START_TEST(check_knows_the_length_of_a_sealed_one)
{
    size_t len = 99;
    int fd = open_with("abcd");

    ck_assert_int_eq(gh_shm_seal(fd, &err), GH_OK);
    ck_assert_int_eq(gh_shm_check(fd, &len, &err), GH_OK);
    ck_assert_uint_eq(len, 4);
    close(fd);
}
END_TEST

/* Each seal alone leaves a way to change the content or to cut it under our feet. */
START_TEST(check_refuses_each_missing_seal)
{
    static const int seals[] = {0, F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_WRITE | F_SEAL_GROW,
                                F_SEAL_SHRINK | F_SEAL_GROW,
                                F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW};
    size_t len = 99;
    int fd = open_with("abcd");

    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals[_i]), 0);
    ck_assert_int_eq(gh_shm_check(fd, &len, &err), GH_E_INPUT);
    ck_assert_uint_eq(len, 99);
    close(fd);
}
END_TEST

START_TEST(check_refuses_what_is_no_memfd)
{
    size_t len;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(gh_shm_check(ends[0], &len, &err), GH_E_INPUT);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(gh_shm_check(-1, &len, &err), GH_E_INPUT);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(gh_shm_check(fd, &len, &err), GH_E_INPUT);
    close(fd);
}
END_TEST

START_TEST(errors_say_what_was_done)
{
    ck_assert_int_eq(gh_shm_write(-1, "x", 1, &err), GH_E_SYSTEM);
    assert_contains(err.text, strerror(EBADF));
    ck_assert_int_eq(gh_shm_seal(-1, &err), GH_E_SYSTEM);
    assert_contains(err.text, strerror(EBADF));
    ck_assert_ptr_null(gh_shm_map(-1, 10, &err));
    assert_contains(err.text, strerror(EBADF));
    gh_shm_unmap(NULL, 10);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, open_makes_an_empty_memfd_that_children_do_not_get);
    tcase_add_test(tests, write_appends);
    tcase_add_test(tests, write_is_whole_or_not_at_all);
    tcase_add_test(tests, sealed_cannot_change_any_more);
    tcase_add_test(tests, check_knows_the_length_of_a_sealed_one);
    tcase_add_loop_test(tests, check_refuses_each_missing_seal, 0, 5);
    tcase_add_test(tests, check_refuses_what_is_no_memfd);
    tcase_add_test(tests, errors_say_what_was_done);
}

int
main(void)
{
    return run_tests("pool_shm", add);
}
