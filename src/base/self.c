/* SPDX-License-Identifier: Apache-2.0 */
#include "base/self.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CORE_FILTER "/proc/self/coredump_filter"
#define NO_MEMORY "0x0"
#define KERNEL_DEFAULT "0x33"

void
gh_self_prepare_fds(void)
{
    struct rlimit limit;

    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void
gh_self_keep_rights(void)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void
gh_self_dump_memory(bool is_dumped)
{
    const char *filter = is_dumped ? KERNEL_DEFAULT : NO_MEMORY;
    int fd = open(CORE_FILTER, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return; /* a kernel without it, or /proc is not there: nothing that we could do */
    ssize_t written = write(fd, filter, strlen(filter));
    (void)written;
    close(fd);
}
