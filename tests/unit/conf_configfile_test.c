/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/configfile.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/rows.h"
#include "conf/settings.h"
#include "tests/unit/suite.h"

static char *folder, *path, *home_before;
static struct gh_settings settings;
static struct gh_faults faults;

static void
set_up(void)
{
    char real[PATH_MAX];

    folder = make_folder();
    ck_assert_ptr_nonnull(realpath(folder, real));
    path = gh_asprintf("%s/gatehouse.yaml", real);
    home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", folder, 1);
}

static void
tear_down(void)
{
    gh_settings_done(&settings);
    gh_faults_done(&faults);
    setenv("HOME", home_before, 1);
    gh_free(&home_before);
    gh_free(&path);
    remove_folder(folder);
}

/* Put an empty FILE beside the configuration. */
static void
touch(const char *file)
{
    free(write_file(folder, file, ""));
}

static int
parse(const char *text)
{
    int rc = gh_configfile_parse(&settings, path, text, strlen(text), &faults);

    gh_declared_check(&settings.declared, &faults);
    return gh_faults_count(&faults) > 0 ? GH_E_INPUT : rc;
}

/* The only fault is this, at LINE:COLUMN of the file. */
static void
assert_fault(const char *where_and_what)
{
    char *whole GH_SCOPED(gh_free) = gh_asprintf("%s:%s", path, where_and_what);

    ck_assert_msg(faults.texts.count == 1, "%zu faults, not one: %s", faults.texts.count,
                  faults.texts.count ? faults.texts.list[0] : "");
    ck_assert_str_eq(faults.texts.list[0], whole);
}

START_TEST(values_of_each_kind_and_their_places)
{
    ck_assert_int_eq(parse("port: 8080\n"
                           "insecure: true\n"
                           "log_level: DEBUG\n"
                           "allowed_hosts: \"a,b\"\n"
                           "rh_version: 0.0.41\n"),
                     GH_OK);
    ck_assert_uint_eq(settings.port, 8080);
    ck_assert(settings.insecure);
    ck_assert_str_eq(settings.log_level, "DEBUG");
    ck_assert_str_eq(settings.allowed_hosts, "a,b");
    ck_assert_str_eq(settings.rh_version, "0.0.41");

    char *source GH_SCOPED(gh_free) = gh_asprintf("%s:1:7", path);
    ck_assert_str_eq(gh_row_source(&settings, gh_row_find("port")), source);
    ck_assert_str_eq(gh_row_source(&settings, gh_row_find("host")), "default");
    ck_assert_str_eq(settings.file, path);
}
END_TEST

START_TEST(json_will_do)
{
    ck_assert_int_eq(parse("{\"port\": 1, \"host\": \"::1\", \"insecure\": false}"), GH_OK);
    ck_assert_uint_eq(settings.port, 1);
    ck_assert_str_eq(settings.host, "::1");
}
END_TEST

START_TEST(paths_count_from_the_folder_of_the_file)
{
    char *home_env GH_SCOPED(gh_free) = gh_asprintf("%s/env", folder);

    ck_assert_int_eq(parse("state_dir: state\nenv: ~/env\n"), GH_OK);
    assert_contains(settings.state_dir, "/state");
    ck_assert_int_eq(settings.state_dir[0], '/');
    ck_assert_str_eq(settings.env, home_env);
    gh_settings_done(&settings);
    ck_assert_int_eq(parse("env: python3.11\ngpu_library: libnvidia-ml.so.1\n"), GH_OK);
    ck_assert_str_eq(settings.env, "python3.11"); /* a program on PATH */
    ck_assert_str_eq(settings.gpu_library, "libnvidia-ml.so.1");
}
END_TEST

