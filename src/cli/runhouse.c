/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/runhouse.c - the command `runhouse` of a node, for the client that brings the node up over ssh.
 *
 * It knows what the client runs there: --version and server start|restart|stop|status, with every option
 * that the client's own command has. What has a meaning here becomes an option of gatehoused; what is
 * about Ray, screen, nohup, Caddy or conda is accepted and does nothing. The client looks at the
 * exit status only, and shows what is written. Source: docs/ssh.md, runhouse 0.0.42 main.py. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/bringup.h"
#include "cli/client.h"
#include "cli/clusterfile.h"
#include "cli/daemon.h"
#include "cli/facts.h"
#include "cli/launch.h"
#include "cli/shim.h"
#include "conf/home.h"

#define LOG_PATH "~/.rh/server.log" /* where people who know the client look */
#define RECORD "runhouse-server" /* in the state folder: the port of the server that was started */

enum meaning {
    NOTHING,
    HOST,
    PORT,
    ENV,
    DOMAIN,
    CERTS_ADDRESS,
    CERTFILE,
    KEYFILE,
    NO_SCREEN,
    NO_NOHUP,
    HTTPS,
    DEN_URL,
    DEN_AUTH
};

static const struct option {
    const char *name;
    enum meaning meaning;
    bool has_value;
} options[] = {
    {"--api-server-url", DEN_URL, true},
    {"--certs-address", CERTS_ADDRESS, true},
    {"--cleanup-actors", NOTHING, false},
    {"--conda-env", NOTHING, true}, /* the client runs us by `conda run`, which says CONDA_PREFIX */
    {"--domain", DOMAIN, true},
    {"--from-python", NOTHING, false},
    {"--host", HOST, true},
    {"--no-cleanup-actors", NOTHING, false},
    {"--no-from-python", NOTHING, false},
    {"--no-nohup", NO_NOHUP, false},
    {"--no-restart-proxy", NOTHING, false},
    {"--no-restart-ray", NOTHING, false},
    {"--no-resync-rh", NOTHING, false},
    {"--no-screen", NO_SCREEN, false},
    {"--no-stop-ray", NOTHING, false},
    {"--no-use-caddy", NOTHING, false},
    {"--no-use-den-auth", NOTHING, false},
    {"--no-use-https", NOTHING, false},
    {"--nohup", NOTHING, false},
    {"--port", PORT, true},
    {"--restart-proxy", NOTHING, false},
    {"--restart-ray", NOTHING, false},
    {"--resync-rh", NOTHING, false},
    {"--screen", NOTHING, false},
    {"--ssl-certfile", CERTFILE, true},
    {"--ssl-keyfile", KEYFILE, true},
    {"--stop-ray", NOTHING, false},
    {"--use-caddy", NOTHING, false},
    {"--use-den-auth", DEN_AUTH, false},
    {"--use-https", HTTPS, false},
    {"--venv", ENV, true},
};

/* What the command line said, by meaning; borrowed from argv, "" for a flag. */
struct asked {
    const char *value[DEN_AUTH + 1];
};

/* ---- the command line ---- */

static const struct option *
find_option(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, word, len) == 0)
            return &options[i];
    return NULL;
}

static int
parse(int argc, char **argv, struct asked *asked, struct gh_err *err)
{
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        size_t len = strcspn(word, "=");
        const struct option *option = find_option(word, len);
        const char *value = word[len] ? word + len + 1 : NULL;

        if (word[0] != '-')
            return gh_err_set(err, GH_EXIT_USAGE,
                              "'%s': this command is of the node it runs on; run the client's own "
                              "command where the client is",
                              word);
        if (!option || (value && !option->has_value))
            return gh_err_set(err, GH_EXIT_USAGE, "option '%s' is not known", word);
        if (option->has_value && !value && ++at < argc)
            value = argv[at];
        if (option->has_value && !value)
            return gh_err_set(err, GH_EXIT_USAGE, "option '%s' needs a value", word);
        asked->value[option->meaning] = value ? value : "";
    }
    return GH_EXIT_OK;
}

