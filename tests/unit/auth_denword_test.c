/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denword.h"

#include "tests/unit/suite.h"

static struct gh_err err;

static int
read_text(struct gh_denask_word *word, enum gh_den_question question, unsigned status,
          const char *text)
{
    *word = (struct gh_denask_word){.level = GH_LEVEL_NONE};
    return gh_denword_read(word, question, status, (struct gh_slice){text, strlen(text)}, &err);
}

static const struct {
    enum gh_den_question question;
    const char *body, *user;
    bool is_valid;
    enum gh_level level;
} yeses[] = {
    {GH_DEN_ASKS_USER, "{\"data\":{\"username\":\"alice\",\"email\":null}}", "alice", false,
     GH_LEVEL_NONE},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":\"write\"}}", "", false, GH_LEVEL_WRITE},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":\"read\"}}", "", false, GH_LEVEL_READ},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":\"denied\"}}", "", false, GH_LEVEL_NONE},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":\"WRITE\"}}", "", false, GH_LEVEL_NONE},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":null}}", "", false, GH_LEVEL_NONE},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{}}", "", false, GH_LEVEL_NONE},
    {GH_DEN_ASKS_VALIDITY, "{\"data\":{}}", "", true, GH_LEVEL_NONE},
    {GH_DEN_ASKS_VALIDITY, "not even JSON", "", true, GH_LEVEL_NONE},
    {GH_DEN_ASKS_VALIDITY, "", "", true, GH_LEVEL_NONE},
};

START_TEST(read_takes_what_den_says)
{
    struct gh_denask_word word;

    ck_assert_int_eq(read_text(&word, yeses[_i].question, 200, yeses[_i].body), GH_OK);
    ck_assert_str_eq(word.user, yeses[_i].user);
    ck_assert_int_eq(word.is_valid, yeses[_i].is_valid);
    ck_assert_int_eq(word.level, yeses[_i].level);
}
END_TEST

static const struct {
    enum gh_den_question question;
    const char *body, *problem;
} senseless[] = {
    {GH_DEN_ASKS_USER, "", "GET /user: the answer has no data.username"},
    {GH_DEN_ASKS_USER, "{\"username\":\"alice\"}", "has no data.username"},
    {GH_DEN_ASKS_USER, "{\"data\":[\"alice\"]}", "has no data.username"},
    {GH_DEN_ASKS_USER, "{\"data\":{\"username\":7}}", "has no data.username"},
    {GH_DEN_ASKS_USER, "{\"data\":{\"username\":\"\"}}", "is no name"},
    {GH_DEN_ASKS_USER, "{\"data\":{\"username\":\"al ice\"}}", "is no name"},
    {GH_DEN_ASKS_USER, "{\"data\":{\"username\":\"alice\\u0000admin\"}}", "has no data.username"},
    {GH_DEN_ASKS_LEVEL, "<html>", "GET /resource: the answer has no data.access_level"},
    {GH_DEN_ASKS_LEVEL, "{\"data\":\"write\"}", "has no data.access_level"},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":2}}", "has no data.access_level"},
    {GH_DEN_ASKS_LEVEL, "{\"data\":{\"access_level\":[\"write\"]}}", "has no data.access_level"},
};

START_TEST(read_of_nonsense_gives_no_right)
{
    struct gh_denask_word word;

    ck_assert_int_eq(read_text(&word, senseless[_i].question, 200, senseless[_i].body), GH_E_INPUT);
    assert_contains(err.text, senseless[_i].problem);
    ck_assert_str_eq(word.user, "");
    ck_assert(!word.is_valid);
    ck_assert_int_eq(word.level, GH_LEVEL_NONE);
}
END_TEST

START_TEST(read_tells_a_no_from_a_failure)
{
    static const unsigned noes[] = {400, 401, 403, 404, 422},
                          failures[] = {0, 204, 302, 402, 429, 500, 503};
    struct gh_denask_word word;

    for (int question = 0; question < GH_DEN_QUESTIONS; question++) {
        for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++)
            ck_assert_int_eq(read_text(&word, question, noes[i], "{\"data\":{}}"), GH_OK);
        for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
            ck_assert_int_eq(read_text(&word, question, failures[i], "{\"data\":{}}"), GH_E_INPUT);
        ck_assert(!word.is_valid);
    }
    assert_contains(err.text, "GET /auth/token/cluster: status 503");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, read_takes_what_den_says, 0, sizeof yeses / sizeof yeses[0]);
    tcase_add_loop_test(tests, read_of_nonsense_gives_no_right, 0,
                        sizeof senseless / sizeof senseless[0]);
    tcase_add_test(tests, read_tells_a_no_from_a_failure);
}

int
main(void)
{
    return run_tests("auth_denword", add);
}
