/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor.h - the checks of `gatehouse doctor`, and what they find.
 *
 * A check is one row in a table: its name, the function that looks, and the command that mends what it
 * finds wrong. It looks and changes nothing. A fix is a command that can be pasted into a shell; "%s" in
 * it is a thing that the check has found ("chown -R alice %s"). */
#ifndef GH_CLI_DOCTOR_H
#define GH_CLI_DOCTOR_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/login.h"
#include "cli/places.h"
#include "conf/settings.h"

struct json_t;
struct gh_client;

enum gh_verdict { GH_VERDICT_OK, GH_VERDICT_WARNING, GH_VERDICT_FAILED };

struct gh_doctor {
    const struct gh_cli *cli;
    const char *check;       /* the name of the one that looks now */
    struct json_t *findings; /* [{"check", "verdict", "text", "fix": text or null}] */
    unsigned warnings, failures;
    struct json_t *envs_seen; /* {interpreter: true}: each is looked at once */

    /* What several checks ask for. */
    struct gh_settings settings; /* as the daemon would have them */
    char *state_dir;
    unsigned port;
    struct gh_places places;  /* where it would listen */
    struct gh_client *client; /* of the daemon that runs there, or NULL */
    bool has_login;
    struct gh_login_need needs[GH_LOGIN_NEEDS]; /* once has_login */
};

struct gh_check {
    const char *name;
    void (*look)(struct gh_doctor *doctor, const struct gh_check *check);
    const char *fix;
};

/* One finding: all is well; or not, and FIX (NULL: there is none) mends it. */
void gh_doctor_ok(struct gh_doctor *doctor, const char *format, ...) GH_PRINTF(2, 3);
void gh_doctor_bad(struct gh_doctor *doctor, enum gh_verdict verdict, const char *fix,
                   const char *format, ...) GH_PRINTF(4, 5);

/* The row's fix with its "%s", of which there may be one or none, replaced by WHAT; for the caller to
 * free. */
char *gh_doctor_fix(const struct gh_check *check, const char *what);

#define GH_DOCTOR_TOOL_MS 5000u /* for a program that is asked, as ufw */

/* The tables of doctor_*.c; a NULL name ends each. */
extern const struct gh_check gh_login_checks[];
extern const struct gh_check gh_node_checks[];
extern const struct gh_check gh_port_checks[];
extern const struct gh_check gh_tls_checks[];
extern const struct gh_check gh_env_checks[];

#endif
