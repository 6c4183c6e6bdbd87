/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/words.h"
#include "cli/verbs.h"
#include "suite.h"

static struct gh_cli cli;
static struct gh_err err;
static struct gh_words argv;

/* Parse the command line TEXT; its words live until done(). */
static int
parse(const char *text)
{
    gh_words_add(&argv, "gatehouse");
    ck_assert_int_eq(gh_words_split(&argv, text, &err), GH_OK);
    return gh_cli_parse(&cli, (int)argv.count, argv.list, &err);
}

static void
done(void)
{
    gh_cli_done(&cli);
    gh_words_done(&argv);
}

START_TEST(options_stand_anywhere)
{
    static const char *const lines[] = {
        "--json call m a --timeout-s 1.5",
        "call --json --timeout-s=1.5 m a",
        "--timeout-s 1.5 call m --json a",
    };

    for (size_t i = 0; i < COUNT(lines); i++) {
        ck_assert_int_eq(parse(lines[i]), GH_EXIT_OK);
        ck_assert_str_eq(cli.verb->name, "call");
        ck_assert_uint_eq(cli.word_count, 2);
        ck_assert_str_eq(cli.words[1], "a");
        ck_assert(cli.is_json);
        ck_assert_uint_eq(cli.timeout_ms, 1500);
        done();
    }
}
END_TEST

START_TEST(options_of_another_program_are_words_in_their_order)
{
    static const char *const words[] = {"--host", "127.0.0.2", "--env=x"};

    ck_assert_int_eq(parse("up --host 127.0.0.2 --port 7 --env=x --foreground"), GH_EXIT_OK);
    ck_assert_uint_eq(cli.word_count, COUNT(words));
    for (size_t i = 0; i < COUNT(words); i++)
        ck_assert_str_eq(cli.words[i], words[i]);
    ck_assert_str_eq(gh_cli_value(&cli, "--port", NULL), "7");
    ck_assert(gh_cli_has(&cli, "--foreground"));
    done();
}
END_TEST

START_TEST(values_are_the_next_word_or_behind_an_equals_sign)
{
    ck_assert_int_eq(parse("call m --data=- -d file --run-name=a=b --raw"), GH_EXIT_OK);
    size_t cursor = 0;
    ck_assert_str_eq(gh_cli_next_value(&cli, "--data", &cursor), "-");
    ck_assert_str_eq(gh_cli_next_value(&cli, "--data", &cursor), "file");
    ck_assert_ptr_null(gh_cli_next_value(&cli, "--data", &cursor));
    ck_assert_str_eq(gh_cli_value(&cli, "--data", NULL), "file");
    ck_assert_str_eq(gh_cli_value(&cli, "--run-name", NULL), "a=b");
    ck_assert_str_eq(gh_cli_value(&cli, "--url", "preset"), "preset");
    ck_assert(gh_cli_has(&cli, "--raw") && !gh_cli_has(&cli, "--quiet"));
    done();
}
END_TEST

START_TEST(dashes_can_be_words)
{
    ck_assert_int_eq(parse("call m -5 -.5 - -- --raw -x"), GH_EXIT_OK);
    ck_assert_uint_eq(cli.word_count, 6);
    ck_assert_str_eq(cli.words[1], "-5");
    ck_assert_str_eq(cli.words[3], "-");
    ck_assert_str_eq(cli.words[4], "--raw");
    ck_assert(!gh_cli_has(&cli, "--raw"));
    done();
}
END_TEST

START_TEST(help_wins_over_what_is_missing)
{
    static const char *const lines[] = {"call --help", "--help call", "help call",
                                        "call -h m --raw"};

    for (size_t i = 0; i < COUNT(lines); i++) {
        ck_assert_int_eq(parse(lines[i]), GH_EXIT_OK);
        ck_assert_int_eq(cli.ask, GH_CLI_HELP);
        ck_assert_str_eq(cli.verb->name, "call");
        done();
    }
    ck_assert_int_eq(parse("help"), GH_EXIT_OK);
    ck_assert_ptr_null(cli.verb);
    done();
    ck_assert_int_eq(parse("--version"), GH_EXIT_OK);
    ck_assert_int_eq(cli.ask, GH_CLI_VERSION);
    done();
}
END_TEST

struct refusal {
    const char *line, *text;
};

START_TEST(what_cannot_be_is_refused_with_advice)
{
    static const struct refusal refusals[] = {
        {"", "no verb is given"},
        {"stauts", "did you mean status"},
        {"nmaes", "gatehouse --help"}, /* hidden verbs are not told */
        {"call", "call needs MODULE"},
        {"status x", "one word too many, 'x'"},
        {"call m --rw", "unknown option '--rw'; did you mean --raw"},
        {"status --raw", "unknown option '--raw'"},
        {"call m --raw=1", "takes no value"},
        {"call m --data", "option '--data' needs a value: FILE|-"},
        {"status --timeout-s 1e9", "--timeout-s is '1e9'"},
        {"status --timeout-s -1", "--timeout-s is '-1'"},
        {"status --url http://x --state-dir y", "give one or the other"},
    };

    for (size_t i = 0; i < COUNT(refusals); i++) {
        ck_assert_int_eq(parse(refusals[i].line), GH_EXIT_USAGE);
        assert_contains(err.text, refusals[i].text);
        ck_assert_ptr_null(strchr(err.text, '\n'));
        done();
    }
}
END_TEST

/* The table of verbs keeps the promises of cli.h. */
START_TEST(verbs_are_whole)
{
    for (const struct gh_verb *const *each = gh_verbs; *each; each++) {
        const struct gh_verb *verb = *each;
        ck_assert_ptr_eq(gh_verb_find(verb->name), verb);
        ck_assert_uint_lt(strlen(verb->name), GH_VERB_MAX_BYTES);
        ck_assert_uint_le(verb->words_min, verb->words_max);
        ck_assert_ptr_nonnull(verb->run);
        if (!verb->summary)
            continue;
        ck_assert_msg(verb->examples && verb->examples->command, "%s has no example", verb->name);
        ck_assert_msg(verb->summary[strlen(verb->summary) - 1] != '.', "%s: a full stop",
                      verb->name);
        for (const struct gh_option *option = verb->options; option && option->name; option++) {
            ck_assert_msg(strncmp(option->name, "--", 2) == 0, "%s %s", verb->name, option->name);
            for (const struct gh_option *other = gh_common_options; other->name; other++)
                ck_assert_msg(strcmp(option->name, other->name) != 0, "%s hides %s", verb->name,
                              other->name);
        }
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, options_stand_anywhere);
    tcase_add_test(tests, options_of_another_program_are_words_in_their_order);
    tcase_add_test(tests, values_are_the_next_word_or_behind_an_equals_sign);
    tcase_add_test(tests, dashes_can_be_words);
    tcase_add_test(tests, help_wins_over_what_is_missing);
    tcase_add_test(tests, what_cannot_be_is_refused_with_advice);
    tcase_add_test(tests, verbs_are_whole);
}

int
main(void)
{
    return run_tests("cli_parse", add);
}
