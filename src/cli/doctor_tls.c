/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor_tls.c - HTTPS: the certificates that are given, and whether the names of `domain` lead here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/words.h"
#include "cli/capture.h"
#include "cli/doctor.h"
#include "conf/home.h"
#include "tls/files.h"
#include "tls/names.h"
#include "tls/pair.h"

#define SOON_S (14 * 24 * 3600) /* most authorities give 90 days, and renew when 30 are left */
#define NAMES_SHOWN 3u

/* ---- certificates ---- */

struct look {
    struct gh_doctor *doctor;
    const struct gh_check *check;
    struct gh_words uncovered; /* names of `domain` that no certificate is for */
};

static void
tell_fault(const struct look *look, const struct gh_files_found *found)
{
    const char *file = found->key_path ? found->key_path : found->chain_path;
    char *fix GH_SCOPED(gh_free) = NULL;

    if (strstr(found->err->text, "chmod 600"))
        fix = gh_asprintf("chmod 600 %s", file);
    else if (found->err->code == GH_E_SYSTEM)
        fix = gh_asprintf("ls -l %s %s", found->chain_path, found->key_path ? found->key_path : "");
    else
        fix = gh_doctor_fix(look->check, found->chain_path);
    gh_doctor_bad(look->doctor, GH_VERDICT_FAILED, fix, "%s", found->err->text);
}

static void
describe_names(const struct gh_words *names, char *text, size_t size)
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < names->count && i < NAMES_SHOWN && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%s", i > 0 ? ", " : "", names->list[i]);
    if (names->count > NAMES_SHOWN && len < size)
        snprintf(text + len, size - len, " and %zu more", names->count - NAMES_SHOWN);
}

static void
tell_pair(const struct look *look, const struct gh_files_found *found)
{
    const struct gh_pair_facts *facts = gh_pair_facts(found->pair);
    time_t now = time(NULL);
    const char *problem = gh_pair_problem(found->pair, now);
    char until[32], since[32], names[400];
    struct tm parts;

    strftime(until, sizeof until, "%Y-%m-%d", gmtime_r(&facts->not_after, &parts));
    strftime(since, sizeof since, "%Y-%m-%d", gmtime_r(&facts->not_before, &parts));
    describe_names(facts->names, names, sizeof names);
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(look->check, found->chain_path);
    if (problem)
        gh_doctor_bad(look->doctor, GH_VERDICT_FAILED, fix,
                      "%s is %s (good from %s to %s): clients refuse it", found->chain_path,
                      problem, since, until);
    else if (facts->not_after - now < SOON_S)
        gh_doctor_bad(look->doctor, GH_VERDICT_WARNING, fix, "%s is good until %s only, for %s",
                      found->chain_path, until, names);
    else
        gh_doctor_ok(look->doctor, "%s is good until %s, for %s", found->chain_path, until, names);
}

/* Strike the names that PAIR is for. */
static void
strike(struct gh_words *names, const struct gh_pair *pair)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i][0] && gh_pair_covers(pair, names->list[i]))
            names->list[i][0] = '\0';
}

static void
on_found(void *context, const struct gh_files_found *found)
{
    struct look *look = context;

    if (!found->pair) {
        tell_fault(look, found);
        return;
    }
    tell_pair(look, found);
    strike(&look->uncovered, found->pair);
}

static void
look_at_given(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct look look = {.doctor = doctor, .check = check};
    struct gh_err err;

    gh_words_add_names(&look.uncovered, doctor->settings.domain);
    if (gh_files_look(&doctor->settings, on_found, &look, &err) != GH_OK)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s", err.text);
    for (size_t i = 0; i < look.uncovered.count; i++)
        if (look.uncovered.list[i][0])
            gh_doctor_bad(doctor, GH_VERDICT_WARNING, "gatehouse config show",
                          "no certificate of ssl_certfile is for %s, which domain names",
                          look.uncovered.list[i]);
    gh_words_done(&look.uncovered);
}

