/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl: missing, there again, and what it leaves of a token in memory. */
#include <dlfcn.h>
#include <fcntl.h>

#include "tests/unit/net_rig.h"

static bool is_missing;

/* In the place of the C library's. */
void *
dlopen(const char *name, int flags)
{
    void *(*next)(const char *, int);

    *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    return next(is_missing ? "/nowhere/libcurl.so.4" : name, flags);
}

START_TEST(library_that_is_missing_is_told_and_looked_for_again)
{
    struct gh_net_order order = order_of("/hello");

    is_missing = true;
    for (unsigned i = 0; i < 3; i++)
        ask(&seen[i], &order);
    run_until(3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(seen[i].status, 0);
        assert_contains(seen[i].problem, "not installed (/nowhere/libcurl.so.4");
        assert_contains(seen[i].problem, "libcurl3-gnutls");
    }

    is_missing = false;
    ask(&seen[3], &order);
    run_until(4);
    ck_assert_uint_eq(seen[3].status, 200);
}
END_TEST

/* How often the LEN bytes of INVERTED, each inverted again, stand at FROM up to TO in this process. */
static unsigned
count_between(int memory, unsigned long from, unsigned long to, const char *inverted, size_t len)
{
    static char chunk[1 << 16];
    unsigned count = 0;
    ssize_t got;

    for (; from < to && (got = pread(memory, chunk, sizeof chunk, (off_t)from)) >= (ssize_t)len;
         from += (size_t)got - len + 1) {
        for (char *at = chunk; at + len <= chunk + got; at++) {
            size_t same = 0;
            while (same < len && at[same] == (char)~inverted[same])
                same++;
            count += same == len;
        }
        explicit_bzero(chunk, sizeof chunk);
    }
    return count;
}

static unsigned
count_in_memory(const char *inverted, size_t len)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    char line[512];
    unsigned long from, to;
    unsigned count = 0;

    ck_assert(maps && memory >= 0);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && strstr(line, " rw") && !strchr(line, '/') &&
            to - from < 64u << 20) /* what is larger is a sanitizer's */
            count += count_between(memory, from, to, inverted, len);
    }
    fclose(maps);
    close(memory);
    return count;
}

START_TEST(token_is_nowhere_in_memory_afterwards)
{
    struct gh_net_order order = order_of("/hello");
    char token[] = "gh-wiped-00000000-abcdefghijklmnop", inverted[sizeof token];
    size_t len = strlen(token);

    for (size_t i = 0; i < len; i++) {
        token[i] = token[i] == '0' ? (char)('a' + i) : token[i];
        inverted[i] = (char)~token[i];
    }
    order.bearer = token;
    ask(&seen[0], &order);
    ck_assert_uint_ge(count_in_memory(inverted, len), 1); /* it does find */
    explicit_bzero(token, sizeof token);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 200);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(count_in_memory(inverted, len), 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, library_that_is_missing_is_told_and_looked_for_again);
    tcase_add_test(tests, token_is_nowhere_in_memory_afterwards);
}

int
main(void)
{
    return run_tests("net_library", add);
}
