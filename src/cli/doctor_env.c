/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor_env.c - the Python envs: the default one, those that the daemon has made (STATE_DIR/envs),
 * and those that processes of a running daemon are in. Which interpreter and libpython each has is found
 * by the code that workers find it with. */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/words.h"
#include "cli/capture.h"
#include "cli/doctor.h"
#include "cli/facts.h"
#include "conf/home.h"
#include "modules/python/find.h"
#include "node/env.h"
#include "node/envs.h"
#include "wire/pyenv.h"

#define ASK_MS 30000u

/* An env that is looked at, and what the row before has learnt of it. */
struct patient {
    const char *label; /* "default", "process trainer", "envs/ml" */
    char path[PATH_MAX];
    char *folder;           /* of its venv or conda env: two up from the interpreter */
    struct gh_probe probe;  /* once is_known */
    struct gh_env env;      /* what its interpreter says is in it */
    bool is_known, is_told; /* probed; answered the question of node/env.h */
};

/* ---- the rows that each env is looked at by ---- */

struct env_check {
    const char *name;
    /* False: what is wrong makes the rows below pointless. */
    bool (*look)(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check);
    const char *fix; /* "%s" is the env's folder, interpreter or version: each row's own */
};

static char *
fix_with(const struct env_check *check, const char *what)
{
    return gh_doctor_fix(&(struct gh_check){.fix = check->fix}, what);
}

/* A venv whose base python is gone, or lies elsewhere now. */
static bool
look_at_link(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    char target[PATH_MAX];
    struct stat info;

    if (stat(patient->path, &info) == 0 || lstat(patient->path, &info) != 0)
        return true;
    ssize_t len = readlink(patient->path, target, sizeof target - 1);
    target[len > 0 ? len : 0] = '\0';
    char *fix GH_SCOPED(gh_free) = fix_with(check, patient->folder);
    gh_doctor_bad(
        doctor, GH_VERDICT_FAILED, fix,
        "%s env: %s leads to %s, which is gone: the Python that it was made from was removed "
        "or upgraded",
        patient->label, patient->path, target);
    return false;
}

/* The machine that the ELF file PATH is for, 0 when it is none. */
static unsigned
machine_of(const char *path)
{
    Elf64_Ehdr head = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    bool is_elf = read(fd, &head, sizeof head) == (ssize_t)sizeof head &&
                  memcmp(head.e_ident, ELFMAG, SELFMAG) == 0;
    close(fd);
    return is_elf ? head.e_machine : 0;
}

static bool
look_at_machine(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    unsigned theirs = machine_of(patient->path), ours = machine_of("/proc/self/exe");

    if (!theirs || theirs == ours)
        return true;
    char *fix GH_SCOPED(gh_free) = fix_with(check, patient->folder);
    gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix,
                  "%s env: %s is built for another kind of machine (ELF machine %u; this is %u)",
                  patient->label, patient->path, theirs, ours);
    return false;
}

static bool
look_at_interpreter(struct gh_doctor *doctor, struct patient *patient,
                    const struct env_check *check)
{
    char problem[1024];

    patient->is_known =
        gh_find_python(patient->path, NULL, &patient->probe, problem, sizeof problem) == 0;
    if (patient->is_known) {
        gh_doctor_ok(doctor, "%s env: %s, CPython %s", patient->label, patient->probe.executable,
                     patient->probe.version);
    } else {
        char *fix GH_SCOPED(gh_free) = fix_with(check, patient->folder);
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix, "%s env: %s", patient->label, problem);
    }
    return patient->is_known;
}

/* "3.11" of "3.11.7", for package names. */
static char *
minor_version(const struct patient *patient)
{
    const char *version = patient->probe.version;
    const char *dot = strchr(version, '.');

    return gh_strndup(version, dot ? (size_t)(dot - version) + 1 + strcspn(dot + 1, ".") : 0);
}

static bool
is_of_system(const struct patient *patient)
{
    char real[PATH_MAX];

    return realpath(patient->path, real) && strncmp(real, "/usr/bin/", 9) == 0;
}

static bool
look_at_libpython(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    char *version GH_SCOPED(gh_free) = minor_version(patient);
    char *fix GH_SCOPED(gh_free) = fix_with(check, version);

    if (patient->probe.library[0])
        gh_doctor_ok(doctor, "%s env: %s", patient->label, patient->probe.library);
    else if (is_of_system(patient))
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix,
                      "%s env: no libpython%s; workers run %s itself, and start more slowly",
                      patient->label, version, patient->probe.executable);
    else
        gh_doctor_ok(doctor, "%s env: none, as it was built; workers run the interpreter itself",
                     patient->label);
    return true;
}

