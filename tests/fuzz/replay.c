/* SPDX-License-Identifier: Apache-2.0
 *
 * The main of a fuzz target in an ordinary build: runs the target over its corpus, so that `make
 * check` repeats what fuzzing has found. tests/fuzz/NAME_fuzz reads tests/fuzz/corpus/NAME; files
 * and folders on the command line take its place. With --enable-fuzzing libFuzzer's main is used. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static unsigned inputs;

static void
die(const char *what, const char *name)
{
    fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
    exit(1);
}

/* An allocation of exactly the file's size, so that sanitizers and valgrind see a read past it. */
static void
replay_file(const char *path, size_t len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        die("cannot open", path);

    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes || fread(bytes, 1, len, file) != len)
        die("cannot read", path);
    fclose(file);

    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    inputs++;
}

static void
replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        die("cannot stat", path);
    if (S_ISREG(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return;
    }

    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        die("cannot list", path);
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0)
                die("no memory for", path);
            replay(inner);
        }
        free(inner);
        free(entries[i]);
    }
    free(entries);
}

static void
replay_own_corpus(const char *program)
{
    const char *source_dir = getenv("GATEHOUSE_SOURCE_DIR");
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    const char *end = strstr(name, "_fuzz");
    if (!end) {
        fprintf(stderr, "%s: not named NAME_fuzz, so name the inputs\n", program);
        exit(64);
    }

    char *path = NULL;
    if (asprintf(&path, "%s/tests/fuzz/corpus/%.*s", source_dir ? source_dir : ".",
                 (int)(end - name), name) < 0)
        die("no memory for", name);
    replay(path);
    free(path);
}

int
main(int argc, char **argv)
{
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    if (argc == 1)
        replay_own_corpus(argv[0]);

    printf("replayed %u inputs\n", inputs);
    if (inputs == 0) {
        fprintf(stderr, "the corpus is empty\n");
        return 1;
    }
    return 0;
}
