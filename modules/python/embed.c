/* SPDX-License-Identifier: Apache-2.0
 *
 * embed.c - the runtime "python": puts the interpreter of an env and our extension together.
 *
 * It has no symbol of Python's, so that it can be loaded before any libpython. Where the env has a
 * shared libpython, that is loaded into this process; where it has none (the python3 of Debian is a
 * static build), the env's own executable takes this process over. Both run the same bootstrap with
 * the same extension. With argv[0] naming the env's python, the interpreter finds prefix, packages
 * and .pth files as it always does. */
#include "modules/python/find.h"
#include "modules/runtime.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Run with -c and not as a file: a file as __main__ would be run again by each child that
 * multiprocessing spawns. sys.path[0], the current folder, goes first of all, or a stray
 * threading.py there would be ours. threading comes next: up to 3.12 the first thread to import it
 * is its main thread. At the end no Py_Finalize: threads may be inside calls. */
static const char bootstrap[] =
    "def boot():\n"
    "    import sys\n"
    "    del globals()['boot']\n"
    "    if sys.path and sys.path[0] == '':\n"
    "        del sys.path[0]\n"
    "    fd, process, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
    "    sys.argv[:] = ['']\n"
    "    import atexit, os, threading\n"
    "    from importlib import import_module, machinery, util\n"
    "    def load(name, path, **options):\n"
    "        spec = util.spec_from_file_location(name, path, **options)\n"
    "        module = sys.modules[name] = util.module_from_spec(spec)\n"
    "        spec.loader.exec_module(module)\n"
    "    def fail(text):\n"
    "        if '_gatehouse' in sys.modules:\n"
    "            return sys.modules['_gatehouse'].fail(fd, text)\n"
    "        text = text.encode('utf-8', 'replace')[:65536]\n"
    "        os.write(fd, len(text).to_bytes(4, 'little') + b'\\x25' + bytes(11) + text)\n"
    "    code = 0\n"
    "    try:\n"
    "        if '_gatehouse' not in sys.builtin_module_names:\n"
    "            path = folder + '/_gatehouse.abi3.so'\n"
    "            loader = machinery.ExtensionFileLoader('_gatehouse', path)\n"
    "            load('_gatehouse', path, loader=loader)\n"
    "        package = folder + '/gatehouse'\n"
    "        load('gatehouse', package + '/__init__.py', submodule_search_locations=[package])\n"
    "        import_module('gatehouse.worker').main(fd, process)\n"
    "    except SystemExit as end:\n"
    "        code = end.code if isinstance(end.code, int) else int(end.code is not None)\n"
    "    except BaseException as error:\n"
    "        code = 70\n"
    "        import traceback\n"
    "        traceback.print_exc()\n"
    "        fail('%s: %s' % (type(error).__name__, error))\n"
    "    for last in atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush:\n"
    "        try:\n"
    "            last()\n"
    "        except BaseException:\n"
    "            pass\n"
    "    os._exit(code)\n"
    "boot()\n";

#define ARGUMENT_COUNT 6

struct launch {
    const struct gh_runtime_options *options;
    struct gh_probe probe;
    char fd_text[16];
    char extension[PATH_MAX];
    const char *argv[ARGUMENT_COUNT + 1];
};

static int unavailable(const struct gh_runtime_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
unavailable(const struct gh_runtime_options *options, const char *format, ...)
{
    char text[4 * PATH_MAX];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    options->fail(options, text);
    return GH_WORKER_EXIT_UNAVAILABLE;
}

static bool
look_up(void *library, const char *name, void *function_out)
{
    void *symbol = dlsym(library, name);

    memcpy(function_out, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* The libpython of the env, or NULL when there is none that fits: then its python runs instead.
 * RTLD_GLOBAL, because extension modules have undefined symbols of Python's. */
static void *
load_libpython(const struct gh_probe *probe)
{
    const char *wanted = getenv("GATEHOUSE_EMBED"); /* 0: for tests and to get around trouble */
    const char *(*get_version)(void);

    if (!probe->library[0] || (wanted && strcmp(wanted, "0") == 0))
        return NULL;
    void *library = dlopen(probe->library, RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "gatehouse-worker: running %s instead of %s\n", probe->executable,
                dlerror());
        return NULL;
    }

    /* A static python beside a libpython of another patch release: one of the two is stale. */
    size_t len = strlen(probe->version);
    if (!look_up(library, "Py_GetVersion", &get_version) ||
        strncmp(get_version(), probe->version, len) != 0 || get_version()[len] != ' ')
        return NULL;
    return library;
}

static int
run_embedded(struct launch *launch, void *library)
{
    const struct gh_runtime_options *options = launch->options;
    int (*append_inittab)(const char *name, void *(*init)(void));
    int (*run_main)(int argc, char **argv);
    void *(*init)(void);

    void *extension = dlopen(launch->extension, RTLD_NOW | RTLD_GLOBAL);
    if (!extension)
        return unavailable(options, "cannot load the Python extension: %s", dlerror());
    if (!look_up(library, "PyImport_AppendInittab", &append_inittab) ||
        !look_up(library, "Py_BytesMain", &run_main) ||
        !look_up(extension, "PyInit__gatehouse", &init))
        return unavailable(options, "%s and %s do not fit together", launch->probe.library,
                           launch->extension);

    append_inittab("_gatehouse", init);
    run_main(ARGUMENT_COUNT, (char **)(uintptr_t)launch->argv);
    return GH_WORKER_EXIT_SOFTWARE; /* the bootstrap leaves by itself */
}

static int
run_executable(struct launch *launch)
{
    execv(launch->probe.executable, (char **)(uintptr_t)launch->argv);
    return unavailable(launch->options, "cannot run '%s': %s", launch->probe.executable,
                       strerror(errno));
}

static int
run(const struct gh_runtime_options *options)
{
    char problem[3 * PATH_MAX];
    struct launch launch = {.options = options};

    if (gh_find_python(options->python, options->cache_dir, &launch.probe, problem,
                       sizeof problem) < 0)
        return unavailable(options, "%s", problem);

    snprintf(launch.fd_text, sizeof launch.fd_text, "%d", options->fd);
    snprintf(launch.extension, sizeof launch.extension, "%s/_gatehouse.abi3.so",
             options->module_dir);
    const char *argv[ARGUMENT_COUNT] = {
        launch.probe.executable, "-c", bootstrap, launch.fd_text, options->process,
        options->module_dir,
    };
    memcpy(launch.argv, argv, sizeof argv);

    void *library = load_libpython(&launch.probe);
    return library ? run_embedded(&launch, library) : run_executable(&launch);
}

const struct gh_runtime *
gh_runtime_v1(void)
{
    static const struct gh_runtime runtime = {GH_RUNTIME_VERSION, "python", run};

    return &runtime;
}
