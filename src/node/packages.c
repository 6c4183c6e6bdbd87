/* SPDX-License-Identifier: Apache-2.0 */
#include "node/packages.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "conf/home.h"

#define TEXT_MAX_BYTES 32768u /* of a field; the kernel takes 128 KiB in one argument */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const char *const method_names[] = {
    [GH_PACKAGE_LOCAL] = "local", [GH_PACKAGE_PIP] = "pip",   [GH_PACKAGE_UV] = "uv",
    [GH_PACKAGE_CONDA] = "conda", [GH_PACKAGE_REQS] = "reqs", [GH_PACKAGE_RH] = "rh",
};

const char *
gh_package_method_name(enum gh_package_method method)
{
    return method_names[method];
}

bool
gh_package_is_name(const char *text)
{
    return *text && text[0] != '-' && text[strspn(text, NAME_CHARACTERS)] == '\0';
}

/* ---- fields ---- */

/* VALUE, of the field NAME, as a text: "" when it is absent or null. */
static int
copy_text(const json_t *value, const char *name, char **out, struct gh_err *err)
{
    if (value && !json_is_null(value) && !json_is_string(value))
        return gh_err_set(err, GH_E_INPUT, "%s must be a text or null", name);
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (json_string_length(value) != strlen(text) && json_is_string(value))
        return gh_err_set(err, GH_E_INPUT, "%s has a NUL character in it", name);
    if (strlen(text) > TEXT_MAX_BYTES)
        return gh_err_set(err, GH_E_INPUT, "%s has %zu bytes, but may have %u", name, strlen(text),
                          TEXT_MAX_BYTES);
    *out = gh_strdup(text);
    return GH_OK;
}

static int
read_text(const json_t *config, const char *name, char **out, struct gh_err *err)
{
    return copy_text(json_object_get(config, name), name, out, err);
}

static int
read_method(const json_t *config, bool is_git, enum gh_package_method *out, struct gh_err *err)
{
    const json_t *value = json_object_get(config, "install_method");
    const char *method = json_string_value(value);

    if (is_git && (!value || json_is_null(value)))
        method = "local"; /* the default of the clients that knew repositories */
    for (size_t i = 0; method && i < sizeof method_names / sizeof method_names[0]; i++) {
        if (strcmp(method, method_names[i]) == 0) {
            *out = (enum gh_package_method)i;
            return GH_OK;
        }
    }
    /* The words and their order are those of the client's server. */
    return gh_err_set(
        err, GH_E_INPUT,
        "Unknown install method %.100s. Must be one of {'local', 'pip', 'conda', 'uv'}",
        method ? method : "None");
}

/* The target is a text; or [path, path or null], of which the first text counts and is a directory on
 * this node. */
static int
read_target(const json_t *config, struct gh_package *package, struct gh_err *err)
{
    const json_t *target = json_object_get(config, "install_target");
    const json_t *text = target;

    package->is_path = json_is_array(target);
    if (package->is_path) {
        text = json_array_get(target, 0);
        for (size_t i = 1; !json_is_string(text) && i < json_array_size(target); i++)
            text = json_array_get(target, i);
    }
    if (!json_is_string(text) || json_string_length(text) == 0)
        return gh_err_set(err, GH_E_INPUT,
                          "install_target is missing: a requirement or a path is needed");
    return copy_text(text, "install_target", &package->target, err);
}

/* ---- what they mean together ---- */

static int
find_path(struct gh_package *package, bool must_be_folder, struct gh_err *err)
{
    char *path = gh_home_path(package->target);
    struct stat info;

    free(package->target);
    package->target = path;
    package->is_path = true;
    if (stat(path, &info) != 0 || (must_be_folder && !S_ISDIR(info.st_mode)))
        return gh_err_set(err, GH_E_NOT_FOUND, "Path %.400s does not exist.", path);
    return GH_OK;
}

/* The client leaves the options in a target of several words, and sends them in install_args too:
 * "torch --index-url URL" with "--index-url URL". They count once, as options. */
static void
part_options(struct gh_package *package)
{
    char *target = package->target, *options = target[0] == '-' ? target : NULL;

    for (char *c = target; !options && *c; c++)
        if (isspace((unsigned char)c[0]) && c[1] == '-')
            options = c + 1;
    if (!options)
        return;
    if (strcmp(options, package->args_text) != 0) {
        char *all = *package->args_text ? gh_asprintf("%s %s", options, package->args_text)
                                        : gh_strdup(options);
        free(package->args_text);
        package->args_text = all;
    }
    *options = '\0';
    for (char *end = options; end > target && isspace((unsigned char)end[-1]); end--)
        end[-1] = '\0';
}