static void
ask(struct patient *patient)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_buf said GH_SCOPED(gh_buf_done) = {0};

    gh_words_add(&argv, patient->path);
    gh_env_add_question(&argv);
    if (gh_capture((const char *const *)argv.list, ASK_MS, &said) != 0)
        return;
    for (const char *line = gh_buf_text(&said); *line && !patient->is_told;) {
        size_t len = strcspn(line, "\n");
        patient->is_told = gh_env_learn(&patient->env, line, len);
        line += len + (line[len] != '\0');
    }
}

static bool
look_at_installers(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    ask(patient);
    if (!patient->is_told) {
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s env: it does not say what is in it",
                      patient->label);
        return false;
    }
    const char *version = gh_env_text(&patient->env, "version");
    bool has_pip = gh_env_flag(&patient->env, "has_pip");
    bool has_ensurepip = gh_env_flag(&patient->env, "has_ensurepip");
    char uv[PATH_MAX];
    bool has_uv = gh_env_find_uv(patient->path, uv);
    char *fix GH_SCOPED(gh_free) = fix_with(check, version);

    if (has_pip || has_uv)
        gh_doctor_ok(doctor, "%s env: %s%s%s", patient->label, has_pip ? "pip" : "",
                     has_pip && has_uv ? " and " : "", has_uv ? "uv" : "");
    else if (has_ensurepip)
        gh_doctor_ok(doctor, "%s env: none yet; ensurepip brings pip at the first install",
                     patient->label);
    else
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix,
                      "%s env: no pip, no uv, and no ensurepip to get pip by: nothing can be "
                      "installed",
                      patient->label);
    return true;
}

static bool
look_at_mark(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    const char *mark = gh_env_text(&patient->env, "managed");
    bool is_default = strcmp(patient->label, "default") == 0;

    if (!*mark)
        return true;
    char *fix GH_SCOPED(gh_free) = fix_with(check, patient->probe.executable);
    if (is_default && !*doctor->settings.env)
        gh_doctor_ok(doctor,
                     "default env: managed by the system (%s), and left alone: the first install "
                     "makes a venv in %s/envs",
                     mark, doctor->state_dir);
    else
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix,
                      "%s env: managed by the system (%s): packages cannot be installed into it",
                      patient->label, mark);
    return false; /* its folders are not ours to write to */
}

/* Left by pip where it was killed: the next install through the daemon removes them. */
static bool
has_leftovers(const char *site)
{
    DIR *folder = opendir(site);
    const struct dirent *entry;
    bool found = false;

    while (folder && !found && (entry = readdir(folder)))
        found = entry->d_name[0] == '~';
    if (folder)
        closedir(folder);
    return found;
}

static bool
look_at_site(struct gh_doctor *doctor, struct patient *patient, const struct env_check *check)
{
    char *text GH_SCOPED(gh_free) = gh_env_site_folders(&patient->env);
    json_t *folders = json_loads(text, 0, NULL);
    const json_t *folder;
    size_t i;

    json_array_foreach(folders, i, folder)
    {
        const char *path = json_string_value(folder);
        char *fix GH_SCOPED(gh_free) = fix_with(check, path);
        if (access(path, W_OK) != 0)
            gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix,
                          "%s env: %s cannot be written to by this user", patient->label, path);
        else if (has_leftovers(path))
            gh_doctor_bad(doctor, GH_VERDICT_WARNING, "pip check",
                          "%s env: %s has names that begin with '~', which an interrupted pip left",
                          patient->label, path);
        else
            gh_doctor_ok(doctor, "%s env: %s, %zu packages", patient->label, path,
                         json_object_size(json_object_get(patient->env.facts, "dists")));
    }
    json_decref(folders);
    return true;
}

static const struct env_check env_checks[] = {
    {"base python", look_at_link, "python3 -m venv --clear %s"},
    {"machine", look_at_machine, "python3 -m venv --clear %s"},
    {"interpreter", look_at_interpreter, "python3 -m venv --clear %s"},
    {"libpython", look_at_libpython, "apt-get install libpython%s"},
    {"installers", look_at_installers, "apt-get install python%s-venv"},
    {"managed", look_at_mark, "%s -m venv --system-site-packages ~/env"},
    {"packages", look_at_site, "sudo chown -R \"$(id -un)\" %s"},
    {NULL, NULL, NULL},
};

/* ---- which envs ---- */

