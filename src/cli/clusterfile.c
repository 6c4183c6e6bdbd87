/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/clusterfile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/home.h"

/* NULL when there is none, or a broken one. */
static json_t *
load(void)
{
    char *path GH_SCOPED(gh_free) = gh_home_path("~/.rh/cluster_config.json");

    return json_load_file(path, 0, NULL);
}

static const char *
text_of(json_t *file, const char *name)
{
    const char *text = json_string_value(json_object_get(file, name));

    return text ? text : "";
}

char *
gh_clusterfile_text(const char *name)
{
    json_t *file = load();
    json_t *value = json_object_get(file, name);
    char *text = json_is_string(value)    ? gh_strdup(json_string_value(value))
                 : json_is_boolean(value) ? gh_strdup(json_is_true(value) ? "true" : "false")
                 : json_is_integer(value)
                     ? gh_asprintf("%lld", (long long)json_integer_value(value))
                     : gh_strdup("");

    json_decref(file);
    return text;
}

int
gh_clusterfile_check(struct gh_err *err)
{
    char *type GH_SCOPED(gh_free) = gh_clusterfile_text("server_connection_type");

    if (strcmp(type, "tls") != 0)
        return GH_EXIT_OK;
    return gh_err_set(
        err, GH_EXIT_USAGE,
        "~/.rh/cluster_config.json has server_connection_type \"tls\", but this version "
        "speaks no HTTPS: use server_connection_type=\"ssh\", which is encrypted by ssh, "
        "or \"none\" behind a proxy that does");
}

void
gh_clusterfile_options(const char *host, const char *port, struct gh_words *options)
{
    json_t *file = load();
    const char *type = text_of(file, "server_connection_type");
    const char *server_host = text_of(file, "server_host");
    json_t *server_port = json_object_get(file, "server_port");
    bool is_direct = strcmp(type, "none") == 0 || strcmp(type, "docker") == 0;

    if (host)
        gh_words_addf(options, "--host=%s", host);
    else if (is_direct)
        gh_words_addf(options, "--host=%s", server_host[0] ? server_host : "0.0.0.0");
    if (is_direct)
        gh_words_add(options, "--insecure");
    if (port)
        gh_words_addf(options, "--port=%s", port);
    else if (json_is_integer(server_port))
        gh_words_addf(options, "--port=%lld", (long long)json_integer_value(server_port));
    json_decref(file);
}
