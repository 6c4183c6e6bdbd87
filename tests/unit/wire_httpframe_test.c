/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/httpframe.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"
#include "wire/httptoken.h"
#include "wire/le.h"

#define SLICE(text) ((struct gh_slice){text, sizeof text - 1})

static const struct gh_http_request example = {
    .has_body = true,
    .key = {"app", 3},
    .id = "id-1",
    .scheme = "http",
    .version = "1.1",
    .method = "POST",
    .path = {"/app/a%20b", 10},
    .query = {"x=1", 3},
    .client = {"192.0.2.7", "4711"},
    .server = {"192.0.2.1", "80"},
    .connection = "keep-alive, X-Mine",
};

START_TEST(request_is_laid_out_as_documented)
{
    static const char wanted[] = "\1\0\1\0"
                                 "app\0id-1\0http\0"
                                 "1.1\0POST\0/app/a%20b\0x=1\0"
                                 "192.0.2.7\0"
                                 "4711\0"
                                 "192.0.2.1\0"
                                 "80\0"
                                 "accept\0*/*";
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_http_request_encode(&out, &example);
    gh_http_request_add(&out, &example, SLICE("Accept"), SLICE("*/*"));
    ck_assert_uint_eq(out.len, sizeof wanted);
    ck_assert_mem_eq(out.bytes, wanted, sizeof wanted);
}
END_TEST

START_TEST(hop_by_hop_headers_stay_here)
{
    static const char *const dropped[] = {
        "Connection", "keep-alive",       "TE",    "Trailer", "Transfer-Encoding",
        "upgrade",    "Proxy-Connection", "x-mine"};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_http_request_encode(&out, &example);
    size_t len = out.len;
    for (size_t i = 0; i < COUNT(dropped); i++)
        gh_http_request_add(&out, &example, (struct gh_slice){dropped[i], strlen(dropped[i])},
                            SLICE("x"));
    ck_assert_uint_eq(out.len, len);
    gh_http_request_add(&out, &example, SLICE("X-Mine-Too"), SLICE(""));
    ck_assert_uint_eq(gh_load_u16(out.bytes + 2), 1);
}
END_TEST

/* ---- answers ---- */

struct start_case {
    const char *bytes;
    size_t len;
    const char *problem; /* NULL: it is sound */
};

#define START(text, problem)                                                                       \
    {                                                                                              \
        text, sizeof text - 1, problem                                                             \
    }

/* 200 is "\xc8\0". */
static const struct start_case starts[] = {
    START("\xc8\0\0\0", NULL),
    START("\xc8\0\1\0name\0value\0", NULL),
    START("\xc8\0\1\0name\0\0", NULL),
    START("\xc8\0\1\0content-length\0"
          "5\0",
          NULL),
    START("\xc8\0\1\0content-length\0"
          "9223372036854775807\0",
          NULL),
    START("\xc8", "cut short"),
    START("\xc8\0\0", "cut short"),
    START("\xc7\0\0\0", "status"),
    START("\x58\2\0\0", "status"),
    START("\xc8\0\1\0", "fewer"),
    START("\xc8\0\1\0name\0", "fewer"),
    START("\xc8\0\1\0name\0value", "fewer"),
    START("\xc8\0\0\0name\0value\0", "more"),
    START("\xc8\0\1\0a b\0x\0", "token"),
    START("\xc8\0\1\0\0x\0", "token"),
    START("\xc8\0\1\0a:\0x\0", "token"),
    START("\xc8\0\1\0a\0x\r\0", "line break"),
    START("\xc8\0\1\0a\0x\ny: z\0", "line break"),
    START("\xc8\0\1\0Content-Length\0-1\0", "Content-Length"),
    START("\xc8\0\1\0Content-Length\0\0", "Content-Length"),
    START("\xc8\0\1\0Content-Length\0"
          "9223372036854775808\0",
          "Content-Length"),
    START("\xc8\0\1\0Content-Length\0"
          "99999999999999999999\0",
          "Content-Length"),
    START("\xc8\0\2\0content-length\0"
          "5\0Content-Length\0"
          "5\0",
          "Content-Length"),
};

START_TEST(start_is_taken_or_refused_with_the_reason)
{
    const struct start_case *one = &starts[_i];
    uint8_t *exact GH_SCOPED(gh_free) = gh_alloc(one->len);
    struct gh_http_start start;
    const char *problem = NULL;

    memcpy(exact, one->bytes, one->len); /* so that a sanitizer sees a read past its end */
    int rc = gh_http_start_decode(exact, one->len, &start, &problem);
    if (one->problem) {
        ck_assert_int_eq(rc, -1);
        assert_contains(problem, one->problem);
    } else {
        ck_assert_int_eq(rc, 0);
        ck_assert_uint_eq(start.status, 200);
    }
}
END_TEST

START_TEST(headers_come_in_order_without_what_is_ours)
{
    static const char body[] = "\xc8\0\5\0Set-Cookie\0a=1\0connection\0close\0Content-Length\0"
                               "12\0set-cookie\0b=2\0Transfer-Encoding\0chunked";
    struct gh_http_start start;
    const char *name, *value, *problem;

    ck_assert_int_eq(gh_http_start_decode((const uint8_t *)body, sizeof body, &start, &problem), 0);
    ck_assert(start.has_length);
    ck_assert_uint_eq(start.content_length, 12);
    struct gh_slice rest = start.headers;
    ck_assert(gh_http_next_header(&rest, &name, &value));
    ck_assert_str_eq(name, "Set-Cookie");
    ck_assert_str_eq(value, "a=1");
    ck_assert(gh_http_next_header(&rest, &name, &value));
    ck_assert_str_eq(name, "set-cookie");
    ck_assert_str_eq(value, "b=2");
    ck_assert(!gh_http_next_header(&rest, &name, &value));
}
END_TEST

START_TEST(a_token_has_its_bytes_and_no_others)
{
    static const char *const good[] = {"a", "Z9", "!#$%&'*+-.^_`|~"};
    static const char *const bad[] = {"", " ", "a b", "a:", "(", "\x7f", "\xc3\xa9", "\""};

    for (size_t i = 0; i < COUNT(good); i++)
        ck_assert(gh_http_is_token(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert(!gh_http_is_token(bad[i], strlen(bad[i])));
    ck_assert(!gh_http_is_token("a\0b", 3));
}
END_TEST

START_TEST(lists_name_their_words_only)
{
    ck_assert(gh_http_lists("keep-alive, Upgrade", "upgrade", 7));
    ck_assert(gh_http_lists("websocket", "WebSocket", 9));
    ck_assert(!gh_http_lists("websockets", "websocket", 9));
    ck_assert(!gh_http_lists(" , ,", "", 0));
    ck_assert(!gh_http_lists("", "x", 1));
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_test(tests, request_is_laid_out_as_documented);
    tcase_add_test(tests, hop_by_hop_headers_stay_here);
    tcase_add_loop_test(tests, start_is_taken_or_refused_with_the_reason, 0, COUNT(starts));
    tcase_add_test(tests, headers_come_in_order_without_what_is_ours);
    tcase_add_test(tests, a_token_has_its_bytes_and_no_others);
    tcase_add_test(tests, lists_name_their_words_only);
}

int
main(void)
{
    return run_tests("wire_httpframe", add_tests);
}
