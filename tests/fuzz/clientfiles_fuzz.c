/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's files in ~/.rh, which it writes over ssh: cluster_config.json, or config.yaml when the first byte
 * is 'y'. Each is read by all who read it at a start: the daemon begins with it, or each fault is told. */
#undef NDEBUG /* the assertions are the test */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "conf/show.h"
#include "store/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char home[] = "/tmp/gatehouse-fuzz.XXXXXX";
static char *folder, *json_path, *yaml_path;

static void
remove_home(void)
{
    unlink(json_path);
    unlink(yaml_path);
    rmdir(folder);
    rmdir(home);
    gh_free(&folder);
    gh_free(&json_path);
    gh_free(&yaml_path);
}

/* Once, for all inputs. */
static void
make_home(void)
{
    if (folder)
        return;
    assert(mkdtemp(home) && setenv("HOME", home, 1) == 0);
    folder = gh_asprintf("%s/.rh", home);
    json_path = gh_asprintf("%s/cluster_config.json", folder);
    yaml_path = gh_asprintf("%s/config.yaml", folder);
    assert(mkdir(folder, 0700) == 0);
    atexit(remove_home);
}

static void
write_to(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "we");

    assert(file && fwrite(bytes, 1, len, file) == len);
    assert(fclose(file) == 0);
}

static void
read_identity(void)
{
    struct gh_identity identity = {0};
    struct gh_faults faults = {0};

    int rc = gh_identity_load(&identity, &faults);
    assert((rc == GH_OK) == (gh_faults_count(&faults) == 0));
    gh_identity_done(&identity);
    gh_faults_done(&faults);
}

/* What is passed on to workers and shown is JSON, whatever the file was. */
static void
read_cluster(const struct gh_settings *settings)
{
    struct gh_cluster cluster = {0};
    struct gh_buf hello = {0};
    struct gh_err err = {0};

    if (gh_cluster_load(&cluster, settings, 32300, &err) == GH_OK) {
        gh_buf_add_text(&hello, "{\"a\":1");
        gh_cluster_add_hello(&cluster, &hello);
        gh_buf_add_text(&hello, "}");
        json_t *tree = json_loadb((char *)hello.bytes, hello.len, 0, NULL);
        assert(json_is_object(json_object_get(tree, "cluster_config")));
        json_decref(tree);
        const char *address = gh_cluster_address(&cluster);
        assert(!address || strchr(address, '/'));
        assert(gh_cluster_ip(&cluster));
    } else {
        assert(err.text[0]);
    }
    gh_buf_done(&hello);
    gh_cluster_done(&cluster);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *argv[] = {(char *)(uintptr_t) "fuzz", (char *)(uintptr_t) "--config=/dev/null", NULL};
    bool is_yaml = len > 0 && bytes[0] == 'y';
    struct gh_settings settings;
    struct gh_faults faults = {0};

    make_home();
    write_to(json_path, (const uint8_t *)"{}", 2);
    write_to(yaml_path, (const uint8_t *)"", 0);
    write_to(is_yaml ? yaml_path : json_path, bytes + is_yaml, len - is_yaml);

    if (gh_settings_load(&settings, 2, argv, &faults) == GH_SETTINGS_RUN) {
        json_t *shown = gh_show_settings(&settings);
        assert(shown);
        json_decref(shown);
        read_cluster(&settings);
    } else {
        assert(gh_faults_count(&faults) > 0);
    }
    gh_settings_done(&settings);
    gh_faults_done(&faults);
    read_identity();
    return 0;
}
