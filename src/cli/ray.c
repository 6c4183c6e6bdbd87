/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/ray.c - the command `ray` of a node, for the client that joins further nodes to the first.
 *
 * The client runs `ray start --address=HEAD:6379` on each further node. No Ray is here and none is
 * needed: that the node was joined, and to which head, is kept in STATE_DIR/joined.json for `ray status`
 * and for what will place work on it. Everything says what it is, and succeeds. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/shim.h"
#include "conf/home.h"

#define ADDRESS "--address="

static char *
joined_path(void)
{
    const char *setting = getenv("GATEHOUSE_STATE_DIR");
    char *state GH_SCOPED(gh_free) = gh_state_dir(setting ? setting : "");

    return gh_asprintf("%s/joined.json", state);
}

/* The head's address among the words, "ADDRESS" or "--address" "ADDRESS"; NULL for a head itself. */
static const char *
address_of(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], ADDRESS, strlen(ADDRESS)) == 0)
            return argv[i] + strlen(ADDRESS);
        if (strcmp(argv[i], "--address") == 0 && i + 1 < argc)
            return argv[i + 1];
    }
    return NULL;
}

/* Whole or not at all, as the state of a node must be. */
static int
write_joined(const char *head, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = joined_path();
    char *fresh GH_SCOPED(gh_free) = gh_asprintf("%s.%d", path, getpid());
    json_t *json = json_pack("{s:s, s:I}", "head", head, "joined_at_s", (json_int_t)time(NULL));
    bool is_written = json_dump_file(json, fresh, JSON_COMPACT) == 0 && rename(fresh, path) == 0;

    json_decref(json);
    if (is_written)
        return GH_EXIT_OK;
    gh_err_set(err, GH_EXIT_FAILED, "%s: %s", path, strerror(errno));
    unlink(fresh);
    return GH_EXIT_FAILED;
}

static int
run_start(int argc, char **argv, struct gh_err *err)
{
    const char *head = address_of(argc, argv);

    if (!head) {
        printf("A head of gatehouse needs no Ray: nothing was started.\n");
        return GH_EXIT_OK;
    }
    int rc = write_joined(head, err);
    if (rc == GH_EXIT_OK)
        printf("Joined to the head %s. This node is registered; it takes no work yet, which this "
               "version "
               "does on the head alone.\n",
               head);
    return rc;
}

static int
run_stop(int argc, char **argv, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = joined_path();

    (void)argc;
    (void)argv;
    if (unlink(path) == 0) {
        printf("This node is not joined any more.\n");
        return GH_EXIT_OK;
    }
    if (errno != ENOENT)
        return gh_err_set(err, GH_EXIT_FAILED, "%s: %s", path, strerror(errno));
    printf("No Ray is here: nothing was stopped.\n");
    return GH_EXIT_OK;
}

static int
run_status(int argc, char **argv, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = joined_path();
    json_t *json = json_load_file(path, 0, NULL);
    const char *head = json_string_value(json_object_get(json, "head"));

    (void)argc;
    (void)argv;
    (void)err;
    if (head)
        printf("Joined to the head %s; takes no work yet.\n", head);
    else
        printf("No Ray is here, and this node is joined to no other.\n");
    json_decref(json);
    return GH_EXIT_OK;
}

int
gh_ray_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv, struct gh_err *err);
    } commands[] = {{"start", run_start}, {"stop", run_stop}, {"status", run_status}};
    struct gh_err err = {0};

    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            int rc = commands[i].run(argc - 2, argv + 2, &err);
            return rc == GH_EXIT_OK ? rc : gh_shim_say("ray", rc, &err);
        }
    gh_err_set(
        &err, GH_EXIT_USAGE,
        "this is a node of gatehouse, which has no Ray; `ray` knows only start, stop and status");
    return gh_shim_say("ray", GH_EXIT_USAGE, &err);
}
