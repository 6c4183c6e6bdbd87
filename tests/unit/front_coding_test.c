/* SPDX-License-Identifier: Apache-2.0 */
#include "front/coding.h"

#include "tests/unit/suite.h"

static const struct {
    const char *accepted;
    enum gh_coding coding;
} cases[] = {
    {NULL, GH_CODING_IDENTITY},
    {"", GH_CODING_IDENTITY},
    {"gzip", GH_CODING_GZIP},
    {"GZIP", GH_CODING_GZIP},
    {"x-gzip", GH_CODING_GZIP},
    {"deflate", GH_CODING_DEFLATE},
    {"zstd", GH_CODING_ZSTD},
    {"gzip, deflate", GH_CODING_GZIP},
    {"deflate, gzip", GH_CODING_GZIP},
    {"gzip, deflate, br, zstd", GH_CODING_ZSTD},
    {"br", GH_CODING_IDENTITY},
    {"*", GH_CODING_ZSTD},
    {"*;q=0", GH_CODING_IDENTITY},
    {"gzip;q=0", GH_CODING_IDENTITY},
    {"gzip;q=0.000", GH_CODING_IDENTITY},
    {"gzip;q=0, *", GH_CODING_ZSTD},
    {"zstd;q=0, *", GH_CODING_GZIP},
    {"gzip;q=0.5, deflate;q=0.8", GH_CODING_DEFLATE},
    {"gzip;q=0.501, deflate;q=0.5", GH_CODING_GZIP},
    {"gzip ; q=1.000 , deflate ;q=0.9", GH_CODING_GZIP},
    {"gzip;Q=0.3,\tzstd;q=0.2", GH_CODING_GZIP},
    {"identity;q=1, gzip;q=0.5", GH_CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=1", GH_CODING_GZIP},
    {"identity, gzip", GH_CODING_GZIP},
    {"identity;q=0",
     GH_CODING_IDENTITY}, /* nothing else is taken either: RFC 9110 section 12.5.3 */
    {",, gzip ,,", GH_CODING_GZIP},
    {"gzip;q=2", GH_CODING_IDENTITY},
    {"gzip;q=1.001", GH_CODING_IDENTITY},
    {"gzip;q=", GH_CODING_IDENTITY},
    {"gzip;q=.5", GH_CODING_IDENTITY},
    {"gzip;q=0.5555", GH_CODING_IDENTITY},
    {"gzip;level=1", GH_CODING_IDENTITY},
    {"gzip deflate", GH_CODING_IDENTITY},
    {"gzippo, deflat", GH_CODING_IDENTITY},
};

START_TEST(the_best_that_the_client_takes)
{
    ck_assert_str_eq(gh_coding_name(gh_coding_choose(cases[_i].accepted)),
                     gh_coding_name(cases[_i].coding));
}
END_TEST

START_TEST(text_is_worth_it)
{
    static const char *const yes[] = {"application/json", "application/json; charset=utf-8",
                                      "text/html",        "text/css;charset=utf-8",
                                      "Text/JavaScript",  "image/svg+xml"};
    static const char *const no[] = {NULL,
                                     "",
                                     "application/octet-stream",
                                     "image/png",
                                     "text",
                                     "text/",
                                     "text/event-stream",
                                     "application/jsonp",
                                     "application/jso"};

    for (size_t i = 0; i < COUNT(yes); i++)
        ck_assert_msg(gh_coding_is_for(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < COUNT(no); i++)
        ck_assert_msg(!gh_coding_is_for(no[i]), "%s", no[i] ? no[i] : "NULL");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, the_best_that_the_client_takes, 0, COUNT(cases));
    tcase_add_test(tests, text_is_worth_it);
}

int
main(void)
{
    return run_tests("front/coding", add);
}
