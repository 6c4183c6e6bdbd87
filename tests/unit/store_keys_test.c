/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keys.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "pool/shm.h"
#include "tests/unit/fake_worker.h"
#include "tests/unit/pool_rig.h"

static struct gh_keys keys;

static void
on_started(void *context, struct gh_process *process)
{
    rig.started_count++;
    gh_keys_on_started(context, process);
}

static void
on_died(void *context, struct gh_process *process)
{
    rig.died_count++;
    gh_keys_on_died(context, process);
}

static const struct gh_pool_events events = {
    &keys,   on_started,         gh_keys_on_put, gh_keys_on_gone,
    on_died, gh_keys_on_removed, rig_add_hello,  rig_add_environment};

static void
set_up(void)
{
    keys = (struct gh_keys){0};
    rig_up(&events);
}

static void
tear_down(void)
{
    gh_keys_done(&keys); /* first, since their descriptors are counted */
    rig_down();
}

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static struct gh_key *
find(const char *name)
{
    return gh_keys_find(&keys, slice(name));
}

static void
put(struct gh_process *process, struct gh_call *call, const char *json)
{
    gh_keys_on_put(&keys, process, call, json, strlen(json));
}

static struct gh_spec *
spec_of(enum gh_frame_kind kind, const char *key, const char *method, const char *data)
{
    struct gh_call_head head = {.serialization = GH_SERIALIZATION_JSON,
                                .flags = GH_CALL_STREAM_LOGS | GH_CALL_REMOTE,
                                .key = slice(key),
                                .method = slice(method),
                                .data = (const uint8_t *)data,
                                .data_len = strlen(data)};
    return gh_spec_new(kind, &head, -1);
}

/* ---- the index ---- */

START_TEST(declared_key_is_found_until_it_is_dropped)
{
    struct gh_process process = {0};

    ck_assert_ptr_null(find("a"));
    struct gh_key *key = gh_keys_declare(&keys, "a", &process);
    ck_assert_ptr_eq(find("a"), key);
    ck_assert_ptr_eq(key->process, &process);
    ck_assert_ptr_eq(gh_keys_declare(&keys, "a", &process), key);
    ck_assert_ptr_null(find("A"));
    ck_assert_ptr_null(find("a "));
    ck_assert_ptr_null(find(""));
    gh_keys_drop(&keys, key);
    ck_assert_ptr_null(find("a"));
}
END_TEST

START_TEST(put_fills_in_what_the_worker_says)
{
    struct gh_process process = {.name = (char *)(uintptr_t) "p"};

    put(&process, NULL,
        "{\"key\": \"a\", \"address\": \"/me/a\", \"visibility\": \"private\", \"type\": \"T\", "
        "\"resource\": true, \"app\": \"wsgi\"}");
    struct gh_key *key = find("a");
    ck_assert_str_eq(key->app, "wsgi");
    ck_assert_str_eq(key->address, "/me/a");
    ck_assert_str_eq(key->visibility, "private");
    ck_assert_str_eq(key->type, "T");
    ck_assert(key->is_resource);
    ck_assert_uint_eq(key->put_call_id, 0);

    put(&process, NULL, "{\"key\": \"a\", \"address\": null, \"type\": 7, \"resource\": 1}");
    ck_assert_ptr_eq(find("a"), key);
    ck_assert_ptr_null(key->app);
    ck_assert_ptr_null(key->address);
    ck_assert_ptr_null(key->visibility);
    ck_assert_ptr_null(key->type);
    ck_assert(!key->is_resource);
}
END_TEST

static const char *const bad_puts[] = {"",
                                       "{",
                                       "[]",
                                       "null",
                                       "{}",
                                       "{\"key\": null}",
                                       "{\"key\": 1}",
                                       "{\"key\": \"a\"} x",
                                       "{\"key\": \"\xff\"}"};

START_TEST(put_without_a_key_changes_nothing)
{
    struct gh_process process = {.name = (char *)(uintptr_t) "p"};

    put(&process, NULL, bad_puts[_i]);
    ck_assert_ptr_null(keys.by_name);
}
END_TEST

START_TEST(only_its_own_process_can_take_a_key_away)
{
    struct gh_process one = {.name = (char *)(uintptr_t) "one"};
    struct gh_process two = {.name = (char *)(uintptr_t) "two"};

    gh_keys_declare(&keys, "a", &one);
    gh_keys_declare(&keys, "b", &one);
    gh_keys_on_gone(&keys, &two, slice("a"));
    ck_assert_ptr_nonnull(find("a"));
    gh_keys_on_gone(&keys, &one, slice("none"));
    gh_keys_on_gone(&keys, &one, slice("a"));
    ck_assert_ptr_null(find("a"));
    ck_assert_ptr_nonnull(find("b"));
}
END_TEST