/* The options of gatehoused that follow. Others are in ~/.rh/cluster_config.json, which it reads. */
static void
translate(const struct asked *asked, struct gh_words *words)
{
    static const struct {
        enum meaning meaning;
        const char *flag;
    } passed[] = {
        {HOST, "--host"},
        {PORT, "--port"},
        {ENV, "--env"},
        {DEN_URL, "--api-server-url"},
        {DOMAIN, "--domain"},
        {DOMAIN, "--allowed-hosts"},
        {KEYFILE, "--ssl-keyfile"},
        {CERTFILE, "--ssl-certfile"},
        {CERTS_ADDRESS, "--certs-address"},
    };

    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        if (asked->value[passed[i].meaning])
            gh_words_addf(words, "%s=%s", passed[i].flag, asked->value[passed[i].meaning]);
    gh_clusterfile_options(asked->value[HOST], words);
    if (asked->value[DEN_AUTH])
        gh_words_add(words, "--use-den-auth");
    if (asked->value[HTTPS])
        gh_words_add(words, "--use-https");
}

/* ---- which server is the node's ---- */

/* Where the server that we start is, and the one that we started before. */
struct place {
    char *socket, *previous_socket; /* the second is NULL when it is the same, or there was none */
    char *record;
    unsigned port;
};

static void
done_place(struct place *place)
{
    gh_free(&place->socket);
    gh_free(&place->previous_socket);
    gh_free(&place->record);
}