static const struct {
    const char *text, *fault;
} wrong_settings[] = {
    {"prot: 1\n", "1:1: unknown setting 'prot'; did you mean port"},
    {"\n  body-max-bytes: 1\n",
     "2:3: unknown setting 'body-max-bytes'; did you mean body_max_bytes"},
    {"module: {}\n", "1:1: unknown setting 'module'; did you mean modules"},
    {"zzzzzzzz: 1\n", "1:1: unknown setting 'zzzzzzzz'"},
    {"config: x\n", "1:1: config names this file, and cannot stand in it"},
    {"port: x\n", "1:7: port is 'x', but must be a whole number from 0 to 65535"},
    {"port: 65536\n", "1:7: port is '65536', but must be a whole number from 0 to 65535"},
    {"port: -1\n", "1:7: port is '-1', but must be a whole number from 0 to 65535"},
    {"port: 1.0\n", "1:7: port is '1.0', but must be a whole number from 0 to 65535"},
    {"port: \"80\"\n", "1:7: port is text in quotes, but must be a number, without quotes"},
    {"port:\n", "1:6: port has no value; give it one, or take the line out"},
    {"host: ~\n", "1:7: host has no value; give it one, or take the line out"},
    {"port: [80]\n", "1:7: port is a list, but must be a number"},
    {"host: {a: b}\n", "1:7: host is a mapping, but must be text"},
    {"insecure: yes\n", "1:11: insecure is 'yes', but must be 1, 0, true or false"},
    {"insecure: 'true'\n",
     "1:11: insecure is text in quotes, but must be true or false, without quotes"},
    {"header_timeout_ms: 9\n",
     "1:20: header_timeout_ms is '9', but must be a whole number from 10 to 3600000 ms"},
    {"log_level: LOUD\n", "1:12: log_level is 'LOUD', but must be DEBUG, INFO, WARNING or ERROR"},
    {"log_format: xml\n", "1:13: log_format is 'xml', but must be one of auto|text|json"},
    {"- port: 1\n", "1:1: the file is a list, but must be lines of NAME: VALUE"},
    {"port\n", "1:1: the file is text, but must be lines of NAME: VALUE"},
    {"port: 1\nport: 2\n", "2:1: 'port' is there already, in line 1"},
};

START_TEST(wrong_settings_are_told)
{
    ck_assert_int_eq(parse(wrong_settings[_i].text), GH_E_INPUT);
    assert_fault(wrong_settings[_i].fault);
}
END_TEST

START_TEST(all_faults_are_told_but_not_without_end)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    for (int i = 0; i < 25; i++)
        gh_buf_addf(&text, "zzzzzzzz%d: 1\n", i);
    ck_assert_int_eq(parse(gh_buf_text(&text)), GH_E_INPUT);
    ck_assert_uint_eq(faults.texts.count, GH_FAULTS_MAX);
    ck_assert_uint_eq(faults.omitted, 5);
    ck_assert_uint_eq(gh_faults_count(&faults), 25);
    assert_contains(faults.texts.list[19], "gatehouse.yaml:20:1: unknown setting");
}
END_TEST

/* ---- modules ---- */

START_TEST(modules_in_both_forms)
{
    touch("a.py");
    ck_assert_int_eq(parse("modules:\n"
                           "  short: a.py:f@asgi\n"
                           "  long: {file: ./a.py, attr: C, kind: module}\n"
                           "  there: {file: a.py, attr: make(), process: p, refuse_pickle: true}\n"
                           "  own: {file: a.py, attr: f, env: ml}\n"
                           "  same: {file: a.py, attr: f, env: ml}\n"
                           "  both: {file: a.py, attr: f, env: ml, process: q}\n"
                           "envs: {ml: {python: 3.11}}\n"),
                     GH_OK);
    const struct gh_module_spec *modules = settings.declared.modules;
    char *file GH_SCOPED(gh_free) = gh_asprintf("%s/a.py", folder);
    char real[PATH_MAX];

    ck_assert_uint_eq(settings.declared.module_count, 6);
    ck_assert_str_eq(modules[0].file, realpath(file, real));
    ck_assert_str_eq(modules[0].attr, "f@asgi");
    ck_assert_str_eq(modules[0].process, "default_process");
    assert_contains(modules[0].source, "gatehouse.yaml:2:3");
    ck_assert_str_eq(modules[1].file, real);
    ck_assert_str_eq(modules[1].attr, "C@module");
    ck_assert_str_eq(modules[2].process, "p");
    ck_assert(modules[2].refuses_pickle && !modules[1].refuses_pickle);
    ck_assert_str_eq(modules[3].process, "env-ml");
    ck_assert_str_eq(modules[4].process, "env-ml");
    ck_assert_str_eq(modules[5].process, "q");
    ck_assert_str_eq(gh_declared_env_of_process(&settings.declared, "q"), "ml");
    ck_assert_str_eq(gh_declared_env_of_process(&settings.declared, "p"), "");
}
END_TEST

