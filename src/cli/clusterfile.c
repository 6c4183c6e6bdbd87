/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/clusterfile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/home.h"

char *
gh_clusterfile_text(const char *name)
{
    char *path GH_SCOPED(gh_free) = gh_home_path("~/.rh/cluster_config.json");
    json_t *file = json_load_file(path, 0, NULL);
    json_t *value = json_object_get(file, name);
    char *text = json_is_string(value)    ? gh_strdup(json_string_value(value))
                 : json_is_boolean(value) ? gh_strdup(json_is_true(value) ? "true" : "false")
                 : json_is_integer(value)
                     ? gh_asprintf("%lld", (long long)json_integer_value(value))
                     : gh_strdup("");

    json_decref(file);
    return text;
}

void
gh_clusterfile_options(const char *host, struct gh_words *options)
{
    char *type GH_SCOPED(gh_free) = gh_clusterfile_text("server_connection_type");
    char *server_host GH_SCOPED(gh_free) = gh_clusterfile_text("server_host");
    bool is_docker = strcmp(type, "docker") == 0;

    bool is_direct = is_docker || strcmp(type, "none") == 0 || strcmp(type, "tls") == 0;

    if (is_direct && !host && !server_host[0])
        gh_words_add(options, "--host=0.0.0.0");
    if (is_docker)
        gh_words_add(options, "--insecure");
}
