/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bringup.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"
#include "cli/daemon.h"
#include "cli/facts.h"
#include "cli/launch.h"
#include "cli/service.h"
#include "conf/faults.h"
#include "conf/home.h"
#include "conf/rows.h"
#include "conf/settings.h"

#define START_MS 60000
#define END_MS 60000
#define CHECK_S "30"

void
gh_brought_done(struct gh_brought *brought)
{
    gh_free(&brought->url);
    gh_free(&brought->log_path);
    gh_free(&brought->unit);
}

char *
gh_brought_output(const struct gh_brought *brought)
{
    if (brought->unit)
        return gh_asprintf("unit %s", brought->unit);
    return gh_asprintf("log %s", brought->log_path ? brought->log_path : "not in a file");
}

/* ---- which daemon ---- */

/* All that is wrong, in one line. */
static int
tell_faults(const struct gh_faults *faults, struct gh_err *err)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < faults->texts.count; i++)
        gh_buf_addf(&text, "%s%s", i ? "; " : "", faults->texts.list[i]);
    return gh_err_set(err, GH_EXIT_USAGE, "%s", gh_buf_text(&text));
}

/* What a daemon of these options would be set to. The caller releases SETTINGS in any case. */
static int
load_settings(const struct gh_words *options, struct gh_settings *settings, struct gh_err *err)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};

    gh_words_add(&argv, "gatehoused");
    gh_words_add_all(&argv, options);
    switch (gh_settings_load(settings, (int)argv.count, argv.list, &faults)) {
    case GH_SETTINGS_RUN:
        break;
    case GH_SETTINGS_DONE:
        return gh_err_set(err, GH_EXIT_USAGE, "--version belongs to gatehoused itself");
    default:
        return tell_faults(&faults, err);
    }
    if (settings->ready_fd != 0)
        return gh_err_set(
            err, GH_EXIT_USAGE,
            "ready_fd is %u, but it is gatehouse that waits here: leave it out, or run "
            "gatehoused",
            (unsigned)settings->ready_fd);
    return GH_EXIT_OK;
}

/* A broken environment must not hide it: then it is the default. */
char *
gh_bringup_rh_version(void)
{
    struct gh_words none = {0};
    struct gh_settings settings;
    struct gh_err err;

    int rc = load_settings(&none, &settings, &err);
    char *version =
        gh_strdup(rc == GH_EXIT_OK ? settings.rh_version : gh_rows[GH_ROW_INDEX_rh_version].preset);
    gh_settings_done(&settings);
    return version;
}

static int
check_options(const struct gh_words *options, struct gh_err *err)
{
    struct gh_settings settings;

    int rc = load_settings(options, &settings, err);
    gh_settings_done(&settings);
    return rc;
}

static char *
socket_path(const char *state, unsigned port)
{
    return port ? gh_asprintf("%s/control-%u.sock", state, port) : NULL;
}

int
gh_bringup_place(const struct gh_words *options, unsigned *port_out, char **socket_out,
                 struct gh_err *err)
{
    struct gh_settings settings;

    int rc = load_settings(options, &settings, err);
    if (rc == GH_EXIT_OK) {
        char *state GH_SCOPED(gh_free) = gh_state_dir(settings.state_dir);
        *port_out = (unsigned)settings.port;
        *socket_out = socket_path(state, *port_out);
    }
    gh_settings_done(&settings);
    return rc;
}

/* Wait until nobody else brings PORT up or down. Returns a descriptor that holds the lock till it is
 * closed; -1 with ERR. */
static int
lock_port(const char *state, unsigned port, struct gh_err *err)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/up-%u.lock", state, port);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc;

    do
        rc = fd < 0 ? -1 : flock(fd, LOCK_EX);
    while (rc != 0 && fd >= 0 && errno == EINTR);
    if (rc == 0)
        return fd;
    gh_err_set(err, errno == EACCES ? GH_EXIT_NOT_ALLOWED : GH_EXIT_FAILED, "%s: %s", path,
               strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* ---- up ---- */

static char *
url_of(const struct gh_settings *settings, unsigned port)
{
    const char *host = settings->host;
    bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;

    if (is_any)
        host = "127.0.0.1";
    return gh_asprintf(strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                       settings->use_https ? "https" : "http", host, port);
}

static bool
same_words(const struct gh_words *a, const struct gh_words *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->list[i], b->list[i]) != 0)
            return false;
    return true;
}

/* DAEMON runs already: BROUGHT says how. */
static void
describe_running(const struct gh_bringup *bringup, struct gh_daemon *daemon,
                 struct gh_brought *brought)
{
    struct gh_words has GH_SCOPED(gh_words_done) = {0};

