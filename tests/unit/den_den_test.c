/* SPDX-License-Identifier: Apache-2.0
 *
 * The embedded Den's data: what a token may do as users, tokens, resources and grants come and go, and that
 * all of it is there after the file was opened again. */
#include "den/den.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "den/den_inner.h"
#include "den/grants.h"
#include "den/keyring.h"
#include "den/posts.h"
#include "den/resources.h"
#include "den/tickets.h"
#include "den/users.h"
#include "tests/unit/suite.h"

static char folder[] = "/tmp/gatehouse-den-XXXXXX";
static char made_folder[sizeof folder];
static struct gh_den *den;
static struct gh_err err;
static char alice_token[GH_TOKEN_TEXT_BYTES], bob_token[GH_TOKEN_TEXT_BYTES];

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static struct gh_den_user *
user(const char *name)
{
    return gh_den_user_find(den, slice(name));
}

static struct gh_den_token *
token_of(const char *text)
{
    struct gh_digest digest = gh_digest_of(slice(text));
    return gh_den_token_find(den, &digest, (int64_t)time(NULL));
}

static struct gh_den_resource *
resource(const char *uri)
{
    return gh_den_resource_find(den, slice(uri));
}

static void
add_user(const char *name, char text[GH_TOKEN_TEXT_BYTES])
{
    char *email GH_SCOPED(gh_free) = gh_asprintf("%s@example.org", name);
    const struct gh_den_user *made;
    const struct gh_den_token *token;

    ck_assert_int_eq(gh_den_user_add(den, slice(name), slice(email), &made, &err), GH_OK);
    ck_assert_int_eq(gh_den_token_create(den, user(name), 0, text, &token, &err), GH_OK);
}

static void
save(const char *by, const char *uri, bool is_public)
{
    struct gh_den_config config = {slice(uri), slice("function"),
                                   slice(is_public ? "{\"visibility\":\"public\"}" : "{}"),
                                   is_public};
    ck_assert_int_eq(gh_den_resource_save(den, user(by), &config, &err), GH_OK);
}

static void
grant(const char *uri, const char *to, enum gh_level level)
{
    struct gh_den_user *users[] = {user(to)};
    ck_assert_int_eq(gh_den_grant(den, resource(uri), users, 1, level, false, &err), GH_OK);
}

static void
open_again(void)
{
    gh_den_close(&den);
    ck_assert_msg(gh_den_open(made_folder, &den, &err) == GH_OK, "%s", err.text);
}

static void
set_up(void)
{
    memcpy(made_folder, folder, sizeof folder);
    ck_assert_ptr_nonnull(mkdtemp(made_folder));
    ck_assert_msg(gh_den_open(made_folder, &den, &err) == GH_OK, "%s", err.text);
    add_user("alice", alice_token);
    add_user("bob", bob_token);
    save("alice", "alice:fn", false);
}

static void
tear_down(void)
{
    static const char *const names[] = {"den.db", "den.db-wal", "den.db-shm"};

    gh_den_close(&den);
    for (size_t i = 0; i < COUNT(names); i++) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", made_folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(made_folder), 0);
}

/* USER NULL: the token is not known. */
static void
assert_facts(const char *text, const char *uri, const char *user_name, enum gh_level level,
             bool is_valid)
{
    struct gh_digest digest = gh_digest_of(slice(text));
    struct gh_den_facts facts = gh_den_facts(den, &digest, uri);

    ck_assert_pstr_eq(facts.user, user_name);
    ck_assert_msg(facts.level == level && facts.is_valid == is_valid, "%s: level %d, valid %d", uri,
                  facts.level, facts.is_valid);
}

START_TEST(owners_strangers_and_nobody)
{
    for (int round = 0; round < 2; round++) {
        assert_facts(alice_token, "alice:fn", "alice", GH_LEVEL_WRITE, true);
        assert_facts(alice_token, "alice:not-there", "alice", GH_LEVEL_WRITE, true);
        assert_facts(alice_token, "alicex:fn", "alice", GH_LEVEL_NONE, false);
        assert_facts(alice_token, "", "alice", GH_LEVEL_NONE, false);
        assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_NONE, false);
        assert_facts("ghd_other", "alice:fn", NULL, GH_LEVEL_NONE, false);
        assert_facts("", "alice:fn", NULL, GH_LEVEL_NONE, false);
        open_again();
    }
}
END_TEST