static int
check_extras(const struct gh_package *package, struct gh_err *err)
{
    if (package->extras[strspn(package->extras, NAME_CHARACTERS ", ")] != '\0')
        return gh_err_set(err, GH_E_INPUT,
                          "install_extras is '%.100s', but must be names with commas between them",
                          package->extras);
    return GH_OK;
}

/* Where a repository goes: its last part, without ".git", in the home. */
static int
place_repository(struct gh_package *package, struct gh_err *err)
{
    const char *url = package->git_url;
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    if (len > 4 && strncmp(url + len - 4, ".git", 4) == 0)
        len -= 4;
    size_t start = len;
    while (start > 0 && url[start - 1] != '/' && url[start - 1] != ':')
        start--;
    if (url[0] == '-' || start == len || url[start] == '.' || url[start] == '~')
        return gh_err_set(err, GH_E_INPUT,
                          "git_url is '%.300s', which does not end in the name of a repository",
                          url);
    if (package->revision[0] == '-')
        return gh_err_set(err, GH_E_INPUT,
                          "revision is '%.200s', but must be a branch, a tag or a commit",
                          package->revision);

    char *name GH_SCOPED(gh_free) = gh_strndup(url + start, len - start);
    package->target = gh_home_path(name);
    package->is_path = true;
    return GH_OK;
}

static int
settle_target(const json_t *config, struct gh_package *package, struct gh_err *err)
{
    if (*package->git_url)
        return place_repository(package, err);
    int rc = read_target(config, package, err);
    if (rc != GH_OK)
        return rc;
    switch (package->method) {
    case GH_PACKAGE_LOCAL:
        return find_path(package, true, err);
    case GH_PACKAGE_REQS:
        return find_path(package, false, err);
    default:
        if (package->is_path)
            return find_path(package, false, err);
        part_options(package);
        return GH_OK;
    }
}

static int
read_all(const json_t *config, struct gh_package *package, struct gh_err *err)
{
    int rc = read_text(config, "git_url", &package->git_url, err);
    if (rc == GH_OK)
        rc = read_method(config, package->git_url[0] != '\0', &package->method, err);
    if (rc != GH_OK || package->method == GH_PACKAGE_RH)
        return rc;
    if ((rc = read_text(config, "revision", &package->revision, err)) != GH_OK ||
        (rc = read_text(config, "install_args", &package->args_text, err)) != GH_OK ||
        (rc = read_text(config, "install_extras", &package->extras, err)) != GH_OK ||
        (rc = read_text(config, "preferred_version", &package->preferred_version, err)) != GH_OK ||
        (rc = check_extras(package, err)) != GH_OK ||
        (rc = settle_target(config, package, err)) != GH_OK)
        return rc;
    if (package->is_path || !gh_package_is_name(package->target))
        package->preferred_version[0] = '\0';
    if (gh_words_split(&package->args, package->args_text, err) != GH_OK)
        return gh_err_add(err, "install_args '%.200s'", package->args_text);
    return GH_OK;
}

int
gh_package_read(const json_t *config, struct gh_package *package, struct gh_err *err)
{
    memset(package, 0, sizeof *package);
    int rc = read_all(config, package, err);
    if (rc != GH_OK)
        gh_package_done(package);
    return rc;
}

void
gh_package_done(struct gh_package *package)
{
    gh_free(&package->target);
    gh_free(&package->extras);
    gh_free(&package->args_text);
    gh_words_done(&package->args);
    gh_free(&package->preferred_version);
    gh_free(&package->git_url);
    gh_free(&package->revision);
}

char *
gh_package_requirement(const struct gh_package *package, const char *version)
{
    const char *target = package->target;
    size_t name_len = strspn(target, NAME_CHARACTERS);
    bool has_name = !package->is_path && name_len > 0 && !strchr(target, '/');
    char *extras GH_SCOPED(gh_free) =
        *package->extras ? gh_asprintf("[%s]", package->extras) : gh_strdup("");

    if (version && *version && gh_package_is_name(target))
        return gh_asprintf("%s%s==%s", target, extras, version);
    if (!has_name)
        name_len = strlen(target);
    return gh_asprintf("%.*s%s%s", (int)name_len, target, extras, target + name_len);
}
