/* SPDX-License-Identifier: Apache-2.0
 *
 * suite.h - what the unit tests share: the main of a Check program, and assertions about bytes.
 *
 * Tests run in a process of their own each, but under ASan and valgrind one after another in a single
 * one (CK_FORK=no), so a test puts back what it changes: counters, the environment. */
#ifndef GH_TEST_SUITE_H
#define GH_TEST_SUITE_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* LEN bytes at BYTES are the C string TEXT. */
#define assert_bytes(bytes, len, text)                                                             \
    ck_assert_msg((len) == strlen(text) && ((len) == 0 || memcmp(bytes, text, len) == 0),          \
                  "got '%.*s', not '%s'", (int)(len), (const char *)(bytes), text)

#define assert_slice(slice, text) assert_bytes((slice).bytes, (slice).len, text)
#define assert_contains(text, part)                                                                \
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in '%s'", part, text)

/* How far to go in a loop over all code points: each one; under valgrind, which takes fifty times as
 * long, a prime number of them, so that all residues occur. tools/test sets the multiplier there. */
static inline unsigned
code_point_step(void)
{
    return getenv("CK_TIMEOUT_MULTIPLIER") ? 61 : 1;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Run what ADD adds; the exit status of the program. */
static inline int
run_tests(const char *name, void (*add)(TCase *tests))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, 60);
    add(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Open descriptors of this process. libuv keeps two for good once it was used: use it first. */
static inline unsigned
count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* An empty folder; the caller removes it with remove_folder. Not inline: gcc 12 would take the local
 * variable for what it points to (-Wdangling-pointer). */
__attribute__((noinline, unused)) static char *
make_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;

    ck_assert_int_gt(asprintf(&path, "%s/gatehouse-test.XXXXXX", base && *base ? base : "/tmp"), 0);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

/* Remove PATH and what is in it, and free it. */
static inline void
remove_folder(char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char *inner = NULL;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ck_assert_int_gt(asprintf(&inner, "%s/%s", path, entry->d_name), 0);
        if (entry->d_type == DT_DIR)
            remove_folder(inner);
        else {
            unlink(inner);
            free(inner);
        }
    }
    if (folder)
        closedir(folder);
    rmdir(path);
    free(path);
}

/* Write TEXT into FOLDER/NAME; returns its path, the caller's to free. */
__attribute__((noinline, unused)) static char *
write_file(const char *folder, const char *name, const char *text)
{
    char *path = NULL;

    ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

#endif
