/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehouse doctor - what is wrong with this node, and the command that mends it. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/locate.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "conf/faults.h"
#include "conf/home.h"

#define OPTIONS_MAX 4u /* that are the daemon's own too */

static const char *const verdicts[] = {
    [GH_VERDICT_OK] = "ok", [GH_VERDICT_WARNING] = "warning", [GH_VERDICT_FAILED] = "failed"};

/* ---- findings ---- */

static void
print_finding(enum gh_verdict verdict, const char *check, const char *text, const char *fix)
{
    static const enum gh_style styles[] = {[GH_VERDICT_OK] = GH_STYLE_GOOD,
                                           [GH_VERDICT_WARNING] = GH_STYLE_HEAD,
                                           [GH_VERDICT_FAILED] = GH_STYLE_BAD};
    char word[16];

    snprintf(word, sizeof word, "%-8s", verdicts[verdict]);
    gh_out_text(stdout, styles[verdict], word);
    printf(" %-12s %s\n", check, text);
    if (fix)
        printf("%21s fix: %s\n", "", fix);
    fflush(stdout); /* some checks take a while */
}

static void
add_finding(struct gh_doctor *doctor, enum gh_verdict verdict, const char *text, const char *fix)
{
    doctor->warnings += verdict == GH_VERDICT_WARNING;
    doctor->failures += verdict == GH_VERDICT_FAILED;
    json_array_append_new(doctor->findings,
                          json_pack("{s:s, s:s, s:s, s:s?}", "check", doctor->check, "verdict",
                                    verdicts[verdict], "text", text, "fix", fix));
    if (!doctor->cli->is_json)
        print_finding(verdict, doctor->check, text, fix);
}

void
gh_doctor_ok(struct gh_doctor *doctor, const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    add_finding(doctor, GH_VERDICT_OK, gh_buf_text(&text), NULL);
}

void
gh_doctor_bad(struct gh_doctor *doctor, enum gh_verdict verdict, const char *fix,
              const char *format, ...)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    va_list args;

    va_start(args, format);
    gh_buf_addv(&text, format, args);
    va_end(args);
    add_finding(doctor, verdict, gh_buf_text(&text), fix);
}

char *
gh_doctor_fix(const struct gh_check *check, const char *what)
{
    const char *hole = strstr(check->fix, "%s");

    if (!hole)
        return gh_strdup(check->fix);
    return gh_asprintf("%.*s%s%s", (int)(hole - check->fix), check->fix, what, hole + 2);
}

/* ---- the verb ---- */

static void
run_checks(struct gh_doctor *doctor, const struct gh_check *checks)
{
    for (const struct gh_check *check = checks; check->name; check++) {
        doctor->check = check->name;
        check->look(doctor, check);
    }
}

/* The settings by all sources that the daemon reads; what the command line says wins. A wrong one is a
 * finding, and what can be read holds for the other checks. */
static int
load_settings(struct gh_doctor *doctor, struct gh_err *err)
{
    static const char *const options[] = {"--config", "--port", "--state-dir", "--env", NULL};
    char *argv[2 * OPTIONS_MAX + 2] = {"gatehoused"};
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
    int argc = 1;

    for (size_t i = 0; options[i]; i++) {
        const char *value = gh_cli_value(doctor->cli, options[i], NULL);
        if (!value)
            continue;
        argv[argc++] = (char *)(uintptr_t)options[i];
        argv[argc++] = (char *)(uintptr_t)value;
    }
    doctor->check = "settings";
    enum gh_settings_result result = gh_settings_load(&doctor->settings, argc, argv, &faults);
    const char *text = faults.texts.count > 0 ? faults.texts.list[0] : "";
    if (result == GH_SETTINGS_USAGE)
        return gh_err_set(err, GH_EXIT_USAGE, "%s", text);
    if (result != GH_SETTINGS_RUN)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, "gatehouse config check", "%s", text);
    else if (doctor->settings.file)
        gh_doctor_ok(doctor, "%s can be read", doctor->settings.file);
    else
        gh_doctor_ok(doctor, "there is no configuration file, and none is needed");
    return GH_EXIT_OK;
}

