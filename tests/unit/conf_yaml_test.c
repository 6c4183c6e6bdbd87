/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

static struct gh_yaml_file file;
static struct gh_faults faults;

static int
read_bytes(const char *bytes, size_t len)
{
    return gh_yaml_read(&file, "f.yaml", (const uint8_t *)bytes, len, &faults);
}

static int
read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void
tear_down(void)
{
    gh_yaml_done(&file);
    gh_faults_done(&faults);
}

START_TEST(values_know_where_they_stand)
{
    ck_assert_int_eq(read_text("# comment\na: 1\nb:\n  - x\n  - \"y\"\n\xc3\xa4: {c: null}\n"),
                     GH_OK);

    const struct gh_yaml *list = gh_yaml_get(file.root, "b");
    ck_assert_str_eq(gh_yaml_get(file.root, "a")->text, "1");
    ck_assert_uint_eq(gh_yaml_get(file.root, "a")->line, 2);
    ck_assert_uint_eq(gh_yaml_get(file.root, "a")->column, 4);
    ck_assert_int_eq(list->kind, GH_YAML_LIST);
    ck_assert_uint_eq(list->count, 2);
    ck_assert(list->items[0]->is_plain);
    ck_assert(!list->items[1]->is_plain);
    ck_assert_uint_eq(list->items[1]->line, 5);

    const struct gh_yaml *inner = gh_yaml_get(file.root, "\xc3\xa4");
    ck_assert_uint_eq(inner->column, 4); /* in characters */
    ck_assert(gh_yaml_is_null(gh_yaml_get(inner, "c")));
    ck_assert_ptr_null(gh_yaml_get(inner, "d"));
    ck_assert_ptr_null(gh_yaml_get(list, "b"));
}
END_TEST

START_TEST(json_is_yaml)
{
    ck_assert_int_eq(read_text("{\"a\": [1, true, null, \"\\u00e4\"], \"b\": {}}\n"), GH_OK);

    const struct gh_yaml *list = gh_yaml_get(file.root, "a");
    ck_assert_uint_eq(list->count, 4);
    ck_assert_str_eq(list->items[3]->text, "\xc3\xa4");
    ck_assert_int_eq(gh_yaml_get(file.root, "b")->kind, GH_YAML_MAP);
}
END_TEST