START_TEST(grants_come_and_go)
{
    grant("alice:fn", "bob", GH_LEVEL_READ);
    open_again();
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_READ, false);
    grant("alice:fn", "bob", GH_LEVEL_WRITE);
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_WRITE, false);
    grant("alice:fn", "alice", GH_LEVEL_NONE); /* an owner stays one */
    assert_facts(alice_token, "alice:fn", "alice", GH_LEVEL_WRITE, true);
    grant("alice:fn", "bob", GH_LEVEL_NONE);
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_NONE, false);
    grant("alice:fn", "bob", GH_LEVEL_READ);
    ck_assert_int_eq(gh_den_revoke_all(den, resource("alice:fn"), &err), GH_OK);
    open_again();
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_NONE, false);
    save("alice", "alice:fn", true);
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_READ, false);
    ck_assert_int_eq(gh_den_resource_delete(den, resource("alice:fn"), &err), GH_OK);
    assert_facts(bob_token, "alice:fn", "bob", GH_LEVEL_NONE, false);
    ck_assert_uint_eq(user("alice")->resource_count, 0);
}
END_TEST

START_TEST(cluster_tokens_are_for_a_folder)
{
    char text[GH_TOKEN_TEXT_BYTES], again[GH_TOKEN_TEXT_BYTES];
    struct gh_den_token *own = token_of(bob_token);

    grant("alice:fn", "bob", GH_LEVEL_READ);
    save("bob", "bob:fn", false);
    ck_assert_int_eq(gh_den_token_for_folder(den, own, slice(bob_token), user("alice"), text, &err),
                     GH_OK);
    open_again();
    own = token_of(bob_token);
    ck_assert_int_eq(
        gh_den_token_for_folder(den, own, slice(bob_token), user("alice"), again, &err), GH_OK);
    ck_assert_str_eq(text, again);
    ck_assert_str_ne(text, bob_token);
    assert_facts(text, "alice:fn", "bob", GH_LEVEL_READ, false);
    assert_facts(text, "bob:fn", "bob", GH_LEVEL_NONE, false);
    assert_facts(text, "", "bob", GH_LEVEL_NONE, false);

    /* Revoked, it is worthless, and the next one is another. */
    ck_assert_int_eq(gh_den_token_revoke(den, token_of(text)->id, &err), GH_OK);
    assert_facts(text, "alice:fn", NULL, GH_LEVEL_NONE, false);
    open_again();
    own = token_of(bob_token);
    ck_assert_int_eq(
        gh_den_token_for_folder(den, own, slice(bob_token), user("alice"), again, &err), GH_OK);
    ck_assert_str_ne(text, again);
    assert_facts(again, "alice:fn", "bob", GH_LEVEL_READ, false);

    /* With the user's own it goes, too. */
    ck_assert_int_eq(gh_den_token_revoke(den, own->id, &err), GH_OK);
    assert_facts(again, "alice:fn", NULL, GH_LEVEL_NONE, false);
    assert_facts(bob_token, "alice:fn", NULL, GH_LEVEL_NONE, false);
    ck_assert_int_eq(gh_den_token_revoke(den, 999, &err), GH_E_NOT_FOUND);
}
END_TEST

/* HEX+OWNER+USER of clients 0.0.20 to 0.0.34. */
static char *
old_text(const char *token, const char *owner, const char *name)
{
    char *both GH_SCOPED(gh_free) = gh_asprintf("%s%s", token, owner);
    struct gh_digest digest = gh_digest_of(slice(both));
    struct gh_buf text = {0};
    size_t len;

    for (size_t i = 0; i < GH_DIGEST_BYTES; i++)
        gh_buf_addf(&text, "%02x", digest.bytes[i]);
    gh_buf_addf(&text, "+%s+%s", owner, name);
    gh_buf_text(&text);
    return (char *)gh_buf_steal(&text, &len);
}

START_TEST(old_clients_tokens_are_known_once_their_own_came_by)
{
    char *text GH_SCOPED(gh_free) = old_text(bob_token, "alice", "bob");
    char *other GH_SCOPED(gh_free) = old_text(bob_token, "alice", "alice");

    grant("alice:fn", "bob", GH_LEVEL_READ);
    assert_facts(text, "alice:fn", NULL, GH_LEVEL_NONE, false);
    gh_den_token_learn(den, token_of(bob_token), slice(bob_token), user("alice"));
    open_again();
    assert_facts(text, "alice:fn", "bob", GH_LEVEL_READ, false);
    assert_facts(other, "alice:fn", NULL, GH_LEVEL_NONE, false);
    ck_assert_int_eq(gh_den_token_revoke(den, token_of(text)->id, &err), GH_OK);
    gh_den_token_learn(den, token_of(bob_token), slice(bob_token), user("alice"));
    assert_facts(text, "alice:fn", NULL, GH_LEVEL_NONE, false);
}
END_TEST