START_TEST(death_takes_the_objects_and_leaves_the_modules)
{
    struct gh_process one = {.name = (char *)(uintptr_t) "one"};
    struct gh_process two = {.name = (char *)(uintptr_t) "two"};

    gh_keys_declare(&keys, "object", &one);
    gh_keys_declare(&keys, "other", &two);
    gh_keys_add_spec(gh_keys_declare(&keys, "module", &one),
                     spec_of(GH_FRAME_PUT_RESOURCE, "", "", "1"));
    gh_keys_on_died(&keys, &one);
    ck_assert_ptr_null(find("object"));
    ck_assert_ptr_nonnull(find("module"));
    ck_assert_ptr_nonnull(find("other"));

    gh_keys_on_removed(&keys, &one);
    ck_assert_ptr_null(find("module"));
    ck_assert_ptr_nonnull(find("other"));
}
END_TEST

START_TEST(keys_stay_in_order_of_insertion)
{
    struct gh_process process = {0};
    char name[12];
    unsigned i = 0;

    for (i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "key%u", i);
        gh_keys_declare(&keys, name, &process);
    }
    i = 0;
    for (struct gh_key *key = keys.by_name; key; key = key->hh.next) {
        snprintf(name, sizeof name, "key%u", i++);
        ck_assert_str_eq(key->name, name);
    }
    ck_assert_uint_eq(i, 300);
}
END_TEST

/* ---- specs ---- */

START_TEST(spec_is_a_copy_of_the_request)
{
    char data[] = "[1]";
    struct gh_spec *spec = spec_of(GH_FRAME_CALL, "key", "method", data);

    memset(data, 0, sizeof data);
    ck_assert_int_eq(spec->kind, GH_FRAME_CALL);
    ck_assert_int_eq(spec->serialization, GH_SERIALIZATION_JSON);
    ck_assert_uint_eq(spec->flags, GH_CALL_REMOTE); /* nobody reads the logs of a rebuild */
    ck_assert_str_eq(spec->key, "key");
    ck_assert_str_eq(spec->method, "method");
    assert_bytes(spec->data, spec->data_len, "[1]");
    ck_assert_int_eq(spec->fd, -1);
    gh_spec_free(&spec);
    ck_assert_ptr_null(spec);
    gh_spec_free(&spec);
}
END_TEST

START_TEST(spec_has_a_descriptor_of_its_own)
{
    struct gh_err err;
    int fd = gh_shm_open(&err);
    struct gh_call_head head = {.data_offset = 3, .data_len = 5};
    struct gh_spec *spec = gh_spec_new(GH_FRAME_PUT_RESOURCE, &head, fd);
    struct gh_spec *copy = gh_spec_copy(spec);

    close(fd);
    ck_assert_int_ge(fcntl(spec->fd, F_GETFD), 0);
    ck_assert_int_ne(copy->fd, spec->fd);
    gh_spec_free(&spec);
    ck_assert_int_eq(fcntl(copy->fd, F_GETFD), FD_CLOEXEC);
    ck_assert_uint_eq(copy->data_offset, 3);
    ck_assert_uint_eq(copy->data_len, 5);
    ck_assert_ptr_null(copy->data);
    gh_spec_free(&copy);
}
END_TEST

START_TEST(copy_is_the_whole_list)
{
    struct gh_spec *list = NULL;

    gh_spec_append(&list, spec_of(GH_FRAME_PUT_RESOURCE, "", "", "1"));
    gh_spec_append(&list, spec_of(GH_FRAME_CALL, "k", "m", "22"));
    struct gh_spec *copy = gh_spec_copy(list);
    gh_spec_free(&list);
    assert_bytes(copy->data, copy->data_len, "1");
    assert_bytes(copy->next->data, copy->next->data_len, "22");
    ck_assert_ptr_null(copy->next->next);
    gh_spec_free(&copy);
    ck_assert_ptr_null(gh_spec_copy(NULL));
}
END_TEST

