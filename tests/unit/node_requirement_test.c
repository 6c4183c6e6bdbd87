/* SPDX-License-Identifier: Apache-2.0 */
#include "node/requirement.h"

#include "suite.h"

static const struct {
    const char *specifiers, *version;
    bool holds;
} cases[] = {
    {"", "1.0", true},
    {" ", "anything", true},
    {"==1.0", "1.0", true},
    {"==1.0", "1.0.0", true},
    {"==1.0", "1.0.1", false},
    {"==2.1.0+cu121", "2.1.0+cu121", true},
    {"==2.1.0", "2.1.0+cu121", false}, /* the tool says yes; asking it does no harm */
    {"==1.*", "1.9.3", true},
    {"==1.*", "10.0", false},
    {"!=1.5", "1.5.0", false},
    {"!=1.5", "1.6", true},
    {"!=1.5.*", "1.5.2", false},
    {">=1.20", "1.3", false},
    {">=1.20", "1.20", true},
    {">=1.20,<2", "1.26.4", true},
    {">=1.20,<2", "2.0", false},
    {" >= 1.20 , < 2 ", "1.26.4", true},
    {"<2", "1.9999", true},
    {"<=2.0", "2", true},
    {">2", "2.0.0", false},
    {"~=1.4.2", "1.4.9", true},
    {"~=1.4.2", "1.5", false},
    {"~=1.4.2", "1.4.1", false},
    {"~=1.4", "1.9", true},
    {"~=1", "1.0", false},
    {">=1.*", "1.0", false},
    {"===1.0", "1.0", false},
    {">=1.0rc1", "1.0", false},
    {">=1.0", "2.0rc1", false},
    {">=1!1.0", "2.0", false},
    {"==1.0 ; python_version > '3'", "1.0", false},
    {"[extra]", "1.0", false},
    {"==", "1.0", false},
    {">=1,", "1.0", false},
    {">=1.", "1.0", false},
    {">=99999999999999999999", "1.0", false},
    {">=1.2.3.4.5.6.7.8.9", "2.0", false},
    {">=0000000000000000000000000000000000000000000000000000000000000000000000000001", "2.0",
     false},
};

START_TEST(specifiers_are_judged)
{
    ck_assert_msg(gh_requirement_holds(cases[_i].specifiers, cases[_i].version) == cases[_i].holds,
                  "%s for '%s' %s", cases[_i].version, cases[_i].specifiers,
                  cases[_i].holds ? "was refused" : "was taken");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, specifiers_are_judged, 0, (int)COUNT(cases));
}

int
main(void)
{
    return run_tests("node_requirement", add);
}
