# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += gatehoused
gatehoused_SOURCES = %reldir%/gatehoused.c
gatehoused_LDFLAGS = $(AM_LDFLAGS) $(GH_PIE_LDFLAGS) $(front_ldflags)
gatehoused_LDADD = libgatehouse.la libgh_plain.la $(daemon_libs)

bin_PROGRAMS += gatehouse
gatehouse_SOURCES = %reldir%/gatehouse.c
gatehouse_LDFLAGS = $(AM_LDFLAGS) $(GH_PIE_LDFLAGS)
gatehouse_LDADD = libgh_cli.la libgh_find.la libgatehouse.la libgh_plain.la $(cli_libs)

# Links libc only: whatever is in its global scope would shadow what wheels bring along.
pkglibexec_PROGRAMS += gatehouse-worker
gatehouse_worker_SOURCES = %reldir%/gatehouse-worker.c
gatehouse_worker_LDFLAGS = $(AM_LDFLAGS) $(GH_PIE_LDFLAGS)
gatehouse_worker_LDADD = libgh_plain.la $(DL_LIBS)

EXTRA_DIST += %reldir%/LAYERS