START_TEST(tokens_expire)
{
    char text[GH_TOKEN_TEXT_BYTES];
    const struct gh_den_token *token;
    int64_t now_s = (int64_t)time(NULL);

    ck_assert_int_eq(gh_den_token_create(den, user("bob"), now_s - 1, text, &token, &err),
                     GH_E_INPUT);
    ck_assert_int_eq(gh_den_token_create(den, user("bob"), now_s + 1000, text, &token, &err),
                     GH_OK);
    ck_assert_ptr_nonnull(token_of(text));
    struct gh_digest digest = gh_digest_of(slice(text));
    ck_assert_ptr_null(gh_den_token_find(den, &digest, now_s + 1000));
}
END_TEST

START_TEST(users_are_removed_with_all_that_is_theirs)
{
    save("bob", "bob:fn", false);
    grant("bob:fn", "alice", GH_LEVEL_READ);
    grant("alice:fn", "bob", GH_LEVEL_READ);
    ck_assert_int_eq(gh_den_user_remove(den, user("bob"), &err), GH_OK);
    for (int round = 0; round < 2; round++) {
        assert_facts(bob_token, "alice:fn", NULL, GH_LEVEL_NONE, false);
        assert_facts(alice_token, "bob:fn", "alice", GH_LEVEL_NONE, false);
        ck_assert_ptr_null(resource("bob:fn"));
        ck_assert_uint_eq(HASH_COUNT(resource("alice:fn")->grants), 0);
        open_again();
    }
}
END_TEST

START_TEST(bad_users_are_refused)
{
    static const char *const names[] = {"", "a b", "al/ice", "-a", "alice", "a:b", "\xc3\xa4"};
    static const char *const emails[] = {"x", "@x", "x@", "a b@c", "ALICE@example.org", "a@b\"c"};
    const struct gh_den_user *made;

    for (size_t i = 0; i < COUNT(names); i++) {
        ck_assert_int_eq(gh_den_user_add(den, slice(names[i]), slice(""), &made, &err), GH_E_INPUT);
        ck_assert_int_eq(strncmp(err.text, "name is '", 9), 0);
    }
    for (size_t i = 0; i < COUNT(emails); i++) {
        ck_assert_int_eq(gh_den_user_add(den, slice("new"), slice(emails[i]), &made, &err),
                         GH_E_INPUT);
        ck_assert_int_eq(strncmp(err.text, "email is '", 10), 0);
    }
    ck_assert_ptr_eq(user("ALICE@example.org"), user("alice"));
    ck_assert_ptr_null(user("nobody@example.org"));
}
END_TEST

START_TEST(versions_and_lines_are_bounded)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char *block GH_SCOPED(gh_free) = gh_alloc(GH_DEN_LOGS_MAX_BYTES + 100);
    bool is_any;

    for (unsigned i = 0; i < GH_DEN_HISTORY_MAX + 5; i++) {
        char *text GH_SCOPED(gh_free) = gh_asprintf("{\"n\":%u}", i);
        struct gh_den_config config = {slice("alice:fn"), slice("function"), slice(text), false};
        ck_assert_int_eq(gh_den_resource_save(den, user("alice"), &config, &err), GH_OK);
    }
    ck_assert_int_eq(gh_den_resource_history(den, resource("alice:fn"), 1000, &out, &err), GH_OK);
    unsigned count = 0;
    for (const char *at = gh_buf_text(&out); (at = strstr(at, "\"at_s\"")); at++)
        count++;
    ck_assert_uint_eq(count, GH_DEN_HISTORY_MAX);
    assert_contains(gh_buf_text(&out), "{\"n\":104}");

    memset(block, 'x', GH_DEN_LOGS_MAX_BYTES + 99);
    for (size_t at = 99; at < GH_DEN_LOGS_MAX_BYTES; at += 100)
        block[at] = '\n';
    struct gh_den_lines lines = {slice("a.log"), slice(block), 0, 10};
    ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_OK);
    lines.text = slice("the last\n");
    ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_OK);
    out.len = 0;
    ck_assert_int_eq(gh_den_logs_read(den, resource("alice:fn"), 0, &out, &is_any, &err), GH_OK);
    ck_assert(is_any && out.len <= GH_DEN_LOGS_MAX_BYTES);
    ck_assert_str_eq(gh_buf_text(&out) + out.len - 9, "the last\n");
}
END_TEST

