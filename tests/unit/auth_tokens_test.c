/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens that the node gives out: made, found, kept, revoked; and who presents wrong ones. */
#include "auth/tokens.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include "auth/auth.h"
#include "base/alloc.h"
#include "conf/identity.h"
#include "tests/unit/suite.h"

static char folder[] = "/tmp/gatehouse-tokens-XXXXXX";
static char made_folder[sizeof folder];
static struct gh_tokens tokens;
static struct gh_err err;
static char text[GH_TOKEN_TEXT_BYTES];
static const struct gh_token *made;

static char *
db_path(void)
{
    return gh_asprintf("%s/tokens.db", made_folder);
}

static void
set_up(void)
{
    memcpy(made_folder, folder, sizeof folder);
    ck_assert_ptr_nonnull(mkdtemp(made_folder));
    ck_assert_int_eq(gh_tokens_open(&tokens, made_folder, &err), GH_OK);
}

static void
tear_down(void)
{
    static const char *const names[] = {"tokens.db", "tokens.db-wal", "tokens.db-shm"};

    gh_tokens_close(&tokens);
    for (size_t i = 0; i < COUNT(names); i++) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", made_folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(made_folder), 0);
}

static struct gh_slice
slice(const char *chars)
{
    return (struct gh_slice){chars, strlen(chars)};
}

static int
create(const char *user, const char *module, enum gh_level level, int64_t expires_s)
{
    struct gh_token_order order = {slice(user), slice(module), level, expires_s};
    return gh_tokens_create(&tokens, &order, text, &made, &err);
}

static const struct gh_token *
find(const char *presented, int64_t now_s)
{
    struct gh_digest digest = gh_digest_of(slice(presented));
    return gh_tokens_find(&tokens, &digest, now_s);
}

static void
reopen(void)
{
    gh_tokens_close(&tokens);
    ck_assert_int_eq(gh_tokens_open(&tokens, made_folder, &err), GH_OK);
}

START_TEST(token_is_found_by_its_text_now_and_later)
{
    ck_assert_int_eq(create("ann", "concat", GH_LEVEL_READ, 0), GH_OK);
    for (int i = 0; i < 2; i++) {
        const struct gh_token *token = find(text, 1);
        ck_assert_ptr_nonnull(token);
        ck_assert_str_eq(token->user, "ann");
        ck_assert_str_eq(token->module, "concat");
        ck_assert_int_eq(token->level, GH_LEVEL_READ);
        ck_assert_int_eq(token->id, 1);
        ck_assert(labs((long)(token->created_s - (int64_t)time(NULL))) < 60);
        reopen();
    }
    ck_assert_ptr_null(find("gh_", 1));
    text[10] ^= 1;
    ck_assert_ptr_null(find(text, 1));
}
END_TEST

