/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ledger.h"

#include "base/alloc.h"
#include "node/capacity.h"
#include "tests/unit/suite.h"

static struct gh_ledger *ledger;

static void
new_ledger(const char *extra)
{
    struct gh_capacity capacity = {4, 1000000};
    struct gh_err err = {0};

    ck_assert_msg(gh_ledger_new(&capacity, "10.0.0.1", extra, &ledger, &err) == GH_OK, "%s",
                  err.text);
}

static void
set_up(void)
{
    static const char *const names[] = {"0", "1"};

    new_ledger("licence=2");
    gh_ledger_set_gpus(ledger, names, 2);
}

static void
tear_down(void)
{
    gh_ledger_free(&ledger);
    ck_assert_ptr_null(ledger);
}

static enum gh_ledger_verdict
hold(const char *process, const char *compute, struct gh_buf *why)
{
    struct gh_buf unused GH_SCOPED(gh_buf_done) = {0};
    json_t *tree = json_loads(compute, 0, NULL);

    ck_assert_ptr_nonnull(tree);
    enum gh_ledger_verdict verdict = gh_ledger_hold(ledger, process, tree, why ? why : &unused);
    json_decref(tree);
    return verdict;
}

static void
assert_free(const char *text)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_ledger_add_free(ledger, &out);
    ck_assert_str_eq(gh_buf_text(&out), text);
}

static void
assert_gpus(const char *process, const char *text)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    unsigned count = gh_ledger_add_gpus_of(ledger, process, &out);

    ck_assert_str_eq(gh_buf_text(&out), text);
    ck_assert_uint_eq(count == 0, *text == '\0');
}

#define ALL_FREE                                                                                   \
    "{'node:10.0.0.1': 1.0, 'memory': 1000000.0, 'CPU': 4.0, 'GPU': 2.0, "                         \
    "'node:__internal_head__': 1.0, 'licence': 2.0}"

START_TEST(all_is_free_at_first_and_after_release)
{
    assert_free(ALL_FREE);
    ck_assert_int_eq(
        hold("a", "{\"CPU\": 4, \"GPU\": 2, \"memory\": 999999, \"licence\": 0.5}", NULL),
        GH_LEDGER_HELD);
    assert_free("{'node:10.0.0.1': 1.0, 'memory': 1.0, 'node:__internal_head__': 1.0, "
                "'licence': 1.5}");
    gh_ledger_release(ledger, "b"); /* holds nothing */
    gh_ledger_release(ledger, "a");
    gh_ledger_release(ledger, "a");
    assert_free(ALL_FREE);
}
END_TEST

START_TEST(refused_request_holds_nothing_of_what_fits)
{
    struct gh_buf why GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(hold("a", "{\"CPU\": 1, \"GPU\": 1, \"licence\": 3}", &why),
                     GH_LEDGER_NOT_FREE);
    ck_assert_str_eq(gh_buf_text(&why), "Requested resource licence=3 is not available on the "
                                        "cluster. Available resources: " ALL_FREE);
    assert_gpus("a", "");
    assert_free(ALL_FREE);
}
END_TEST

START_TEST(nothing_holds_nothing)
{
    struct gh_buf why GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_ledger_hold(ledger, "a", NULL, &why), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("a", "{}", &why), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("a", "{\"node_idx\": 0, \"CPU\": 0, \"none\": 0.0}", &why),
                     GH_LEDGER_HELD);
    assert_free(ALL_FREE);
}
END_TEST

/* 0.1 + 0.2 is 0.3 here, and ten times 0.1 is 1. */
START_TEST(fractions_are_exact)
{
    for (int round = 0; round < 40; round++) {
        char name[12];
        snprintf(name, sizeof name, "p%d", round);
        ck_assert_int_eq(hold(name, "{\"CPU\": 0.1}", NULL), GH_LEDGER_HELD);
    }
    ck_assert_int_eq(hold("more", "{\"CPU\": 0.0001}", NULL), GH_LEDGER_NOT_FREE);
    gh_ledger_release(ledger, "p7");
    ck_assert_int_eq(hold("more", "{\"CPU\": 0.0999}", NULL), GH_LEDGER_HELD);
    assert_free("{'node:10.0.0.1': 1.0, 'memory': 1000000.0, 'CPU': 0.0001, 'GPU': 2.0, "
                "'node:__internal_head__': 1.0, 'licence': 2.0}");
}
END_TEST