static int
value_of(const char *sql)
{
    sqlite3_stmt *rows;

    ck_assert_int_eq(sqlite3_prepare_v2(den->db, sql, -1, &rows, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    int value = sqlite3_column_int(rows, 0);
    sqlite3_finalize(rows);
    return value;
}

START_TEST(logs_of_many_small_posts_are_bounded)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    struct gh_den_lines lines = {slice("a.log"), slice("old\n"), 0, 1};
    bool is_any;

    ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_OK);
    lines.text = slice("x\n");
    for (unsigned i = 0; i < GH_DEN_LOGS_MAX_COUNT; i++)
        ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_OK);
    ck_assert_int_eq(gh_den_logs_read(den, resource("alice:fn"), 0, &out, &is_any, &err), GH_OK);
    ck_assert_uint_eq(out.len, 2 * GH_DEN_LOGS_MAX_COUNT);
    ck_assert_int_eq(value_of("SELECT count(*) FROM log"), GH_DEN_LOGS_MAX_COUNT);
}
END_TEST

/* Reports are not synced; all that comes after one is (2 is FULL), whatever became of it. */
START_TEST(a_report_leaves_other_changes_synced)
{
    struct gh_den_lines lines = {slice("a.log"), slice("x\n"), 0, 1};
    struct gh_slice status = slice("{}"), state = slice("running");

    ck_assert_int_eq(value_of("PRAGMA synchronous"), 2);
    ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_OK);
    ck_assert_int_eq(value_of("PRAGMA synchronous"), 2);
    ck_assert_int_eq(gh_den_status_post(den, resource("alice:fn"), status, state, &err), GH_OK);
    ck_assert_int_eq(value_of("PRAGMA synchronous"), 2);

    ck_assert_int_eq(sqlite3_exec(den->db, "ALTER TABLE log RENAME TO logs", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(gh_den_logs_post(den, resource("alice:fn"), &lines, &err), GH_E_SYSTEM);
    ck_assert_int_eq(value_of("PRAGMA synchronous"), 2);
    ck_assert(sqlite3_get_autocommit(den->db));
}
END_TEST

START_TEST(tickets_are_for_one_thing)
{
    char ticket[GH_DEN_TICKET_BYTES];
    int64_t since_s;

    gh_den_ticket_make(den, slice("alice:fn"), 60, ticket);
    ck_assert(gh_den_ticket_is_good(den, slice(ticket), slice("alice:fn"), &since_s));
    ck_assert_int_eq(since_s, 60);
    ck_assert(!gh_den_ticket_is_good(den, slice(ticket), slice("alice:fm"), &since_s));
    ticket[0] = '7';
    ck_assert(!gh_den_ticket_is_good(den, slice(ticket), slice("alice:fn"), &since_s));
    static const char *const bad[] = {"", "x", "60", "60.1.", "1.99999999999999.abc", "-1.-1.x"};
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert(!gh_den_ticket_is_good(den, slice(bad[i]), slice("alice:fn"), &since_s));
}
END_TEST

START_TEST(the_file_is_ones_own)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/den.db", made_folder);
    struct gh_den *second;
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(gh_den_open(made_folder, &second, &err), GH_E_SYSTEM);
    assert_contains(err.text, "locked");
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(newer_files_are_refused)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/den.db", made_folder);
    sqlite3 *db;

    gh_den_close(&den);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(gh_den_open(made_folder, &den, &err), GH_E_INPUT);
    assert_contains(err.text, "form 99");
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, owners_strangers_and_nobody);
    tcase_add_test(tests, grants_come_and_go);
    tcase_add_test(tests, cluster_tokens_are_for_a_folder);
    tcase_add_test(tests, old_clients_tokens_are_known_once_their_own_came_by);
    tcase_add_test(tests, tokens_expire);
    tcase_add_test(tests, users_are_removed_with_all_that_is_theirs);
    tcase_add_test(tests, bad_users_are_refused);
    tcase_add_test(tests, versions_and_lines_are_bounded);
    tcase_add_test(tests, logs_of_many_small_posts_are_bounded);
    tcase_add_test(tests, a_report_leaves_other_changes_synced);
    tcase_add_test(tests, tickets_are_for_one_thing);
    tcase_add_test(tests, the_file_is_ones_own);
    tcase_add_test(tests, newer_files_are_refused);
}

int
main(void)
{
    return run_tests("den_den", add_tests);
}