static void
read_places(struct gh_doctor *doctor)
{
    struct gh_err err;

    if (gh_places_read(&doctor->settings, doctor->port, &doctor->places, &err) != GH_OK)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s", err.text);
}

static void
doctor_done(struct gh_doctor *doctor)
{
    if (doctor->has_login)
        gh_login_done(doctor->needs);
    if (doctor->client)
        gh_client_close(&doctor->client);
    gh_places_done(&doctor->places);
    free(doctor->state_dir);
    gh_settings_done(&doctor->settings);
    json_decref(doctor->findings);
    json_decref(doctor->envs_seen);
}

static int
prepare(struct gh_doctor *doctor, struct gh_err *err)
{
    struct gh_err nobody;

    if (gh_cli_has(doctor->cli, "--url"))
        return gh_err_set(err, GH_EXIT_USAGE,
                          "--url: doctor looks at the machine that it runs on; run it on the node");
    int rc = load_settings(doctor, err);
    if (rc != GH_EXIT_OK)
        return rc;
    doctor->port = (unsigned)doctor->settings.port;
    read_places(doctor);
    doctor->state_dir = gh_state_dir_path(doctor->settings.state_dir);
    if (gh_client_open(doctor->cli, &doctor->client, &nobody) != GH_EXIT_OK)
        doctor->client = NULL; /* none runs, and nothing is wrong with that */
    return GH_EXIT_OK;
}

static int
run(struct gh_cli *cli, struct gh_err *err)
{
    struct gh_doctor doctor = {.cli = cli, .findings = json_array(), .envs_seen = json_object()};

    int rc = prepare(&doctor, err);
    if (rc == GH_EXIT_OK) {
        run_checks(&doctor, gh_login_checks);
        run_checks(&doctor, gh_node_checks);
        run_checks(&doctor, gh_port_checks);
        run_checks(&doctor, gh_tls_checks);
        run_checks(&doctor, gh_env_checks);
        if (cli->is_json)
            gh_out_json(doctor.findings);
        if (doctor.failures > 0)
            rc = gh_err_set(err, GH_EXIT_FAILED, "%u of %zu checks failed, %u with a warning",
                            doctor.failures, json_array_size(doctor.findings), doctor.warnings);
    }
    doctor_done(&doctor);
    return rc;
}

static const struct gh_option options[] = {
    {"--config", NULL, "FILE", "the configuration file, as the daemon takes it"},
    {"--env", NULL, "PATH",
     "the default env, as the daemon takes it; without it what the daemon would find by itself"},
    {NULL, NULL, NULL, NULL},
};

static const struct gh_example examples[] = {
    {"gatehouse doctor", "this machine, by the user that the daemon runs as"},
    {"gatehouse doctor --env ~/ml", "would the daemon run with that env?"},
    {"gatehouse doctor --json | jq -r '.[] | select(.verdict != \"ok\") | .fix'",
     "only the commands that mend it"},
    {NULL, NULL},
};

const struct gh_verb gh_verb_doctor = {
    .name = "doctor",
    .synopsis = "",
    .summary = "Look for what is missing or wrong on this node, and say how to mend it",
    .text =
        "Looks at what the client's commands find when they come by ssh, at disk, memory, limits, "
        "clock, "
        "at each address that it would listen on, certificates, names and the firewall, and at "
        "each "
        "Python env that processes run in or that is declared. It changes nothing, and needs no "
        "daemon; where one runs, the envs of its processes are looked at too.\n\n"
        "A line for each check: ok, warning (it works, but something is slower or missing), "
        "failed; "
        "below it the command that mends it. Exit status 1 when a check failed.",
    .options = options,
    .examples = examples,
    .run = run,
};
