/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 20000
#define OUTPUT_MAX_BYTES 32768
#define SIGNATURE_MAX_BYTES (3 * PATH_MAX)
#define MARK "gatehouse-probe:"

/* Also valid in Python 2, so that an old one can be told from no Python at all. A libpython that is
 * mapped is the right one; else it may lie in a place that the build names. LIBDIR alone is not to
 * be trusted: a relocated build names a folder of the machine that built it. */
static const char script[] =
    "import os, sys, sysconfig\n"
    "def say(key, value):\n"
    "    line = '" MARK "%s=%s\\n' % (key, value)\n"
    "    os.write(1, os.fsencode(line) if hasattr(os, 'fsencode') else line)\n"
    "def mapped(name):\n"
    "    with open('/proc/self/maps') as maps:\n"
    "        for line in maps:\n"
    "            path = line.rstrip('\\n').split(None, 5)[-1]\n"
    "            if os.path.basename(path).startswith(name) and '.so' in path:\n"
    "                return path\n"
    "def installed(name):\n"
    "    var = sysconfig.get_config_var\n"
    "    base = getattr(sys, 'base_prefix', sys.prefix)\n"
    "    libdir = var('LIBDIR') or ''\n"
    "    dirs = [os.path.join(base, 'lib'), libdir, os.path.join(libdir, var('MULTIARCH') or ''),\n"
    "            var('LIBPL') or '', os.path.join(base, 'lib64'), base]\n"
    "    files = [var('INSTSONAME') or '', name + '.so.1.0', name + '.so']\n"
    "    for d in dirs:\n"
    "        for f in files:\n"
    "            if d and '.so' in f and os.path.isfile(os.path.join(d, f)):\n"
    "                return os.path.join(d, f)\n"
    "name = 'libpython%d.%d' % sys.version_info[:2]\n"
    "say('implementation', getattr(getattr(sys, 'implementation', None), 'name', 'cpython'))\n"
    "say('free_threaded', int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))))\n"
    "say('executable', sys.executable)\n"
    "say('library', mapped(name) or installed(name) or '')\n"
    "say('version', sys.version.split()[0])\n";

/* The value of KEY in TEXT, which is lines of MARK key=value amid others. */
static bool
get_value(const char *text, const char *key, char *out, size_t out_len)
{
    char wanted[64];

    snprintf(wanted, sizeof wanted, MARK "%s=", key);
    const char *found = strstr(text, wanted);
    if (!found)
        return false;
    found += strlen(wanted);
    size_t len = strcspn(found, "\n");
    if (len >= out_len)
        return false;
    memcpy(out, found, len);
    out[len] = 0;
    return true;
}

static bool
parse(const char *text, struct gh_probe *probe)
{
    char free_threaded[8];

    *probe = (struct gh_probe){0};
    if (!get_value(text, "executable", probe->executable, sizeof probe->executable) ||
        !get_value(text, "library", probe->library, sizeof probe->library) ||
        !get_value(text, "implementation", probe->implementation, sizeof probe->implementation) ||
        !get_value(text, "version", probe->version, sizeof probe->version) ||
        !get_value(text, "free_threaded", free_threaded, sizeof free_threaded))
        return false;
    probe->is_free_threaded = free_threaded[0] == '1';
    return probe->executable[0] == '/';
}

static void
become_python(const char *path, const char *flag, int output_fd)
{
    const char *with_flag[] = {path, flag, "-c", script, NULL};
    const char *plain[] = {path, "-c", script, NULL};
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null_fd, 0);
    dup2(output_fd, 1);
    dup2(output_fd, 2);
    execv(path, (char **)(uintptr_t)(flag ? with_flag : plain));
    dprintf(2, "%s\n", strerror(errno));
    _exit(127);
}

static long
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* All that comes out of FD until it is closed, or until the time is up. */
static void
collect(int fd, char *output)
{
    long deadline = now_ms() + TIMEOUT_MS;
    size_t len = 0;

    for (;;) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        char scrap[512];
        long left = deadline - now_ms();

        if (left <= 0 || poll(&poller, 1, (int)left) <= 0)
            break;
        bool is_full = len == OUTPUT_MAX_BYTES - 1;
        ssize_t got = is_full ? read(fd, scrap, sizeof scrap)
                              : read(fd, output + len, OUTPUT_MAX_BYTES - 1 - len);
        if (got <= 0)
            break;
        if (!is_full)
            len += (size_t)got;
    }
    output[len] = 0;
}