    gh_daemon_options(daemon, &has);
    brought->pid = daemon->pid;
    brought->was_running = true;
    brought->has_other_options = bringup->options.count > 0 && !same_words(&bringup->options, &has);
    brought->log_path = gh_take(daemon->log_path);
    brought->unit = gh_take(daemon->unit.name);
}

/* It answers, and so does its first worker: what keeps workers from starting, a missing Python above
 * all, is to be told here and not at the first call. */
static int
ask_both(struct gh_client *client, struct gh_err *err)
{
    json_t *command GH_SCOPED(gh_json_drop) =
        json_pack("{s:s, s:s}", "command", "true", "process", "default_process");
    json_t *answer GH_SCOPED(gh_json_drop) = NULL, *result GH_SCOPED(gh_json_drop) = NULL;

    int rc = gh_client_get(client, "/check", &answer, err);
    if (rc != GH_EXIT_OK)
        return rc;
    rc = gh_client_post(client, "/run_bash", command, &result, err);
    if (rc != GH_EXIT_OK)
        gh_err_add(err, "gatehoused is up, but its workers are not");
    return rc == GH_EXIT_OK ? rc : (err->code = GH_EXIT_FAILED);
}

int
gh_bringup_ask(const char *state, unsigned port, struct gh_client **client_out, struct gh_err *err)
{
    char port_text[16];
    char *argv[] = {"gatehouse", "status",  "--state-dir", (char *)(uintptr_t)state,
                    "--port",    port_text, "--timeout-s", CHECK_S};
    struct gh_cli cli;

    snprintf(port_text, sizeof port_text, "%u", port);
    int rc = gh_cli_parse(&cli, sizeof argv / sizeof argv[0], argv, err);
    if (rc == GH_EXIT_OK)
        rc = gh_client_open(&cli, client_out, err);
    gh_cli_done(&cli);
    return rc;
}

/* Does the daemon itself say that it is UNIT? */
static bool
says_unit(const char *socket_path, const char *unit)
{
    const char *file = strrchr(socket_path, '/');
    char *state GH_SCOPED(gh_free) = gh_strndup(socket_path, (size_t)(file - socket_path));
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;
    json_t *node GH_SCOPED(gh_json_drop) = NULL;
    struct gh_err err;
    unsigned port;

    if (sscanf(file, "/control-%5u.sock", &port) != 1 ||
        gh_bringup_ask(state, port, &client, &err) != GH_EXIT_OK ||
        gh_facts_node(client, &node, &err) != GH_EXIT_OK)
        return false;
    const char *said = gh_facts_text(node, "unit");
    return said && strcmp(said, unit) == 0;
}

static int
find_daemon(const char *socket_path, struct gh_daemon *daemon_out, struct gh_err *err)
{
    int rc = gh_daemon_find(socket_path, daemon_out, err);

    if (rc == GH_EXIT_OK && daemon_out->is_unit_guessed && daemon_out->unit.name &&
        !says_unit(socket_path, daemon_out->unit.name))
        gh_unit_done(&daemon_out->unit);
    return rc;
}

static int
check(const char *state, unsigned port, struct gh_err *err)
{
    struct gh_client *client GH_SCOPED(gh_client_close) = NULL;

    int rc = gh_bringup_ask(state, port, &client, err);
    return rc == GH_EXIT_OK ? ask_both(client, err) : rc;
}

static int
start(const struct gh_bringup *bringup, const char *state, struct gh_brought *brought,
      struct gh_err *err)
{
    char *log_path = bringup->log_path ? gh_strdup(bringup->log_path)
                                       : gh_asprintf("%s/gatehoused-%u.log", state, brought->port);
    const struct gh_launch launch = {
        .options = &bringup->options,
        .log_path = log_path,
        .timeout_ms = bringup->timeout_ms ? bringup->timeout_ms : START_MS,
    };
    struct gh_launched launched;

    brought->log_path = log_path;
    int rc = gh_launch(&launch, &launched, err);
    if (rc != GH_EXIT_OK)
        return rc;
    brought->port = launched.port;
    brought->pid = launched.pid;
    return GH_EXIT_OK;
}

static int
up(const struct gh_bringup *bringup, const struct gh_settings *settings, struct gh_brought *brought,
   struct gh_err *err)
{
    char *state GH_SCOPED(gh_free) = gh_state_dir(settings->state_dir);
    char *control GH_SCOPED(gh_free) = socket_path(state, (unsigned)settings->port);
    struct gh_daemon daemon;
    int rc = GH_EXIT_NO_CONNECTION;

    brought->port = (unsigned)settings->port;
    int lock GH_SCOPED(unlock) = lock_port(state, brought->port, err);
    if (lock < 0)
        return err->code;
    if (control)
        rc = find_daemon(control, &daemon, err);
    if (rc == GH_EXIT_OK) {
        describe_running(bringup, &daemon, brought);
        gh_daemon_done(&daemon);
    } else if (rc == GH_EXIT_NO_CONNECTION) {
        rc = start(bringup, state, brought, err);
    }
    if (rc == GH_EXIT_OK)
        rc = check(state, brought->port, err);
    if (rc == GH_EXIT_OK)
        brought->url = url_of(settings, brought->port);
    return rc;
}