static const char *const nothings[] = {
    "", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf# BOM\n", "--- # and an end\n...\n"};

START_TEST(nothing_is_a_file_too)
{
    ck_assert_int_eq(read_text(nothings[_i]), GH_OK);
    ck_assert(!file.root || gh_yaml_is_null(file.root));
}
END_TEST

START_TEST(an_alias_is_what_it_stands_for)
{
    ck_assert_int_eq(read_text("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n"), GH_OK);
    ck_assert_uint_eq(gh_yaml_get(file.root, "b")->count, 2);
    ck_assert_str_eq(gh_yaml_get(file.root, "d")->text, "3");
}
END_TEST

static const struct {
    const char *text, *fault;
} broken[] = {
    {"a: 1\na: 2\n", "f.yaml:2:1: 'a' is there already, in line 1"},
    {"x:\n  a: 1\n  b: 2\n  a: 3\n", "f.yaml:4:3: 'a' is there already, in line 2"},
    {"a: *b\n", "f.yaml:1:4: *b stands for nothing: there is no &b before it"},
    {"a: &x [1, *x]\n", "f.yaml:1:11: *x is inside of what it stands for"},
    {"a: 1\n--- \nb: 2\n", "f.yaml:2:1: a second document begins here; one is enough"},
    {"a: !!python/object:os.system x\n",
     "f.yaml:1:4: tags such as tag:yaml.org,2002:python/object:os.system have no use here"},
    {"a: !x [1]\n", "f.yaml:1:4: tags such as !x have no use here"},
    {"? [a]\n: b\n", "f.yaml:1:3: a key is a list, but must be a name"},
    {"{a: 1}: b\n", "f.yaml:1:1: a key is a mapping, but must be a name"},
    {"a: \"\\0\"\n", "f.yaml:1:4: text has a NUL in it"},
    {"a:\n\tb: 1\n", "f.yaml:2:1: while scanning for the next token: found character that cannot "
                     "start any token; indent with spaces, not with tabs"},
    {"a: \"x\n", "f.yaml:2:1: while scanning a quoted scalar: found unexpected end of stream"},
    {"a: [1, 2\n", "f.yaml:2:1: while parsing a flow sequence: did not find expected ',' or ']'"},
    {"a: b: c\n", "f.yaml:1:5: mapping values are not allowed in this context"},
    {"a: 1\n b: 2\n", "f.yaml:2:3: mapping values are not allowed in this context"},
    {"a: 1\nb: \xff\n", "f.yaml:2:4: invalid leading UTF-8 octet; the file must be UTF-8 text"},
    {"\xc3\xa4: \xc3(\n", "f.yaml:1:5: invalid trailing UTF-8 octet; the file must be UTF-8 text"},
    {"a: \x01\n", "f.yaml:1:4: control characters are not allowed; the file must be UTF-8 text"},
    {"a: @b\n",
     "f.yaml:1:4: while scanning for the next token: found character that cannot start any token"},
};

START_TEST(what_is_wrong_is_told_with_its_place)
{
    ck_assert_int_eq(read_text(broken[_i].text), GH_E_INPUT);
    ck_assert_uint_eq(faults.texts.count, 1);
    ck_assert_str_eq(faults.texts.list[0], broken[_i].fault);
}
END_TEST

/* Ten aliases of ten aliases of ten ...: a billion values in nine lines. */
START_TEST(aliases_cannot_grow_without_end)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        gh_buf_addf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            gh_buf_addf(&text, "%s*a%d", j ? ", " : "", i - 1);
        gh_buf_add_text(&text, "]\n");
    }
    ck_assert_int_eq(read_text(gh_buf_text(&text)), GH_E_INPUT);
    assert_contains(faults.texts.list[0],
                    "there are more than 10000 values in this file, aliases counted in full");
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[200];

    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    ck_assert_int_eq(read_bytes(text + 1, 64), GH_OK); /* 32 levels */
    tear_down();
    ck_assert_int_eq(read_bytes(text, 66), GH_E_INPUT);
    ck_assert_str_eq(faults.texts.list[0], "f.yaml:1:33: this is more than 32 levels deep");
}
END_TEST

START_TEST(size_is_bounded)
{
    char *text GH_SCOPED(gh_free) = gh_alloc(GH_YAML_MAX_BYTES + 1);

    memset(text, '\n', GH_YAML_MAX_BYTES + 1);
    ck_assert_int_eq(read_bytes(text, GH_YAML_MAX_BYTES), GH_OK);
    tear_down();
    ck_assert_int_eq(read_bytes(text, GH_YAML_MAX_BYTES + 1), GH_E_INPUT);
    ck_assert_str_eq(faults.texts.list[0], "f.yaml:1:1: the file is larger than 1048576 bytes");
}
END_TEST

START_TEST(files_are_read_or_told)
{
    char *folder = make_folder();
    char *path GH_SCOPED(gh_free) = write_file(folder, "a.yaml", "a: 1\n");
    char *missing GH_SCOPED(gh_free) = gh_asprintf("%s/b.yaml", folder);

    ck_assert_int_eq(gh_yaml_load(&file, path, &faults), GH_OK);
    ck_assert_str_eq(gh_yaml_get(file.root, "a")->text, "1");
    tear_down();
    ck_assert_int_eq(gh_yaml_load(&file, missing, &faults), GH_E_NOT_FOUND);
    ck_assert_uint_eq(gh_faults_count(&faults), 0);
    tear_down();
    ck_assert_int_eq(gh_yaml_load(&file, folder, &faults), GH_E_INPUT);
    assert_contains(faults.texts.list[0], "Is a directory");
    remove_folder(folder);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, values_know_where_they_stand);
    tcase_add_test(tests, json_is_yaml);
    tcase_add_loop_test(tests, nothing_is_a_file_too, 0, (int)COUNT(nothings));
    tcase_add_test(tests, an_alias_is_what_it_stands_for);
    tcase_add_loop_test(tests, what_is_wrong_is_told_with_its_place, 0, (int)COUNT(broken));
    tcase_add_test(tests, aliases_cannot_grow_without_end);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, size_is_bounded);
    tcase_add_test(tests, files_are_read_or_told);
}

int
main(void)
{
    return run_tests("conf_yaml", add);
}