/* Run the script, stdout and stderr into OUTPUT. -1 when no process could be made. */
static int
run_script(const char *path, const char *flag, char *output)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become_python(path, flag, pipe_fds[1]);
    close(pipe_fds[1]);
    if (pid > 0) {
        collect(pipe_fds[0], output);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(pipe_fds[0]);
    return pid > 0 ? 0 : -1;
}

static const char *
last_line(char *text)
{
    size_t len = strlen(text);

    while (len && strchr("\r\n ", text[len - 1]))
        text[--len] = 0;
    char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

static int
ask(const char *path, char *output, struct gh_probe *probe, char *problem, size_t problem_len)
{
    /* Isolated, for the env as it is; Python 2 has no -I and then says so. Not -S: up to 3.13 the
     * prefix of a venv comes out wrong. */
    if (run_script(path, "-I", output) == 0 && parse(output, probe))
        return 0;
    if (run_script(path, NULL, output) == 0 && parse(output, probe))
        return 0;
    const char *said = last_line(output);
    snprintf(problem, problem_len, "'%s' does not work as a Python interpreter%s%.500s", path,
             said[0] ? ": " : "", said);
    return -1;
}

static bool
is_elf(const char *path)
{
    char magic[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool found = read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "\177ELF", 4) == 0;
    close(fd);
    return found;
}

static void
describe(const char *path, char *out, size_t out_len)
{
    struct stat status;

    if (stat(path, &status) == 0)
        snprintf(out, out_len, "%lld.%09ld/%lld", (long long)status.st_mtim.tv_sec,
                 status.st_mtim.tv_nsec, (long long)status.st_size);
    else
        snprintf(out, out_len, "none");
}

/* One line that changes whenever the answer may change. False: do not keep an answer. */
static bool
sign(const char *path, char out[SIGNATURE_MAX_BYTES])
{
    char real[PATH_MAX], config[PATH_MAX + 32], python_mark[64], config_mark[64];
    const char *slash = strrchr(path, '/');

    if (!slash || !realpath(path, real) || !is_elf(real) || strpbrk(path, "\n"))
        return false;
    snprintf(config, sizeof config, "%.*s/../pyvenv.cfg", (int)(slash - path), path);
    describe(real, python_mark, sizeof python_mark);
    describe(config, config_mark, sizeof config_mark);
    return snprintf(out, SIGNATURE_MAX_BYTES, "2 %s %s %s %s\n", path, real, python_mark,
                    config_mark) < SIGNATURE_MAX_BYTES;
}

static void
cache_file(const char *cache_dir, const char *path, char out[PATH_MAX])
{
    uint64_t hash = 14695981039346656037ull; /* FNV-1a */

    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * 1099511628211ull;
    snprintf(out, PATH_MAX, "%s/python-%016llx.probe", cache_dir, (unsigned long long)hash);
}

/* What others could have written is not believed: it says which library we load. */
static bool
recall(const char *file, const char *signature, char *text, struct gh_probe *probe)
{
    struct stat status;
    size_t signature_len = strlen(signature);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                   status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH));
    ssize_t len = is_ours ? read(fd, text, OUTPUT_MAX_BYTES - 1) : -1;
    close(fd);
    if (len < 0)
        return false;
    text[len] = 0;
    return strncmp(text, signature, signature_len) == 0 && parse(text + signature_len, probe) &&
           (!probe->library[0] || access(probe->library, R_OK) == 0);
}

static void
remember(const char *cache_dir, const char *file, const char *signature,
         const struct gh_probe *probe)
{
    char temporary[PATH_MAX];

    mkdir(cache_dir, 0700);
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", file) >= PATH_MAX)
        return;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return;
    int written = dprintf(fd,
                          "%s" MARK "executable=%s\n" MARK "library=%s\n" MARK
                          "implementation=%s\n" MARK "free_threaded=%d\n" MARK "version=%s\n",
                          signature, probe->executable, probe->library, probe->implementation,
                          probe->is_free_threaded, probe->version);
    if (close(fd) < 0 || written < 0 || rename(temporary, file) < 0)
        unlink(temporary);
}

int
gh_probe_python(const char *path, const char *cache_dir, struct gh_probe *probe_out, char *problem,
                size_t problem_len)
{
    char signature[SIGNATURE_MAX_BYTES], file[PATH_MAX];
    char text[OUTPUT_MAX_BYTES] = "";
    bool may_cache = cache_dir && sign(path, signature);

    if (may_cache) {
        cache_file(cache_dir, path, file);
        if (recall(file, signature, text, probe_out))
            return 0;
    }
    if (ask(path, text, probe_out, problem, problem_len) < 0)
        return -1;
    if (may_cache)
        remember(cache_dir, file, signature, probe_out);
    return 0;
}
