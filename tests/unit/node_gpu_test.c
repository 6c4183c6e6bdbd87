/* SPDX-License-Identifier: Apache-2.0 */
#include "node/gpu.h"

#include "base/alloc.h"
#include "base/log.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static struct gh_gpus *gpus;
static unsigned counted;
static char *library;

/* The stand-in of tests/fake; the build folder is named by the environment, or two up from here. */
static void
set_up(void)
{
    const char *build = getenv("GATEHOUSE_BUILD_DIR");
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    ck_assert_int_gt(len, 0);
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    library = build ? gh_asprintf("%s/tests/libnvidia-ml.so.1", build)
                    : gh_asprintf("%s/../libnvidia-ml.so.1", self);
    gh_log_setup(GH_LOG_ERR, GH_LOG_TEXT);
    counted = 0;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    unsetenv("FAKE_NVML_INIT_UNTIL");
    unsetenv("FAKE_NVML_INIT_CODE");
    setenv("FAKE_NVML_GPUS", "3", 1);
}

static void
tear_down(void)
{
    gh_gpus_stop(&gpus);
    ck_assert_ptr_null(gpus);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    gh_free(&library);
}

static void
count_up(void *context)
{
    ++*(unsigned *)context;
}

static void
start(const char *path, const char *visible)
{
    gpus = gh_gpus_start(&loop, path, visible, count_up, &counted);
}

START_TEST(devices_are_counted_and_sampled)
{
    start(library, NULL);
    gh_gpus_wait(gpus, 60000);
    ck_assert(gh_gpus_are_counted(gpus));
    ck_assert_uint_eq(counted, 1);
    const struct gh_gpu_sample *sample = gh_gpus_sample(gpus);
    ck_assert_uint_eq(sample->gpu_count, 3);
    ck_assert_str_eq(sample->gpus[2].name, "2");
    ck_assert_uint_eq(sample->gpus[0].total_bytes, 16ull << 30);
    ck_assert_uint_eq(sample->gpus[0].used_bytes + sample->gpus[0].free_bytes, 16ull << 30);
}
END_TEST

START_TEST(count_comes_by_the_loop_when_nobody_waits)
{
    unsigned told = 0;
    struct gh_gpus_waiter waiter = {.on_counted = count_up, .context = &told};

    start(library, "GPU-0000abc2,0");
    gh_gpus_when_counted(gpus, &waiter);
    while (counted == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(told, 1);
    ck_assert_uint_eq(gh_gpus_sample(gpus)->gpu_count, 2);
    ck_assert_str_eq(gh_gpus_sample(gpus)->gpus[0].name, "GPU-0000abc2");
    gh_gpus_when_counted(gpus, &waiter);
    ck_assert_uint_eq(told, 2); /* at once */
}
END_TEST

START_TEST(no_library_is_no_gpus)
{
    static const char *const paths[] = {"/nonexistent/lib.so", "libm.so.6"};

    start(paths[_i], NULL);
    gh_gpus_wait(gpus, 60000);
    ck_assert(gh_gpus_are_counted(gpus));
    ck_assert_uint_eq(gh_gpus_sample(gpus)->gpu_count, 0);
}
END_TEST

START_TEST(library_that_fails_is_no_gpus)
{
    setenv("FAKE_NVML_INIT_CODE", "9", 1);
    start(library, NULL);
    gh_gpus_wait(gpus, 60000);
    ck_assert(gh_gpus_are_counted(gpus));
    ck_assert_uint_eq(gh_gpus_sample(gpus)->gpu_count, 0);
}
END_TEST

/* Who waits is told at the end, and the end does not wait. */
START_TEST(library_that_hangs_is_left_behind)
{
    unsigned told = 0;
    struct gh_gpus_waiter waiter = {.on_counted = count_up, .context = &told};

    setenv("FAKE_NVML_INIT_UNTIL", "/nonexistent/never", 1);
    start(library, NULL);
    gh_gpus_wait(gpus, 20);
    ck_assert(!gh_gpus_are_counted(gpus));
    ck_assert_uint_eq(gh_gpus_sample(gpus)->gpu_count, 0);
    gh_gpus_when_counted(gpus, &waiter);
    gh_gpus_stop(&gpus);
    ck_assert_uint_eq(told, 1);
    ck_assert_uint_eq(counted, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, devices_are_counted_and_sampled);
    tcase_add_test(tests, count_comes_by_the_loop_when_nobody_waits);
    tcase_add_loop_test(tests, no_library_is_no_gpus, 0, 2);
    tcase_add_test(tests, library_that_fails_is_no_gpus);
    /* A sanitizer would call what is left behind a leak, which it is. */
    if (!getenv("GATEHOUSE_SANITIZE") || strcmp(getenv("GATEHOUSE_SANITIZE"), "no") == 0)
        tcase_add_test(tests, library_that_hangs_is_left_behind);
}

int
main(void)
{
    return run_tests("node_gpu", add);
}