START_TEST(a_flag_goes_over_a_module_of_the_file)
{
    struct gh_err err;
    char *flag GH_SCOPED(gh_free) = NULL;

    touch("a.py");
    touch("b.py");
    ck_assert_int_eq(parse("modules: {m: a.py:f, n: a.py:f}\n"), GH_OK);
    flag = gh_asprintf("m=%s/b.py:g", folder);
    ck_assert_int_eq(gh_declared_add_flag(&settings.declared, flag, &err), GH_OK);
    ck_assert_uint_eq(settings.declared.module_count, 2);
    ck_assert_str_eq(gh_declared_module(&settings.declared, "m")->attr, "g");
    ck_assert_str_eq(gh_declared_module(&settings.declared, "m")->source, "flag --module");
    ck_assert_int_eq(gh_declared_add_flag(&settings.declared, flag, &err), GH_E_INPUT);
}
END_TEST

static const struct {
    const char *text, *fault;
} wrong_modules[] = {
    {"modules: [a]\n", "1:10: modules is a list, but must be lines of NAME: FILE.py:ATTR, as in "
                       "examples/concat.py:concat"},
    {"modules:\n  m: a.py\n", "2:6: module m is 'a.py', but must read FILE.py:ATTR, as in "
                              "examples/concat.py:concat"},
    {"modules:\n  m:\n", "2:5: module m is nothing, but must be FILE.py:ATTR, as in "
                         "examples/concat.py:concat, or a mapping with file and attr"},
    {"modules:\n  m: {attr: f}\n", "2:6: module m has no file"},
    {"modules:\n  m: {file: a.py}\n", "2:6: module m has no attr"},
    {"modules:\n  m: {file: a.py, attr: f, evn: x}\n",
     "2:28: unknown key of a module 'evn'; did you mean env"},
    {"modules:\n  m: {file: [], attr: f}\n", "2:13: file is a list, but must be text"},
    {"modules:\n  m: {file: a.py, attr: }\n", "2:25: attr is empty, but must be text"},
    {"modules:\n  m: {file: a.py, attr: f, kind: html}\n",
     "2:34: module m: kind is 'html', but must be asgi, wsgi or module"},
    {"modules:\n  m: {file: a.py, attr: f, refuse_pickle: yes}\n",
     "2:43: module m: refuse_pickle must be true or false"},
    {"modules:\n  m: {file: a.py, attr: f, refuse_pickle: \"true\"}\n",
     "2:43: module m: refuse_pickle must be true or false"},
    {"modules:\n  m: a.py:f@html\n",
     "2:6: module m: kind is 'html', but must be asgi, wsgi or module"},
    {"modules:\n  m: {file: a.py, attr: f@asgi, kind: wsgi}\n",
     "2:39: module m has its kind in attr 'f@asgi' already"},
    {"modules:\n  a/b: a.py:f\n", "2:3: module 'a/b': a name is one segment of a URL and does not "
                                  "begin with _gatehouse"},
    {"modules:\n  _gatehouse: a.py:f\n", "2:3: module '_gatehouse': a name is one segment of a URL "
                                         "and does not begin with _gatehouse"},
    {"modules:\n  \"\": a.py:f\n", "2:3: module '': a name is missing"},
    {"modules:\n  m: {file: a.py, attr: f, env: lm}\nenvs: {ml: {python: 3.11}}\n",
     "2:3: module m: env is 'lm', which is not declared under envs; did you mean ml"},
    {"modules:\n  m: {file: a.py, attr: f, env: ml, process: default_process}\n"
     "envs: {ml: {python: 3.11}}\n",
     "2:3: module m: default_process runs in the setting env, not in 'ml'; name another process, "
     "or "
     "none"},
    {"modules:\n  m: {file: a.py, attr: f, env: a, process: p}\n"
     "  n: {file: a.py, attr: f, env: b, process: p}\n"
     "envs: {a: {python: 3.11}, b: {python: 3.11}}\n",
     "3:3: module n: process p runs in env 'a', so it cannot run in 'b'"},
};

START_TEST(wrong_modules_are_told)
{
    touch("a.py");
    ck_assert_int_eq(parse(wrong_modules[_i].text), GH_E_INPUT);
    assert_fault(wrong_modules[_i].fault);
}
END_TEST

START_TEST(a_module_needs_its_file)
{
    ck_assert_int_eq(parse("modules:\n  m: a.py:f\n"), GH_E_INPUT);
    assert_contains(faults.texts.list[0], "gatehouse.yaml:2:6: module m: file '");
    assert_contains(faults.texts.list[0], "/a.py': No such file or directory");
}
END_TEST

/* ---- envs ---- */