START_TEST(whole_gpus_are_devices_of_ones_own)
{
    ck_assert_int_eq(hold("half", "{\"GPU\": 0.5}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("one", "{\"GPU\": 1}", NULL), GH_LEDGER_HELD);
    assert_gpus("half", "0");
    assert_gpus("one", "1");
    ck_assert_int_eq(hold("two", "{\"GPU\": 1}", NULL), GH_LEDGER_NOT_FREE);
    gh_ledger_release(ledger, "half");
    ck_assert_int_eq(hold("two", "{\"GPU\": true}", NULL), GH_LEDGER_HELD);
    assert_gpus("two", "0");
}
END_TEST

START_TEST(fractions_fill_a_device_before_they_open_another)
{
    ck_assert_int_eq(hold("a", "{\"GPU\": 0.25}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("b", "{\"GPU\": 0.5}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("c", "{\"GPU\": 0.5}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("d", "{\"GPU\": 0.25}", NULL), GH_LEDGER_HELD);
    assert_gpus("b", "0");
    assert_gpus("c", "1");
    assert_gpus("d", "0");
}
END_TEST

START_TEST(gpus_on_no_single_device_are_refused_with_the_reason)
{
    struct gh_buf why GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf more GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(hold("a", "{\"GPU\": 0.75}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("b", "{\"GPU\": 0.5}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("c", "{\"GPU\": 0.6}", &why), GH_LEDGER_NOT_FREE);
    assert_contains(gh_buf_text(&why), "'GPU': 0.75");
    assert_contains(gh_buf_text(&why), "No single GPU has that much left.");
    gh_ledger_release(ledger, "a");
    gh_ledger_release(ledger, "b");
    ck_assert_int_eq(hold("a", "{\"GPU\": 0.1}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("b", "{\"GPU\": 1}", NULL), GH_LEDGER_HELD);
    gh_ledger_release(ledger, "a");
    ck_assert_int_eq(hold("a", "{\"GPU\": 0.5}", NULL), GH_LEDGER_HELD);
    ck_assert_int_eq(hold("c", "{\"GPU\": 2}", &more), GH_LEDGER_NOT_FREE);
}
END_TEST

static const struct {
    const char *compute;
    enum gh_ledger_verdict verdict;
    const char *text;
} bad[] = {
    {"{\"CPU\": -1}", GH_LEDGER_BAD_VALUE, "The quantity of resource num_cpus cannot be negative"},
    {"{\"GPU\": -1}", GH_LEDGER_BAD_VALUE, "The quantity of resource num_gpus cannot be negative"},
    {"{\"none\": -1}", GH_LEDGER_BAD_VALUE, "The quantity of resource none cannot be negative"},
    {"{\"GPU\": 1.5}", GH_LEDGER_BAD_VALUE, "quantity 1.5 is invalid."},
    {"{\"CPU\": 0.00001}", GH_LEDGER_BAD_VALUE, "num_cpus cannot go beyond 0.0001"},
    {"{\"CPU\": \"x\"}", GH_LEDGER_BAD_TYPE, "Requested resource CPU=x is no number."},
    {"{\"CPU\": null}", GH_LEDGER_BAD_TYPE, "CPU=None"},
    {"{\"CPU\": {\"a\": 1}}", GH_LEDGER_BAD_TYPE, "CPU={\"a\": 1}"},
    {"{\"none\": \"x\"}", GH_LEDGER_NOT_FREE, "Requested resource none=x is not available"},
    {"{\"none\": true}", GH_LEDGER_NOT_FREE, "none=True"},
    {"{\"CPU\": 1e300}", GH_LEDGER_NOT_FREE, "Requested resource CPU=1e300 is not available"},
    {"{\"CPU\": 4.5}", GH_LEDGER_NOT_FREE, "Requested resource CPU=4.5 is not available"},
    {"{\"memory\": 9223372036854775807}", GH_LEDGER_NOT_FREE, "memory=9223372036854775807 is not"},
};

START_TEST(bad_requests_are_told_apart)
{
    struct gh_buf why GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(hold("a", bad[_i].compute, &why), bad[_i].verdict);
    assert_contains(gh_buf_text(&why), bad[_i].text);
    assert_free(ALL_FREE);
}
END_TEST

/* A library that answers late, or says otherwise than before. */
START_TEST(what_is_held_stays_held_when_gpus_change)
{
    static const char *const names[] = {"7", "8", "9"};
    struct gh_buf all GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(hold("a", "{\"GPU\": 1}", NULL), GH_LEDGER_HELD);
    gh_ledger_set_gpus(ledger, names, 3);
    assert_gpus("a", "7");
    ck_assert_int_eq(hold("b", "{\"GPU\": 2}", NULL), GH_LEDGER_HELD);
    assert_gpus("b", "8,9");
    gh_ledger_add_all_gpus(ledger, &all);
    ck_assert_str_eq(gh_buf_text(&all), "7,8,9");
    gh_ledger_set_gpus(ledger, names, 0);
    gh_ledger_release(ledger, "a");
    gh_ledger_release(ledger, "b");
    ck_assert_int_eq(hold("c", "{\"GPU\": 1}", NULL), GH_LEDGER_NOT_FREE);
}
END_TEST

START_TEST(setting_is_read_or_refused)
{
    static const char *const wrong[] = {"CPU",     "CPU=",    "=1",    "CPU=1x", "CPU=-1",
                                        "CPU=inf", "CPU=nan", "GPU=2", "a=1,b"};
    struct gh_capacity capacity = {1.5, 10};
    struct gh_ledger *other = NULL;
    struct gh_err err;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        ck_assert_int_eq(gh_ledger_new(&capacity, "ip", wrong[i], &other, &err), GH_E_INPUT);
        ck_assert_ptr_null(other);
        assert_contains(err.text, "NAME=NUMBER");
    }
    gh_ledger_free(&ledger);
    new_ledger("CPU=16,fpga=0.5,,memory=64");
    assert_free("{'node:10.0.0.1': 1.0, 'memory': 64.0, 'CPU': 16.0, "
                "'node:__internal_head__': 1.0, 'fpga': 0.5}");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_is_free_at_first_and_after_release);
    tcase_add_test(tests, refused_request_holds_nothing_of_what_fits);
    tcase_add_test(tests, nothing_holds_nothing);
    tcase_add_test(tests, fractions_are_exact);
    tcase_add_test(tests, whole_gpus_are_devices_of_ones_own);
    tcase_add_test(tests, fractions_fill_a_device_before_they_open_another);
    tcase_add_test(tests, gpus_on_no_single_device_are_refused_with_the_reason);
    tcase_add_loop_test(tests, bad_requests_are_told_apart, 0, (int)COUNT(bad));
    tcase_add_test(tests, what_is_held_stays_held_when_gpus_change);
    tcase_add_test(tests, setting_is_read_or_refused);
}

int
main(void)
{
    return run_tests("node_ledger", add);
}