START_TEST(constructor_call_takes_the_place_of_an_earlier_one)
{
    struct gh_process process = {0};
    struct gh_key *key = gh_keys_declare(&keys, "a", &process);

    gh_keys_add_spec(key, spec_of(GH_FRAME_PUT_RESOURCE, "", "", "class"));
    gh_keys_add_spec(key, spec_of(GH_FRAME_CALL, "a", "_remote_init", "first"));
    gh_keys_add_spec(key, spec_of(GH_FRAME_CALL, "a", "_remote_init", "second"));
    assert_bytes(key->specs->data, key->specs->data_len, "class");
    assert_bytes(key->specs->next->data, key->specs->next->data_len, "second");
    ck_assert_ptr_null(key->specs->next->next);
}
END_TEST

START_TEST(made_of_finds_the_key_that_its_call_put)
{
    struct gh_process process = {.name = (char *)(uintptr_t) "p"};
    struct gh_call call = {.id = 77, .kind = GH_FRAME_PUT_RESOURCE};
    struct gh_call other = {.id = 78, .kind = GH_FRAME_CALL};

    put(&process, &call, "{\"key\": \"a\"}");
    put(&process, &other, "{\"key\": \"b\"}");
    ck_assert_uint_eq(find("a")->put_call_id, 77);
    ck_assert_uint_eq(find("b")->put_call_id, 0);

    gh_keys_made_of(&keys, 77, spec_of(GH_FRAME_PUT_RESOURCE, "", "", "old"));
    gh_keys_made_of(&keys, 77, spec_of(GH_FRAME_PUT_RESOURCE, "", "", "new"));
    ck_assert_ptr_null(find("a")->specs->next);
    assert_bytes(find("a")->specs->data, find("a")->specs->data_len, "new");
    gh_keys_made_of(&keys, 78, spec_of(GH_FRAME_PUT_RESOURCE, "", "", "nobody's"));
    ck_assert_ptr_null(find("b")->specs);
}
END_TEST

START_TEST(taken_specs_replace_the_old_ones)
{
    struct gh_process process = {0};
    struct gh_key *key = gh_keys_declare(&keys, "a", &process);
    struct gh_spec *list = spec_of(GH_FRAME_LOAD, "a", "", "new");

    gh_keys_add_spec(key, spec_of(GH_FRAME_LOAD, "a", "", "old"));
    gh_keys_take_specs(key, &list);
    ck_assert_ptr_null(list);
    assert_bytes(key->specs->data, key->specs->data_len, "new");
}
END_TEST

/* ---- with workers ---- */

static void
kill_worker(struct gh_process *process)
{
    struct outcome dying GH_SCOPED(outcome_done) = {0};
    call_and_wait(process, "kill", NULL, &dying);
}

START_TEST(new_worker_gets_its_modules_before_any_call)
{
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        struct gh_key *key = gh_keys_declare(&keys, names[i], process);
        gh_keys_add_spec(key, spec_of(GH_FRAME_LOAD, names[i], "", "\"data\""));
        gh_keys_add_spec(key, spec_of(GH_FRAME_CALL, names[i], "_remote_init", "1"));
    }
    kill_worker(process);
    ck_assert_ptr_nonnull(find("a"));
    ck_assert(find("a")->is_pending && find("c")->is_pending);
    call_and_wait(process, "echo", "1", &next);
    ck_assert_uint_eq(rig.started_count, 2);
    ck_assert_str_eq(find("a")->type, "fake"); /* the new worker has put them again */
    ck_assert_str_eq(find("c")->type, "fake");
    ck_assert_ptr_null(find("a")->problem);
    ck_assert(!find("a")->is_pending && !find("c")->is_pending);
}
END_TEST

START_TEST(module_that_cannot_be_rebuilt_has_its_problem)
{
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    gh_keys_add_spec(gh_keys_declare(&keys, "a", process),
                     spec_of(GH_FRAME_LOAD, "a", "", "\"bad\""));
    gh_keys_add_spec(gh_keys_declare(&keys, "b", process),
                     spec_of(GH_FRAME_LOAD, "b", "", "\"good\""));
    kill_worker(process);
    call_and_wait(process, "echo", "1", &next);
    ck_assert_str_eq(find("a")->problem, "bad");
    ck_assert_ptr_null(find("b")->problem);
    ck_assert_str_eq(find("b")->type, "fake");
}
END_TEST

START_TEST(rebuild_goes_on_when_its_key_is_dropped)
{
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    gh_keys_add_spec(gh_keys_declare(&keys, "a", process), spec_of(GH_FRAME_LOAD, "a", "", "1"));
    gh_keys_add_spec(gh_keys_declare(&keys, "b", process), spec_of(GH_FRAME_LOAD, "b", "", "1"));
    kill_worker(process);
    gh_keys_drop(&keys, find(_i ? "a" : "b"));
    call_and_wait(process, "echo", "1", &next);
    ck_assert_ptr_null(next.failure);
    ck_assert_str_eq(find(_i ? "b" : "a")->type, "fake");
}
END_TEST