static int
find_place(const struct gh_words *words, struct place *place, struct gh_err *err)
{
    unsigned port = 0;

    int rc = gh_bringup_place(words, &place->port, &place->socket, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (!place->socket)
        return gh_err_set(err, GH_EXIT_USAGE, "port is 0, but the client needs to know it");
    int folder_len = (int)(strrchr(place->socket, '/') - place->socket);
    place->record = gh_asprintf("%.*s/" RECORD, folder_len, place->socket);
    FILE *file = fopen(place->record, "re");
    if (file && fscanf(file, "%5u", &port) == 1 && port != place->port)
        place->previous_socket =
            gh_asprintf("%.*s/control-%u.sock", folder_len, place->socket, port);
    if (file)
        fclose(file);
    return GH_EXIT_OK;
}

/* So that the next stop or restart finds it, whatever port is configured then. */
static void
record_port(const struct place *place)
{
    FILE *file = fopen(place->record, "we");

    if (!file) /* it is then found by its port alone */
        return;
    fprintf(file, "%u\n", place->port);
    fclose(file);
}

/* End the server at SOCKET, if there is one. *COUNT counts those that there were. */
static int
end_one(const char *socket, unsigned *count, struct gh_err *err)
{
    pid_t pid;

    if (!socket)
        return GH_EXIT_OK;
    int rc = gh_bringup_down(socket, 0, &pid, err);
    if (rc == GH_EXIT_NO_CONNECTION)
        return GH_EXIT_OK;
    if (rc == GH_EXIT_OK)
        ++*count;
    return rc;
}

static int
end_servers(const struct place *place, unsigned *count, struct gh_err *err)
{
    int rc = end_one(place->previous_socket, count, err);

    return rc == GH_EXIT_OK ? end_one(place->socket, count, err) : rc;
}

/* ---- the commands ---- */

static void
print_up(const struct gh_brought *brought)
{
    char *output GH_SCOPED(gh_free) = gh_brought_output(brought);

    printf("Server is %s: gatehoused at %s, pid %d, %s\n",
           brought->was_running ? "up already" : "up", brought->url, brought->pid, output);
}

static int
run_start(const struct asked *asked, struct gh_words *words, const struct place *place,
          struct gh_err *err)
{
    char *log_path GH_SCOPED(gh_free) = gh_home_path(LOG_PATH);
    struct gh_bringup bringup = {.options = *words, .log_path = log_path};
    struct gh_brought brought;

    if (asked->value[NO_SCREEN] && asked->value[NO_NOHUP]) {
        record_port(place);
        return gh_launch_here(words, err);
    }
    int rc = gh_bringup_up(&bringup, &brought, err);
    if (rc != GH_EXIT_OK)
        return rc;
    record_port(place);
    print_up(&brought);
    if (brought.has_other_options)
        printf(
            "It runs with other options, and keeps them; runhouse server restart applies yours.\n");
    gh_brought_done(&brought);
    return GH_EXIT_OK;
}

/* Options are as the unit has them; what the client has written to ~/.rh is read anew. */
static int
restart_unit(const struct place *place, struct gh_err *err)
{
    struct gh_brought brought;

    int rc = gh_bringup_again(place->socket, 0, &brought, err);
    if (rc != GH_EXIT_OK)
        return rc;
    record_port(place);
    printf("Server stopped.\n");
    print_up(&brought);
    gh_brought_done(&brought);
    return GH_EXIT_OK;
}

static int
run_restart(const struct asked *asked, struct gh_words *words, const struct place *place,
            struct gh_err *err)
{
    unsigned count = 0;

    if (gh_bringup_has_unit(place->socket))
        return restart_unit(place, err);
    int rc = end_servers(place, &count, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (count > 0)
        printf("Server stopped.\n");
    return run_start(asked, words, place, err);
}

static int
run_stop(const struct asked *asked, struct gh_words *words, const struct place *place,
         struct gh_err *err)
{
    unsigned count = 0;

    (void)asked;
    (void)words;
    int rc = end_servers(place, &count, err);
    if (rc == GH_EXIT_OK)
        printf("Server stopped.%s\n", count > 0 ? "" : " None was running.");
    return rc;
}

/* By the daemon itself, since it can be switched while it runs. */
static bool
checks_callers(const struct place *place)
{
    char *state GH_SCOPED(gh_free) =
        gh_strndup(place->socket, (size_t)(strrchr(place->socket, '/') - place->socket));
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    json_t *status GH_SCOPED(gh_json_drop) = NULL;
    struct gh_err err;

    int rc = gh_bringup_ask(state, place->port, &client, &err);
    if (rc == GH_EXIT_OK)
        rc = gh_facts_status(client, &status, &err);
    const json_t *config = json_object_get(status, "cluster_config");
    return rc == GH_EXIT_OK && json_is_true(json_object_get(config, "den_auth"));
}

static int
run_status(const struct asked *asked, struct gh_words *words, const struct place *place,
           struct gh_err *err)
{
    struct gh_daemon daemon;

    (void)asked;
    (void)words;
    int rc = gh_daemon_find(place->socket, &daemon, err);
    if (rc != GH_EXIT_OK)
        return gh_err_set(err, GH_EXIT_FAILED, "Server is not running on port %u", place->port);
    char *type GH_SCOPED(gh_free) = gh_clusterfile_text("server_connection_type");
    char *host GH_SCOPED(gh_free) = gh_clusterfile_text("server_host");
    printf("Server is up.\nserver pid: %d\nport: %u\nden auth: %s\nconnection type: %s\n"
           "host: %s\n",
           daemon.pid, place->port, checks_callers(place) ? "true" : "false",
           type[0] ? type : "none", host[0] ? host : "127.0.0.1");
    gh_daemon_done(&daemon);
    return GH_EXIT_OK;
}

static const struct command {
    const char *name;
    int (*run)(const struct asked *, struct gh_words *, const struct place *, struct gh_err *);
} commands[] = {
    {"start", run_start}, {"restart", run_restart}, {"stop", run_stop}, {"status", run_status}};

static int
run_command(const struct command *command, int argc, char **argv, struct gh_err *err)
{
    struct gh_words words GH_SCOPED(gh_words_done) = {0};
    struct place place GH_SCOPED(done_place) = {0};
    struct asked asked = {0};

    int rc = parse(argc, argv, &asked, err);
    translate(&asked, &words);
    if (rc == GH_EXIT_OK)
        rc = find_place(&words, &place, err);
    if (rc == GH_EXIT_OK)
        rc = command->run(&asked, &words, &place, err);
    return rc;
}

static int
usage(struct gh_err *err)
{
    return gh_err_set(
        err, GH_EXIT_USAGE,
        "this is a node of gatehouse, where `runhouse` knows only --version and server "
        "start, restart, stop, status; `gatehouse --help` has more");
}

static int
print_version(void)
{
    char *version GH_SCOPED(gh_free) = gh_bringup_rh_version();

    printf("%s\n", version);
    return GH_EXIT_OK;
}

int
gh_runhouse_main(int argc, char **argv)
{
    struct gh_err err = {0};

    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_version();
    if (argc < 3 || strcmp(argv[1], "server") != 0)
        return gh_shim_say("runhouse", usage(&err), &err);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[2], commands[i].name) == 0) {
            int rc = run_command(&commands[i], argc - 3, argv + 3, &err);
            return rc == GH_EXIT_OK ? rc : gh_shim_say("runhouse", rc, &err);
        }
    return gh_shim_say("runhouse", usage(&err), &err);
}
