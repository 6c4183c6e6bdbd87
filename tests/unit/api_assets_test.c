/* SPDX-License-Identifier: Apache-2.0 */
#include "api/assets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/fake_sink.h"
#include "tests/unit/suite.h"

#define TEXT "body { margin: 0 }"

static char folder[] = "/tmp/gatehouse-assets.XXXXXX";
static struct gh_api api = {.asset_dir = folder};

static void
path_of(const char *name, char path[200])
{
    snprintf(path, 200, "%s/%s", folder, name);
}

static void
setup(void)
{
    char path[200];

    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path_of("page.css", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, TEXT, sizeof TEXT - 1), sizeof TEXT - 1);
    close(fd);
    path_of("secret", path);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of("redoc.js", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    path_of("swagger.js", path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void
teardown(void)
{
    static const char *const names[] = {"page.css", "secret", "swagger.js"};
    char path[200];

    for (size_t i = 0; i < COUNT(names); i++) {
        path_of(names[i], path);
        unlink(path);
    }
    path_of("redoc.js", path);
    rmdir(path);
    rmdir(folder);
}

static void
ask(struct fake_request *fake, const char *name, const char *known)
{
    ck_assert_int_eq(fake_request_init(fake, GH_GET, "/x", 2, NULL, 0), 0);
    fake->header_name = known ? "If-None-Match" : NULL;
    fake->header_value = known;
    gh_asset_reply(&api, &fake->request, (struct gh_slice){name, strlen(name)});
    ck_assert_uint_eq(fake->answers, 1);
    ck_assert_ptr_null(fake->request.headers);
}

START_TEST(file_of_the_table_is_sent)
{
    struct fake_request fake;

    ask(&fake, "page.css", NULL);
    ck_assert_uint_eq(fake.status, 200);
    ck_assert_str_eq(fake.content_type, "text/css; charset=utf-8");
    ck_assert_str_eq(gh_buf_text(&fake.answer), TEXT);
    ck_assert_str_eq(fake.seen_headers, "Cache-Control ETag X-Content-Type-Options ");
    fake_request_done(&fake);
}
END_TEST

START_TEST(same_file_is_not_sent_again)
{
    static const char *const forms[] = {"%s", "W/%s", "\"other\", %s", "%s, \"other\""};
    struct fake_request fake;
    char etag[64], known[100];

    ask(&fake, "page.css", NULL);
    strcpy(etag, fake.etag);
    fake_request_done(&fake);
    for (size_t i = 0; i < COUNT(forms); i++) {
        const char *mark = strstr(forms[i], "%s");
        snprintf(known, sizeof known, "%.*s%s%s", (int)(mark - forms[i]), forms[i], etag, mark + 2);
        ask(&fake, "page.css", known);
        ck_assert_msg(fake.status == 304, "%s: %u", known, fake.status);
        ck_assert_uint_eq(fake.answer.len, 0);
        fake_request_done(&fake);
    }
    ask(&fake, "page.css", "*");
    ck_assert_uint_eq(fake.status, 304);
    fake_request_done(&fake);
    ask(&fake, "page.css", "\"other\"");
    ck_assert_uint_eq(fake.status, 200);
    fake_request_done(&fake);
}
END_TEST

/* Files beside those of the table, paths, what is no regular file, what this build lacks. */
static const char *const missing[] = {"secret",   "",          "../page.css",         "page.css/",
                                      "Page.css", "page.cs",   "redoc.standalone.js", ".",
                                      "redoc.js", "swagger.js"};

START_TEST(nothing_else_is_sent)
{
    struct fake_request fake;

    ask(&fake, missing[_i], NULL);
    ck_assert_uint_eq(fake.status, 404);
    fake_request_done(&fake);
}
END_TEST

START_TEST(presence_is_told)
{
    ck_assert(gh_asset_is_there(&api, "page.css"));
    ck_assert(!gh_asset_is_there(&api, "redoc.standalone.js"));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, file_of_the_table_is_sent);
    tcase_add_test(tests, same_file_is_not_sent_again);
    tcase_add_loop_test(tests, nothing_else_is_sent, 0, (int)COUNT(missing));
    tcase_add_test(tests, presence_is_told);
}

int
main(void)
{
    return run_tests("api_assets", add);
}