START_TEST(envs_of_each_kind)
{
    touch("reqs.txt");
    ck_assert_int_eq(parse("envs:\n"
                           "  a: {python: 3.11, requirements: [x==1, ./w.whl, -f ./wheels]}\n"
                           "  b: {python: ./py/bin/python, requirements: reqs.txt}\n"
                           "  c: {venv: v}\n"
                           "  d: {conda: ml}\n"
                           "  e: {conda: ./ml}\n"
                           "  f: {python: \"3.10\", requirements: [\"-f ~/wheels\"]}\n"),
                     GH_OK);
    const struct gh_env_spec *envs = settings.declared.envs;

    ck_assert_uint_eq(settings.declared.env_count, 6);
    ck_assert_str_eq(envs[0].version, "3.11");
    ck_assert(gh_env_spec_is_made(&envs[0]));
    ck_assert_str_eq(envs[0].requirements.list[0], "x==1");
    ck_assert_int_eq(envs[0].requirements.list[1][0], '/');
    ck_assert_int_eq(strncmp(envs[0].requirements.list[2], "-f /", 4), 0);
    assert_contains(envs[1].python, "/py/bin/python");
    assert_contains(envs[1].requirements_file, "/reqs.txt");
    ck_assert_int_eq(envs[2].venv[0], '/');
    ck_assert(!gh_env_spec_is_made(&envs[2]));
    ck_assert_str_eq(envs[3].conda, "ml");
    ck_assert_int_eq(envs[4].conda[0], '/');
    ck_assert_str_eq(envs[5].version, "3.10");
}
END_TEST

static const struct {
    const char *text, *fault;
} wrong_envs[] = {
    {"envs: x\n", "1:7: envs is text, but must be lines of NAME: {python: ...}"},
    {"envs:\n  e: 3.11\n", "2:6: env e is text, but must be a mapping with python, venv or conda"},
    {"envs:\n  e: {}\n", "2:3: env e does not say which Python: give it python, venv or conda"},
    {"envs:\n  e: {python: 3.11, conda: x}\n",
     "2:3: env e has more than one of python, venv and conda"},
    {"envs:\n  e: {pyhton: 3.11}\n", "2:7: unknown key of an env 'pyhton'; did you mean python"},
    {"envs:\n  e: {python: 3.x}\n", "2:15: env e: python is '3.x', but must be a version, as in "
                                    "\"3.11\", or the path of an interpreter"},
    {"envs:\n  e: {python: python3}\n",
     "2:15: env e: python is 'python3', but must be a version, as in \"3.11\", or the path of an "
     "interpreter"},
    {"envs:\n  e: {venv: []}\n", "2:13: venv is a list, but must be text"},
    {"envs:\n  e: {python: 3.11, requirements: [[]]}\n",
     "2:36: a requirement is a list, but must be text"},
    {"envs:\n  e: {python: 3.11, requirements: {}}\n",
     "2:35: requirements is a mapping, but must be text"},
    {"envs:\n  e: {python: 3.11, requirements: [\"a\\nb\"]}\n", "2:36: a requirement is one line"},
    {"envs:\n  ../e: {python: 3.11}\n",
     "2:3: env '../e': a name has 1 to 100 letters, digits or . _ - and begins with a letter or "
     "digit"},
};

START_TEST(wrong_envs_are_told)
{
    ck_assert_int_eq(parse(wrong_envs[_i].text), GH_E_INPUT);
    assert_fault(wrong_envs[_i].fault);
}
END_TEST

/* ---- which file ---- */

START_TEST(the_file_is_looked_for_where_such_files_are)
{
    char *xdg GH_SCOPED(gh_free) = gh_asprintf("%s/.config", folder);
    char *named GH_SCOPED(gh_free) = gh_configfile_find("/a/b.yaml");

    ck_assert_str_eq(named, "/a/b.yaml");
    unsetenv("XDG_CONFIG_HOME");
    ck_assert_int_eq(gh_configfile_read(&settings, "/nonexistent.yaml", &faults), GH_E_INPUT);
    ck_assert_str_eq(faults.texts.list[0],
                     "/nonexistent.yaml: there is no such file; give the path "
                     "of one by --config, or leave it out");
    (void)xdg;
}
END_TEST

