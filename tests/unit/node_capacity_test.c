/* SPDX-License-Identifier: Apache-2.0 */
#include "node/capacity.h"

#include <sched.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

/* A machine of 64 GiB, with one control group as LINE and FILES ("folder/name=text") have it. */
static void
read_capacity(const char *line, const char *const *files, struct gh_capacity *out)
{
    char *root = make_folder();

    for (int i = -2; i < 0 || files[i]; i++) {
        const char *file = i == -2   ? "proc/meminfo=MemTotal:       67108864 kB\n"
                           : i == -1 ? "proc/self/cgroup="
                                     : files[i];
        const char *equals = strchr(file, '=');
        char *name GH_SCOPED(gh_free) = gh_strndup(file, (size_t)(equals - file));
        for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            char *folder GH_SCOPED(gh_free) = gh_asprintf("%s/%s", root, name);
            mkdir(folder, 0700);
            *slash = '/';
        }
        free(write_file(root, name, i == -1 ? line : equals + 1));
    }
    gh_capacity_read(root, out);
    remove_folder(root);
}

static const double gib64 = 64.0 * (1 << 30);

static const struct {
    const char *line;
    const char *files[6];
    double cpus; /* 0: those we may run on */
    double bytes;
} machines[] = {
    {"", {NULL}, 0, 64.0 * (1 << 30)},
    {"0::/\n", {NULL}, 0, 64.0 * (1 << 30)},
    {"0::/\n",
     {"sys/fs/cgroup/cpu.max=max 100000\n", "sys/fs/cgroup/memory.max=max\n", NULL},
     0,
     64.0 * (1 << 30)},
    {"0::/\n",
     {"sys/fs/cgroup/cpu.max=50000 100000\n", "sys/fs/cgroup/memory.max=1073741824\n", NULL},
     0.5,
     1 << 30},
    /* the smallest on the way up counts */
    {"0::/a.slice/b.service\n",
     {"sys/fs/cgroup/a.slice/cpu.max=25000 100000\n",
      "sys/fs/cgroup/a.slice/b.service/cpu.max=90000 100000\n",
      "sys/fs/cgroup/a.slice/b.service/memory.max=5000\n",
      "sys/fs/cgroup/a.slice/memory.max=9000\n", NULL},
     0.25,
     5000},
    /* a container that sees the machine's path but mounts its own group only */
    {"0::/machine/docker-1.scope\n",
     {"sys/fs/cgroup/cpu.max=75000 100000\n", NULL},
     0.75,
     64.0 * (1 << 30)},
    {"3:memory:/box\n2:cpu,cpuacct:/box\n1:name=systemd:/box\n",
     {"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us=20000\n",
      "sys/fs/cgroup/cpu/box/cpu.cfs_period_us=100000\n",
      "sys/fs/cgroup/memory/box/memory.limit_in_bytes=7000\n", NULL},
     0.2,
     7000},
    {"2:cpu,cpuacct:/\n3:memory:/\n",
     {"sys/fs/cgroup/cpu/cpu.cfs_quota_us=-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us=100000\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes=9223372036854771712\n", NULL},
     0,
     64.0 * (1 << 30)},
    {"no group\n:\n0::\n", {"sys/fs/cgroup/cpu.max=x y\n", NULL}, 0, 64.0 * (1 << 30)},
};

START_TEST(limits_of_control_groups_count)
{
    struct gh_capacity capacity;
    cpu_set_t set;

    CPU_ZERO(&set);
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    read_capacity(machines[_i].line, machines[_i].files, &capacity);
    double cpus = machines[_i].cpus > 0 ? machines[_i].cpus : CPU_COUNT(&set);
    ck_assert_msg(capacity.cpus == cpus, "%f is not %f", capacity.cpus, cpus);
    ck_assert_msg((double)capacity.memory_bytes == machines[_i].bytes, "%f is not %f",
                  (double)capacity.memory_bytes, machines[_i].bytes);
}
END_TEST

START_TEST(this_machine_has_something)
{
    struct gh_capacity capacity;

    gh_capacity_read("", &capacity);
    ck_assert(capacity.cpus > 0 && capacity.cpus <= 8192);
    ck_assert(capacity.memory_bytes > 1u << 20 && (double)capacity.memory_bytes < gib64 * 1024);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, limits_of_control_groups_count, 0, (int)COUNT(machines));
    tcase_add_test(tests, this_machine_has_something);
}

int
main(void)
{
    return run_tests("node_capacity", add);
}
