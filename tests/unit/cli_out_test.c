/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include "base/alloc.h"
#include "suite.h"

START_TEST(bytes_are_shown_in_the_unit_that_fits)
{
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},
                 {104857600, "100 MiB"},
                 {25769803776.0, "24.0 GiB"},
                 {1e30, "888178420 PiB"}};
    char text[GH_QUANTITY_MAX_BYTES];

    for (size_t i = 0; i < COUNT(cases); i++) {
        gh_out_bytes(text, sizeof text, cases[i].bytes);
        if (cases[i].bytes < 1e29)
            ck_assert_str_eq(text, cases[i].text);
        else
            assert_contains(text, " PiB"); /* absurd, but it ends */
    }
}
END_TEST

START_TEST(ages_are_shown_in_the_unit_that_fits)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{-1, "0.0 s"},  {0.04, "0.0 s"}, {9.9, "9.9 s"}, {119, "119 s"},
                 {120, "2 min"}, {7200, "2 h"},   {172800, "2 d"}};
    char text[GH_QUANTITY_MAX_BYTES];

    for (size_t i = 0; i < COUNT(cases); i++) {
        gh_out_age(text, sizeof text, cases[i].seconds);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

/* What TABLE prints; standard output goes to a file meanwhile. */
static char *
printed(const struct gh_table *table)
{
    FILE *file = tmpfile();
    int kept = dup(STDOUT_FILENO);
    char text[1000] = "";

    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    gh_table_print(table);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return gh_strndup(text, len);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
    static const char *const heads[] = {"NAME", "N"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 2);

    gh_table_add(table, GH_STYLE_PLAIN, "h\xc3\xa4user"); /* six characters, seven bytes */
    gh_table_addf(table, GH_STYLE_GOOD, "%d", 5);
    gh_table_add(table, GH_STYLE_PLAIN, NULL);
    gh_table_add(table, GH_STYLE_PLAIN, "10");
    char *text GH_SCOPED(gh_free) = printed(table);
    ck_assert_str_eq(text, "NAME    N\nh\xc3\xa4user  5\n-       10\n");
}
END_TEST

START_TEST(control_characters_are_not_shown)
{
    static const char *const heads[] = {"X"};
    struct gh_table *table GH_SCOPED(gh_table_free) = gh_table_new(heads, 1);

    gh_table_add(table, GH_STYLE_PLAIN,
                 "a\033[1m\n\x7f"
                 "b\xc2\x9b"
                 "c\xc2\xa0");
    gh_table_add(table, GH_STYLE_PLAIN, "\xc2"); /* cut off */
    char *text GH_SCOPED(gh_free) = printed(table);
    ck_assert_str_eq(text, "X\na?[1m??b??c\xc2\xa0\n\xc2\n");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, bytes_are_shown_in_the_unit_that_fits);
    tcase_add_test(tests, ages_are_shown_in_the_unit_that_fits);
    tcase_add_test(tests, columns_are_as_wide_as_their_widest_cell);
    tcase_add_test(tests, control_characters_are_not_shown);
}

int
main(void)
{
    return run_tests("cli_out", add);
}
