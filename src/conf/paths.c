/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conf/home.h"
#include "conf/rows.h"

static const unsigned path_rows[] = {GH_ROW_INDEX_ssl_certfile, GH_ROW_INDEX_ssl_keyfile,
                                     GH_ROW_INDEX_ssl_ocspfile, GH_ROW_INDEX_client_ca,
                                     GH_ROW_INDEX_acme_ca,      GH_ROW_INDEX_acme_eab_key_file,
                                     GH_ROW_INDEX_den_ca};

bool
gh_paths_in(const struct gh_row *row)
{
    for (size_t i = 0; i < sizeof path_rows / sizeof path_rows[0]; i++)
        if (row == &gh_rows[path_rows[i]])
            return true;
    return false;
}

static void
add_path(struct gh_buf *out, const char *folder, const char *path)
{
    char *of_home GH_SCOPED(gh_free) = path[0] == '~' ? gh_home_path(path) : NULL;

    if (!of_home && path[0] != '/')
        gh_buf_addf(out, "%s/", folder);
    gh_buf_add_text(out, of_home ? of_home : path);
}

char *
gh_paths_from(const char *list, const char *folder)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    while (*list) {
        size_t len = strcspn(list, ",");
        char *path GH_SCOPED(gh_free) = gh_strndup(list, len);
        if (len > 0 && out.len > 0)
            gh_buf_add_byte(&out, ',');
        if (len > 0)
            add_path(&out, folder, path);
        list += len + (list[len] == ',');
    }
    return gh_strdup(gh_buf_text(&out));
}

void
gh_paths_settle(struct gh_settings *settings)
{
    char folder[PATH_MAX];

    if (!getcwd(folder, sizeof folder))
        return;
    for (size_t i = 0; i < sizeof path_rows / sizeof path_rows[0]; i++) {
        char **value = (char **)((char *)settings + gh_rows[path_rows[i]].offset);
        char *absolute = gh_paths_from(*value, folder);
        free(*value);
        *value = absolute;
    }
}