static void
look_at_env(struct gh_doctor *doctor, const char *label, const char *setting)
{
    struct patient patient = {.label = label};
    char problem[1024];
    bool goes_on = true;

    /* A link that leads nowhere is no interpreter to be found, and is the first thing to be told of. */
    char *link GH_SCOPED(gh_free) = gh_asprintf("%s/bin/python", setting);
    struct stat info;
    if (*setting && lstat(link, &info) == 0 && stat(link, &info) != 0) {
        snprintf(patient.path, sizeof patient.path, "%s", link);
    } else if (gh_pyenv_find(setting, patient.path, problem, sizeof problem) != 0) {
        doctor->check = "interpreter";
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, *setting ? NULL : "apt-get install python3",
                      "%s env: %s", label, problem);
        return;
    }
    if (json_object_get(doctor->envs_seen, patient.path))
        return;
    json_object_set_new(doctor->envs_seen, patient.path, json_true());
    patient.folder = gh_strdup(patient.path);
    for (int up = 0; up < 2; up++)
        *strrchr(patient.folder, '/') = '\0';
    patient.env.python = gh_strdup(patient.path);
    for (const struct env_check *check = env_checks; check->name && goes_on; check++) {
        doctor->check = check->name;
        goes_on = check->look(doctor, &patient, check);
    }
    gh_env_done(&patient.env);
    free(patient.folder);
}

static void
look_at_default(struct gh_doctor *doctor, const struct gh_check *check)
{
    const char *named = doctor->settings.env;
    char *path GH_SCOPED(gh_free) =
        strchr(named, '/') || named[0] == '~' ? gh_home_path(named) : gh_strdup(named);

    (void)check;
    look_at_env(doctor, "default", path);
}

/* A declared env that the daemon makes itself, in STATE_DIR/envs; it may not have been started yet. */
static void
look_at_made_one(struct gh_doctor *doctor, const char *label, const char *name)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/envs/%s", doctor->state_dir, name);
    char *config GH_SCOPED(gh_free) = gh_asprintf("%s/pyvenv.cfg", path);

    doctor->check = "interpreter";
    if (access(config, F_OK) == 0)
        look_at_env(doctor, label, path);
    else
        gh_doctor_ok(doctor, "%s env: none yet, the daemon makes it in %s", label, path);
}

/* Those of the configuration file. */
static void
look_at_declared(struct gh_doctor *doctor, const struct gh_check *check)
{
    const struct gh_declared *declared = &doctor->settings.declared;

    (void)check;
    for (size_t i = 0; i < declared->env_count; i++) {
        const struct gh_env_spec *spec = &declared->envs[i];
        char *label GH_SCOPED(gh_free) = gh_asprintf("declared %s", spec->name);
        char *found GH_SCOPED(gh_free) = NULL;
        struct gh_err err;
        bool is_conda = spec->conda && *spec->conda;
        if (gh_env_spec_is_made(spec)) {
            look_at_made_one(doctor, label, spec->name);
            continue;
        }
        json_t *wanted GH_SCOPED(gh_json_drop) =
            json_pack("{s:s}", is_conda ? "conda" : "venv", is_conda ? spec->conda : spec->venv);
        doctor->check = "interpreter";
        if (gh_envs_find(wanted, &found, &err) == GH_OK)
            look_at_env(doctor, label, found);
        else
            gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s env: %s", label, err.text);
    }
}

/* Those that the daemon has made: in the place of a Python that the system manages, or for a declaration
 * that is gone. */
static void
look_at_made(struct gh_doctor *doctor, const struct gh_check *check)
{
    char *parent GH_SCOPED(gh_free) = gh_asprintf("%s/envs", doctor->state_dir);
    DIR *folder = opendir(parent);
    const struct dirent *entry;

    (void)check;
    while (folder && (entry = readdir(folder))) {
        char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", parent, entry->d_name);
        char *label GH_SCOPED(gh_free) = gh_asprintf("own %s", entry->d_name);
        char *config GH_SCOPED(gh_free) = gh_asprintf("%s/pyvenv.cfg", path);
        if (entry->d_name[0] != '.' && access(config, F_OK) == 0)
            look_at_env(doctor, label, path);
    }
    if (folder)
        closedir(folder);
}

/* Those that the processes of a running daemon are in. */
static void
look_at_used(struct gh_doctor *doctor, const struct gh_check *check)
{
    json_t *node GH_SCOPED(gh_json_drop) = NULL;
    struct gh_err err;
    const char *name;
    json_t *process;

    (void)check;
    if (!doctor->client || gh_facts_node(doctor->client, &node, &err) != GH_EXIT_OK)
        return;
    json_object_foreach(json_object_get(node, "processes"), name, process)
    {
        char *label GH_SCOPED(gh_free) = gh_asprintf("process %s", name);
        const char *env = gh_facts_text(process, "env");
        look_at_env(doctor, label, env ? env : "");
    }
}

const struct gh_check gh_env_checks[] = {
    {"default env", look_at_default, NULL},
    {"declared envs", look_at_declared, NULL},
    {"own envs", look_at_made, NULL},
    {"used envs", look_at_used, NULL},
    {NULL, NULL, NULL},
};