START_TEST(texts_have_the_form_and_differ)
{
    char first[GH_TOKEN_TEXT_BYTES];

    ck_assert_int_eq(create("ann", "", GH_LEVEL_WRITE, 0), GH_OK);
    memcpy(first, text, sizeof text);
    ck_assert_int_eq(create("ann", "", GH_LEVEL_WRITE, 0), GH_OK);
    ck_assert_str_ne(first, text);
    ck_assert_uint_eq(strlen(text), 46);
    ck_assert_int_eq(strncmp(text, GH_TOKEN_PREFIX, strlen(GH_TOKEN_PREFIX)), 0);
    ck_assert_uint_eq(strspn(text + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_"),
                      43);
    ck_assert_ptr_null(made->module);
}
END_TEST

START_TEST(revoked_token_is_gone_for_good)
{
    ck_assert_int_eq(create("ann", "", GH_LEVEL_WRITE, 0), GH_OK);
    int64_t id = made->id;
    ck_assert_int_eq(gh_tokens_revoke(&tokens, id, &err), GH_OK);
    ck_assert_ptr_null(find(text, 1));
    reopen();
    ck_assert_ptr_null(find(text, 1));
    ck_assert_int_eq(gh_tokens_revoke(&tokens, id, &err), GH_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "there is no token 1");
    ck_assert_int_eq(create("bob", "", GH_LEVEL_WRITE, 0), GH_OK);
    ck_assert_int_eq(made->id, 2); /* a number never means another token */
}
END_TEST

START_TEST(token_is_good_until_it_expires)
{
    int64_t soon = (int64_t)time(NULL) + 1000;

    ck_assert_int_eq(create("ann", "", GH_LEVEL_READ, soon), GH_OK);
    ck_assert_ptr_nonnull(find(text, soon - 1));
    ck_assert_ptr_null(find(text, soon));
    ck_assert_int_eq(create("ann", "", GH_LEVEL_READ, 1000), GH_E_INPUT);
    ck_assert_str_eq(err.text, "expires_s is 1000, which is over");
}
END_TEST

/* One byte more than GH_TOKEN_USER_MAX_BYTES. */
#define LONG_NAME "x2345678901234567890123456789012345678901234567890123456789012345"

static const char *const bad_users[] = {"",    "a b", "a\tb", "a\"b",  "a\\b",
                                        "a,b", "a;b", "ä",    "a\x7f", LONG_NAME};

START_TEST(user_names_are_checked)
{
    ck_assert_int_eq(create(bad_users[_i], "", GH_LEVEL_READ, 0), GH_E_INPUT);
    assert_contains(err.text, "user is '");
    ck_assert_int_eq(create("ann@example.org", "", GH_LEVEL_READ, 0), GH_OK);
}
END_TEST

START_TEST(file_is_the_owners_alone_and_holds_no_token)
{
    char *path GH_SCOPED(gh_free) = db_path();
    char *wal GH_SCOPED(gh_free) = gh_asprintf("%s-wal", path);
    struct stat info;

    ck_assert_int_eq(create("ann", "", GH_LEVEL_READ, 0), GH_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(wal, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    for (int i = 0; i < 2; i++) {
        char *command GH_SCOPED(gh_free) = gh_asprintf("grep -q %s %s", text, i ? wal : path);
        ck_assert_int_ne(system(command), 0);
    }
}
END_TEST

START_TEST(file_of_a_later_version_or_none_of_ours_is_refused)
{
    char *path GH_SCOPED(gh_free) = db_path();
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    gh_tokens_close(&tokens);
    ck_assert_int_eq(gh_tokens_open(&tokens, made_folder, &err), GH_E_INPUT);
    assert_contains(err.text, "has form 7, this version reads up to 1");

    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database", file);
    fclose(file);
    ck_assert_int_eq(gh_tokens_open(&tokens, made_folder, &err), GH_E_SYSTEM);
    assert_contains(err.text, "not a database");
    unlink(path);
    ck_assert_int_eq(gh_tokens_open(&tokens, made_folder, &err), GH_OK);
}
END_TEST

START_TEST(what_cannot_be_written_is_not_given_out)
{
    char *path GH_SCOPED(gh_free) = db_path();
    sqlite3 *db;

    ck_assert_int_eq(create("ann", "", GH_LEVEL_READ, 0), GH_OK);
    int64_t id = made->id;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(create("bob", "", GH_LEVEL_READ, 0), GH_E_SYSTEM);
    assert_contains(err.text, "database is locked");
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(gh_tokens_revoke(&tokens, id, &err), GH_E_SYSTEM);
    ck_assert_int_eq(gh_tokens_revoke(&tokens, id + 1, &err), GH_E_NOT_FOUND);
    sqlite3_close(db);
    ck_assert_int_eq(gh_tokens_revoke(&tokens, id, &err), GH_OK);
}
END_TEST

/* ---- who is asking ---- */

static struct gh_auth auth;
static struct gh_auth_answer answer;

static enum gh_caller_kind
who(const char *authorization)
{
    struct gh_auth_question question = {.authorization = authorization, .need = GH_NEED_CLUSTER};

    ck_assert_int_eq(gh_auth_decide(&auth, &question, &answer), GH_AUTH_DECIDED);
    return answer.caller.kind;
}

static void
open_auth(const char *token, const char *node_address)
{
    struct gh_identity owner = {(char *)(uintptr_t)token,
                                (char *)(uintptr_t)(token ? "olga" : NULL)};
    struct gh_auth_place place = {.state_dir = made_folder, .node_address = node_address};

    ck_assert_int_eq(gh_auth_open(&auth, &place, &owner, &err), GH_OK);
}

START_TEST(callers_are_owner_holders_strangers_and_nobody)
{
    gh_tokens_close(&tokens);
    open_auth("secret", NULL);
    struct gh_token_order order = {slice("ann"), slice("concat"), GH_LEVEL_READ, 0};
    ck_assert_int_eq(gh_tokens_create(&auth.tokens, &order, text, &made, &err), GH_OK);
    char *header GH_SCOPED(gh_free) = gh_asprintf("Bearer %s", text);

    ck_assert_int_eq(who("Bearer secret"), GH_CALLER_KNOWN);
    ck_assert_int_eq(answer.caller.level, GH_LEVEL_WRITE);
    ck_assert_str_eq(answer.caller.user, "olga");
    ck_assert_int_eq(who(header), GH_CALLER_KNOWN);
    ck_assert_str_eq(answer.caller.module, "concat");
    ck_assert_str_eq(answer.caller.user, "ann");
    ck_assert_int_eq(who("Bearer secret2"), GH_CALLER_STRANGER);
    ck_assert_int_eq(who("Bearer "), GH_CALLER_NOBODY);
    ck_assert_int_eq(who(NULL), GH_CALLER_NOBODY);
    gh_auth_close(&auth);

    open_auth(NULL, NULL);
    ck_assert_int_eq(who("Bearer secret"), GH_CALLER_STRANGER);
    gh_auth_close(&auth);
}
END_TEST

/* sha256("secretolga"), as clients 0.0.20 to 0.0.34 compute it. */
#define HASHED "4ce5923312c52fbd4fe0a00afca6b28cd5643e77100f76a4a95202c79412c928"

START_TEST(old_clients_hash_the_owners_token)
{
    gh_tokens_close(&tokens);
    open_auth("secret", "/olga/gpu");
    ck_assert_int_eq(who("Bearer " HASHED "+olga+olga"), GH_CALLER_KNOWN);
    ck_assert_int_eq(answer.caller.level, GH_LEVEL_WRITE);
    ck_assert_int_eq(who("Bearer " HASHED "+olga+bob"), GH_CALLER_STRANGER);
    gh_auth_close(&auth);
    open_auth("secret", "/team/gpu");
    ck_assert_int_eq(who("Bearer " HASHED "+olga+olga"), GH_CALLER_STRANGER);
    gh_auth_close(&auth);
}
END_TEST

/* ADDRESS presents the wrong token NUMBER. */
static unsigned
guess(struct gh_throttle *throttle, const char *address, unsigned number, uint64_t now_ms)
{
    struct gh_digest digest = gh_digest_of((struct gh_slice){(const char *)&number, sizeof number});
    return gh_throttle_fail(throttle, address, &digest, now_ms);
}

START_TEST(wrong_tokens_make_an_address_wait_longer_and_longer)
{
    struct gh_throttle throttle = {0};
    static const unsigned waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    uint64_t now_ms = 1000;

    for (unsigned i = 0; i < GH_THROTTLE_FREE; i++)
        ck_assert_uint_eq(guess(&throttle, "10.0.0.1", i, now_ms), 0);
    for (unsigned i = 0; i < COUNT(waits); i++) {
        ck_assert_uint_eq(guess(&throttle, "10.0.0.1", 100 + i, now_ms), waits[i]);
        ck_assert_uint_eq(guess(&throttle, "10.0.0.1", 100 + i, now_ms + 1), waits[i]);
        now_ms += 1000 * waits[i];
    }
    ck_assert_uint_eq(guess(&throttle, "10.0.0.2", 0, now_ms), 0);
    now_ms += GH_THROTTLE_QUIET_MS + 60001;
    ck_assert_uint_eq(guess(&throttle, "10.0.0.1", 0, now_ms), 0);
    gh_throttle_done(&throttle);
}
END_TEST

/* A few programs whose tokens are good no more, in turn: a fifth each, then they wait like others. */
START_TEST(same_wrong_tokens_again_count_less)
{
    struct gh_throttle throttle = {0};
    unsigned first = GH_THROTTLE_SEEN * GH_THROTTLE_REPEATS;
    unsigned more = GH_THROTTLE_FREE * GH_THROTTLE_REPEATS - first;

    for (unsigned i = 0; i < GH_THROTTLE_SEEN + more; i++)
        ck_assert_uint_eq(guess(&throttle, "10.0.0.1", i % GH_THROTTLE_SEEN, 1000), 0);
    ck_assert_uint_eq(guess(&throttle, "10.0.0.1", 0, 1000), 1);
    ck_assert_uint_eq(guess(&throttle, "10.0.0.1", 0, 2000), 2);
    gh_throttle_done(&throttle);
}
END_TEST

START_TEST(addresses_kept_are_bounded)
{
    struct gh_throttle throttle = {0};
    char address[20];

    for (unsigned i = 0; i < GH_THROTTLE_ADDRESSES_MAX + 100; i++) {
        snprintf(address, sizeof address, "a%u", i);
        guess(&throttle, address, i, i);
        ck_assert_uint_le(HASH_COUNT(throttle.by_address), GH_THROTTLE_ADDRESSES_MAX);
    }
    gh_throttle_done(&throttle);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, token_is_found_by_its_text_now_and_later);
    tcase_add_test(tests, texts_have_the_form_and_differ);
    tcase_add_test(tests, revoked_token_is_gone_for_good);
    tcase_add_test(tests, token_is_good_until_it_expires);
    tcase_add_loop_test(tests, user_names_are_checked, 0, (int)COUNT(bad_users));
    tcase_add_test(tests, file_is_the_owners_alone_and_holds_no_token);
    tcase_add_test(tests, file_of_a_later_version_or_none_of_ours_is_refused);
    tcase_add_test(tests, what_cannot_be_written_is_not_given_out);
    tcase_add_test(tests, callers_are_owner_holders_strangers_and_nobody);
    tcase_add_test(tests, old_clients_hash_the_owners_token);
    tcase_add_test(tests, wrong_tokens_make_an_address_wait_longer_and_longer);
    tcase_add_test(tests, same_wrong_tokens_again_count_less);
    tcase_add_test(tests, addresses_kept_are_bounded);
}

int
main(void)
{
    return run_tests("auth_tokens", add);
}