int
gh_bringup_up(const struct gh_bringup *bringup, struct gh_brought *brought_out, struct gh_err *err)
{
    struct gh_settings settings;

    *brought_out = (struct gh_brought){0};
    int rc = load_settings(&bringup->options, &settings, err);
    if (rc == GH_EXIT_OK)
        rc = up(bringup, &settings, brought_out, err);
    gh_settings_done(&settings);
    if (rc != GH_EXIT_OK)
        gh_brought_done(brought_out);
    return rc;
}

/* ---- down, and up again ---- */

int
gh_bringup_down(const char *socket_path, uint64_t timeout_ms, pid_t *pid_out, struct gh_err *err)
{
    struct gh_daemon daemon;

    int rc = find_daemon(socket_path, &daemon, err);
    if (rc != GH_EXIT_OK)
        return rc;
    *pid_out = daemon.pid;
    timeout_ms = timeout_ms ? timeout_ms : END_MS;
    rc = daemon.unit.name ? gh_service_ask(&daemon.unit, "stop", timeout_ms, err)
                          : gh_daemon_end(&daemon, timeout_ms, err);
    gh_daemon_done(&daemon);
    return rc;
}

/* Relative paths in its options count from where it was started. */
static int
enter_folder(const struct gh_daemon *daemon, struct gh_err *err)
{
    if (daemon->folder && chdir(daemon->folder) == 0)
        return GH_EXIT_OK;
    return gh_err_set(err, GH_EXIT_FAILED, "the folder %s that the daemon runs in: %s",
                      daemon->folder ? daemon->folder : "", strerror(errno));
}

bool
gh_bringup_has_unit(const char *socket_path)
{
    struct gh_daemon daemon;
    struct gh_err err;

    if (!socket_path || find_daemon(socket_path, &daemon, &err) != GH_EXIT_OK)
        return false;
    bool has_unit = daemon.unit.name != NULL;
    gh_daemon_done(&daemon);
    return has_unit;
}

/* What systemd has started anew behind SOCKET_PATH, STATE/control-PORT.sock. */
static int
describe_restarted(const char *socket_path, struct gh_brought *brought, struct gh_err *err)
{
    const char *file = strrchr(socket_path, '/');
    char *state GH_SCOPED(gh_free) = gh_strndup(socket_path, (size_t)(file - socket_path));
    struct gh_daemon daemon;

    int rc = find_daemon(socket_path, &daemon, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (sscanf(file, "/control-%5u.sock", &brought->port) != 1)
        brought->port = 0;
    brought->pid = daemon.pid;
    brought->url = gh_asprintf("http://127.0.0.1:%u", brought->port);
    brought->log_path = gh_take(daemon.log_path);
    brought->unit = gh_take(daemon.unit.name);
    gh_daemon_done(&daemon);
    return check(state, brought->port, err);
}

static int
restart_unit(const char *socket_path, const struct gh_unit *unit, uint64_t timeout_ms,
             struct gh_brought *brought, struct gh_err *err)
{
    int rc = gh_service_ask(unit, "restart", timeout_ms ? timeout_ms : START_MS + END_MS, err);
    if (rc == GH_EXIT_OK)
        rc = describe_restarted(socket_path, brought, err);
    if (rc != GH_EXIT_OK)
        gh_brought_done(brought);
    return rc;
}

int
gh_bringup_again(const char *socket_path, uint64_t timeout_ms, struct gh_brought *brought_out,
                 struct gh_err *err)
{
    struct gh_daemon daemon;

    *brought_out = (struct gh_brought){0};
    int rc = find_daemon(socket_path, &daemon, err);
    if (rc != GH_EXIT_OK)
        return rc;
    if (daemon.unit.name) {
        rc = restart_unit(socket_path, &daemon.unit, timeout_ms, brought_out, err);
        gh_daemon_done(&daemon);
        return rc;
    }
    struct gh_bringup bringup = {.log_path = daemon.log_path, .timeout_ms = timeout_ms};
    gh_daemon_options(&daemon, &bringup.options);
    rc = enter_folder(&daemon, err);
    if (rc == GH_EXIT_OK)
        rc = check_options(&bringup.options, err); /* before it is too late */
    if (rc == GH_EXIT_OK)
        rc = gh_daemon_end(&daemon, timeout_ms ? timeout_ms : END_MS, err);
    if (rc == GH_EXIT_OK)
        rc = gh_bringup_up(&bringup, brought_out, err);
    gh_words_done(&bringup.options);
    gh_daemon_done(&daemon);
    return rc;
}
