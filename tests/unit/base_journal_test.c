/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines as entries of the journal. */
#include "base/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *folder, *path;
static int journal;
static char entry[4096];
static size_t entry_len;

static void
set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    folder = make_folder();
    path = gh_asprintf("%s/socket", folder);
    strcpy(address.sun_path, path);
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(journal, (struct sockaddr *)&address, sizeof address), 0);
    gh_journal_setup(path);
}

static void
tear_down(void)
{
    close(journal);
    free(path);
    remove_folder(folder);
}

/* What the journal got. */
static const char *
sent(enum gh_log_level level, const char *event, const char *text)
{
    ck_assert(gh_journal_send(level, event, text));
    ssize_t len = recv(journal, entry, sizeof entry - 1, 0);
    ck_assert_int_gt(len, 0);
    entry_len = (size_t)len;
    entry[len] = '\0';
    return entry;
}

START_TEST(members_are_fields_without_quotes)
{
    ck_assert_str_eq(sent(GH_LOG_INFO, "daemon.ready", "host=\"::1\" port=32300 log-x=a"),
                     "MESSAGE=daemon.ready host=\"::1\" port=32300 log-x=a\n"
                     "PRIORITY=6\nSYSLOG_IDENTIFIER=gatehoused\n"
                     "GATEHOUSE_EVENT=daemon.ready\n"
                     "GATEHOUSE_HOST=::1\nGATEHOUSE_PORT=32300\nGATEHOUSE_LOG_X=a\n");
}
END_TEST

START_TEST(empty_text_is_no_trouble)
{
    ck_assert_str_eq(sent(GH_LOG_ERR, "a.b", ""), "MESSAGE=a.b\nPRIORITY=3\nSYSLOG_IDENTIFIER="
                                                  "gatehoused\nGATEHOUSE_EVENT=a.b\n");
    assert_contains(sent(GH_LOG_WARN, "a.b", "x=\"\""), "PRIORITY=4\n");
    assert_contains(entry, "GATEHOUSE_X=\n");
    assert_contains(sent(GH_LOG_DEBUG, "a.b", "x="), "PRIORITY=7\n");
}
END_TEST

START_TEST(value_of_several_lines_has_its_length)
{
    static const char wanted[] = "GATEHOUSE_REASON\n\3\0\0\0\0\0\0\0a\nb\n";

    sent(GH_LOG_INFO, "a.b", "reason=\"a\\nb\"");
    ck_assert_ptr_nonnull(memmem(entry, entry_len, wanted, sizeof wanted - 1));
}
END_TEST

START_TEST(long_names_are_cut)
{
    const char *text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1";

    const char *field = strstr(sent(GH_LOG_INFO, "a.b", text), "GATEHOUSE_AAA");
    ck_assert_ptr_nonnull(field);
    ck_assert_uint_eq(strcspn(field, "="), 64);
}
END_TEST

START_TEST(journal_that_is_gone_is_told)
{
    close(journal);
    unlink(path);
    ck_assert(!gh_journal_send(GH_LOG_INFO, "a.b", ""));
}
END_TEST

START_TEST(stderr_is_the_journals_when_the_numbers_are)
{
    struct stat info;

    fstat(STDERR_FILENO, &info);
    char *ours GH_SCOPED(gh_free) =
        gh_asprintf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    char *other GH_SCOPED(gh_free) =
        gh_asprintf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino + 1);
    setenv("JOURNAL_STREAM", ours, 1);
    ck_assert(gh_journal_has_stderr());
    setenv("JOURNAL_STREAM", other, 1);
    ck_assert(!gh_journal_has_stderr());
    setenv("JOURNAL_STREAM", "x", 1);
    ck_assert(!gh_journal_has_stderr());
    unsetenv("JOURNAL_STREAM");
    ck_assert(!gh_journal_has_stderr());
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, members_are_fields_without_quotes);
    tcase_add_test(tests, empty_text_is_no_trouble);
    tcase_add_test(tests, value_of_several_lines_has_its_length);
    tcase_add_test(tests, long_names_are_cut);
    tcase_add_test(tests, journal_that_is_gone_is_told);
    tcase_add_test(tests, stderr_is_the_journals_when_the_numbers_are);
}

int
main(void)
{
    return run_tests("base_journal", add);
}