START_TEST(rebuild_ends_with_its_worker)
{
    struct gh_process *process = ready_process("serves");

    gh_keys_add_spec(gh_keys_declare(&keys, "a", process), spec_of(GH_FRAME_LOAD, "a", "", "1"));
    kill_worker(process);
    gh_worker_kill(process->worker); /* in the middle of it */
    while (rig.died_count < 2)
        rig_turn();
    ck_assert_ptr_nonnull(find("a"));
    ck_assert_int_eq(process->state,
                     GH_PROCESS_PARKED); /* two deaths, the second before it served */
}
END_TEST

START_TEST(newest_put_wins_and_the_old_copy_goes)
{
    struct outcome first GH_SCOPED(outcome_done) = {0};
    struct outcome second GH_SCOPED(outcome_done) = {0};
    struct gh_process *one = ready_process("one");
    struct gh_process *two = ready_process("two");
    struct gh_err err;

    ck_assert_int_eq(send_order(one, GH_FRAME_PUT_OBJECT, "a", "", "1", &first, &err), GH_OK);
    rig_run_until(&first.is_done);
    ck_assert_ptr_eq(find("a")->process, one);
    gh_keys_add_spec(find("a"), spec_of(GH_FRAME_LOAD, "a", "", "1"));

    ck_assert_int_eq(send_order(two, GH_FRAME_PUT_OBJECT, "a", "", "1", &second, &err), GH_OK);
    rig_run_until(&second.is_done);
    while (one->call_count > 0) /* the DELETE; its KEY_GONE must not take the new copy */
        rig_turn();
    ck_assert_ptr_eq(find("a")->process, two);
    ck_assert_ptr_null(find("a")->specs);
}
END_TEST

/* Out of descriptors, a module cannot be sent again; the daemon must survive that and say so. */
START_TEST(rebuild_without_descriptors_is_a_problem_of_the_module)
{
    struct gh_err err;
    struct gh_process *process = ready_process("serves");
    struct gh_call_head head = {.key = slice("a"), .data_offset = 2, .data_len = 5};
    int fd = gh_shm_open(&err);
    struct rlimit limit, none;

    ck_assert_int_eq(gh_shm_write(fd, "0123456789", 10, &err), GH_OK);
    gh_keys_add_spec(gh_keys_declare(&keys, "a", process), gh_spec_new(GH_FRAME_LOAD, &head, fd));
    int lowest_free = dup(fd);
    close(lowest_free);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)lowest_free;
    setrlimit(RLIMIT_NOFILE, &none);
    gh_keys_on_started(&keys, process);
    setrlimit(RLIMIT_NOFILE, &limit);
    close(fd);
    ck_assert_ptr_nonnull(find("a")->problem);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, declared_key_is_found_until_it_is_dropped);
    tcase_add_test(tests, put_fills_in_what_the_worker_says);
    tcase_add_loop_test(tests, put_without_a_key_changes_nothing, 0, (int)COUNT(bad_puts));
    tcase_add_test(tests, only_its_own_process_can_take_a_key_away);
    tcase_add_test(tests, death_takes_the_objects_and_leaves_the_modules);
    tcase_add_test(tests, keys_stay_in_order_of_insertion);
    tcase_add_test(tests, spec_is_a_copy_of_the_request);
    tcase_add_test(tests, spec_has_a_descriptor_of_its_own);
    tcase_add_test(tests, copy_is_the_whole_list);
    tcase_add_test(tests, constructor_call_takes_the_place_of_an_earlier_one);
    tcase_add_test(tests, made_of_finds_the_key_that_its_call_put);
    tcase_add_test(tests, taken_specs_replace_the_old_ones);
    tcase_add_test(tests, new_worker_gets_its_modules_before_any_call);
    tcase_add_test(tests, module_that_cannot_be_rebuilt_has_its_problem);
    tcase_add_loop_test(tests, rebuild_goes_on_when_its_key_is_dropped, 0, 2);
    tcase_add_test(tests, rebuild_ends_with_its_worker);
    tcase_add_test(tests, newest_put_wins_and_the_old_copy_goes);
    tcase_add_test(tests, rebuild_without_descriptors_is_a_problem_of_the_module);
}

int
main(int argc, char **argv)
{
    if (is_fake_worker(argc, argv))
        return fake_worker(argc, argv);
    return run_tests("store_keys", add);
}