static void
look_at_certificates(struct gh_doctor *doctor, const struct gh_check *check)
{
    const struct gh_settings *settings = &doctor->settings;
    bool has_acme = settings->domain[0] && strcmp(settings->acme_directory, "off") != 0;

    if (settings->ssl_certfile[0])
        look_at_given(doctor, check);
    else if (!gh_places_have_https(&doctor->places))
        gh_doctor_ok(doctor, "none is needed, no address speaks HTTPS");
    else
        gh_doctor_ok(doctor, "the daemon %s (docs/%s.md)",
                     has_acme ? "gets its own, by ACME" : "makes its own",
                     has_acme ? "acme" : "tls");
}

static void
look_at_client_ca(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct gh_buf pem GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    if (!doctor->settings.client_ca[0])
        return;
    char *path GH_SCOPED(gh_free) = gh_home_path(doctor->settings.client_ca);
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, path);
    if (gh_files_read(path, &pem, &err) != GH_OK)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix, "%s", err.text);
    else if (!strstr(gh_buf_text(&pem), "-----BEGIN CERTIFICATE-----"))
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix, "%s holds no certificate: PEM is needed",
                      path);
    else
        gh_doctor_ok(doctor, "%s can be read", path);
}

/* ---- names ---- */

/* The addresses of NAME, by a program of its own, which can be ended when no name server answers. Source: getent(1):
 * an address at the beginning of each line, once for each kind of socket. */
static void
resolve(const char *name, struct gh_words *addresses)
{
    const char *const argv[] = {"getent", "ahosts", name, NULL};
    struct gh_buf said GH_SCOPED(gh_buf_done) = {0};

    if (gh_capture(argv, GH_DOCTOR_TOOL_MS, &said) != 0)
        return;
    for (const char *at = gh_buf_text(&said); *at; at += strcspn(at, "\n") + 1) {
        char *address GH_SCOPED(gh_free) = gh_strndup(at, strcspn(at, " \n"));
        if (address[0] && !gh_words_have(addresses, address))
            gh_words_add(addresses, address);
        if (!at[strcspn(at, "\n")])
            break;
    }
}

static void
look_at_name(struct gh_doctor *doctor, const struct gh_check *check, const char *name,
             const struct gh_words *own)
{
    struct gh_words addresses GH_SCOPED(gh_words_done) = {0};
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, name);
    char text[400];

    resolve(name, &addresses);
    describe_names(&addresses, text, sizeof text);
    if (addresses.count == 0) {
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix,
                      "%s has no address: neither clients nor an authority find this node by it",
                      name);
        return;
    }
    for (size_t i = 0; i < addresses.count; i++)
        if (gh_words_have(own, addresses.list[i])) {
            gh_doctor_ok(doctor, "%s leads here, to %s", name, addresses.list[i]);
            return;
        }
    gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix,
                  "%s leads to %s, which is no address of this machine; where addresses are "
                  "translated on the way, name it in certs_address",
                  name, text);
}

static void
look_at_domain(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct gh_words names GH_SCOPED(gh_words_done) = {0}, own GH_SCOPED(gh_words_done) = {0};

    gh_words_add_names(&names, doctor->settings.domain);
    if (names.count > 0)
        gh_names_of_node(&doctor->settings, &own);
    for (size_t i = 0; i < names.count; i++)
        if (strncmp(names.list[i], "*.", 2) != 0) /* stands for names that are not known here */
            look_at_name(doctor, check, names.list[i], &own);
}

const struct gh_check gh_tls_checks[] = {
    {"certificate", look_at_certificates,
     "openssl x509 -noout -subject -dates -ext subjectAltName -in %s"},
    {"client_ca", look_at_client_ca, "ls -l %s"},
    {"domain", look_at_domain, "getent ahosts %s"},
    {NULL, NULL, NULL},
};
