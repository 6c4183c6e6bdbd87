/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/cli.h"

static int event_fd = -1;
static volatile sig_atomic_t count;

static void
on_signal(int number)
{
    uint64_t one = 1;

    (void)number;
    if (count++ > 0)
        _exit(GH_EXIT_INTERRUPTED);
    if (write(event_fd, &one, sizeof one) != sizeof one)
        _exit(GH_EXIT_INTERRUPTED);
}

int
gh_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    if (event_fd >= 0)
        return event_fd;
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return -1; /* then signals end the program as they always do */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return event_fd;
}

bool
gh_interrupted(void)
{
    return count > 0;
}
