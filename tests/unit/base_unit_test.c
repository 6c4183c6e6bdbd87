/* SPDX-License-Identifier: Apache-2.0
 *
 * Which unit a process is the main one of. */
#include "base/unit.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

#define OURS "A=1\0SYSTEMD_EXEC_PID=42\0B="

static const struct {
    const char *cgroup, *name;
    bool is_user;
} groups[] = {
    {"0::/system.slice/gatehoused.service\n", "gatehoused.service", false},
    {"0::/system.slice/system-gatehoused.slice/gatehoused@alice.service\n",
     "gatehoused@alice.service", false},
    {"0::/system.slice/gatehoused.service/workers/one\n", "gatehoused.service", false},
    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/gatehoused.service\n",
     "gatehoused.service", true},
    {"9:name=systemd:/system.slice/a.service\n4:memory:/b.service\n0::/\n", "a.service", false},
    {"0::/user.slice/user-1000.slice/session-3.scope\n", NULL, false},
    {"0::/\n", NULL, false},
    {"0::/.service\n", NULL, false},
    {"4:memory:/b.service\n", NULL, false},
    {"0::/system.slice/a.service", "a.service", false}, /* its end is missing */
    {"", NULL, false},
};

START_TEST(control_group_names_it)
{
    struct gh_unit unit GH_SCOPED(gh_unit_done);

    gh_unit_parse(42, groups[_i].cgroup, OURS, sizeof OURS, &unit);
    ck_assert_pstr_eq(unit.name, groups[_i].name);
    if (unit.name)
        ck_assert_int_eq(unit.is_user, groups[_i].is_user);
}
END_TEST

static const struct {
    const char *environment;
    size_t len;
} others[] = {
#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof text                                                                          \
    }
    BYTES("A=1"),
    BYTES("SYSTEMD_EXEC_PID=4"),
    BYTES("SYSTEMD_EXEC_PID=421"),
    BYTES("XSYSTEMD_EXEC_PID=42"),
    {"", 0},
};

START_TEST(what_systemd_did_not_execute_has_none)
{
    struct gh_unit unit GH_SCOPED(gh_unit_done);

    gh_unit_parse(42, groups[0].cgroup, others[_i].environment, others[_i].len, &unit);
    ck_assert_ptr_null(unit.name);
}
END_TEST

START_TEST(files_of_a_process_are_read)
{
    struct gh_unit unit GH_SCOPED(gh_unit_done);

    ck_assert(gh_unit_of(getpid(), &unit)); /* make is nobody's main process */
    ck_assert_ptr_null(unit.name);
    ck_assert(!gh_unit_of(-1, &unit));
    ck_assert_ptr_null(unit.name);
}
END_TEST

START_TEST(control_group_alone_is_a_guess)
{
    struct gh_unit unit GH_SCOPED(gh_unit_done);

    gh_unit_parse(42, groups[0].cgroup, NULL, 0, &unit);
    ck_assert_str_eq(unit.name, groups[0].name);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, control_group_names_it, 0, (int)COUNT(groups));
    tcase_add_loop_test(tests, what_systemd_did_not_execute_has_none, 0, (int)COUNT(others));
    tcase_add_test(tests, control_group_alone_is_a_guess);
    tcase_add_test(tests, files_of_a_process_are_read);
}

int
main(void)
{
    return run_tests("base_unit", add);
}