START_TEST(the_folder_of_the_unit_comes_first)
{
    char *made GH_SCOPED(gh_free) = NULL;

    setenv("CONFIGURATION_DIRECTORY", folder, 1);
    char *found GH_SCOPED(gh_free) = gh_configfile_find("");
    ck_assert_ptr_null(found);
    made = write_file(folder, "gatehouse.yaml", "");
    found = gh_configfile_find("");
    ck_assert_str_eq(found, made);
    char *named GH_SCOPED(gh_free) = gh_configfile_find("/a/b.yaml");
    ck_assert_str_eq(named, "/a/b.yaml");
    unsetenv("CONFIGURATION_DIRECTORY");
}
END_TEST

/* ---- the client's files ---- */

static void
write_client_file(const char *name, const char *text)
{
    char *rh GH_SCOPED(gh_free) = gh_asprintf("%s/.rh", folder);
    char *made;

    mkdir(rh, 0700);
    made = write_file(rh, name, text);
    free(made);
}

START_TEST(the_client_files_give_host_and_port_only)
{
    write_client_file("config.yaml", "token: secret\nserver_port: 1\nserver_host: 10.0.0.1\n");
    write_client_file("cluster_config.json",
                      "{\"server_port\": 8080, \"server_host\": null, \"creds\": {\"a\": 1}}");
    ck_assert_int_eq(gh_clientfiles_read(&settings, &faults), GH_OK);
    ck_assert_uint_eq(settings.port, 8080);
    ck_assert_str_eq(settings.host, "10.0.0.1");
    ck_assert_str_eq(gh_row_source(&settings, gh_row_find("port")), "~/.rh/cluster_config.json");
    ck_assert_str_eq(gh_row_source(&settings, gh_row_find("host")), "~/.rh/config.yaml");
}
END_TEST

START_TEST(the_connection_type_says_who_reaches_us)
{
    write_client_file("cluster_config.json",
                      "{\"server_host\": \"0.0.0.0\", \"server_connection_type\": \"ssh\"}");
    ck_assert_int_eq(gh_clientfiles_read(&settings, &faults), GH_OK);
    ck_assert_str_eq(settings.host, "127.0.0.1");
    ck_assert(!settings.insecure);
    write_client_file("cluster_config.json",
                      "{\"server_host\": \"0.0.0.0\", \"server_connection_type\": \"none\"}");
    ck_assert_int_eq(gh_clientfiles_read(&settings, &faults), GH_OK);
    ck_assert_str_eq(settings.host, "0.0.0.0");
    ck_assert(settings.insecure);
}
END_TEST

START_TEST(broken_client_files_are_told_without_what_is_in_them)
{
    write_client_file("config.yaml", "token: secret\n  x: secret\n");
    write_client_file("cluster_config.json", "{\"server_port\": 99999}");
    ck_assert_int_eq(gh_clientfiles_read(&settings, &faults), GH_E_INPUT);
    ck_assert_uint_eq(faults.texts.count, 2);
    assert_contains(faults.texts.list[0], "config.yaml:2:4: mapping values are not allowed");
    ck_assert_ptr_null(strstr(faults.texts.list[0], "secret"));
    ck_assert_str_eq(faults.texts.list[1],
                     "~/.rh/cluster_config.json: server_port: port is '99999', "
                     "but must be a whole number from 0 to 65535");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, values_of_each_kind_and_their_places);
    tcase_add_test(tests, json_will_do);
    tcase_add_test(tests, paths_count_from_the_folder_of_the_file);
    tcase_add_loop_test(tests, wrong_settings_are_told, 0, (int)COUNT(wrong_settings));
    tcase_add_test(tests, all_faults_are_told_but_not_without_end);
    tcase_add_test(tests, modules_in_both_forms);
    tcase_add_test(tests, a_flag_goes_over_a_module_of_the_file);
    tcase_add_loop_test(tests, wrong_modules_are_told, 0, (int)COUNT(wrong_modules));
    tcase_add_test(tests, a_module_needs_its_file);
    tcase_add_test(tests, envs_of_each_kind);
    tcase_add_loop_test(tests, wrong_envs_are_told, 0, (int)COUNT(wrong_envs));
    tcase_add_test(tests, the_file_is_looked_for_where_such_files_are);
    tcase_add_test(tests, the_folder_of_the_unit_comes_first);
    tcase_add_test(tests, the_client_files_give_host_and_port_only);
    tcase_add_test(tests, the_connection_type_says_who_reaches_us);
    tcase_add_test(tests, broken_client_files_are_told_without_what_is_in_them);
}

int
main(void)
{
    return run_tests("conf_configfile", add);
}
