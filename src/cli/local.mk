# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libgh_cli.la
# sorted: *.c *.h
libgh_cli_la_SOURCES = \
	%reldir%/arguments.c \
	%reldir%/arguments.h \
	%reldir%/ask.c \
	%reldir%/bringup.c \
	%reldir%/bringup.h \
	%reldir%/cli.h \
	%reldir%/client.c \
	%reldir%/client.h \
	%reldir%/clusterfile.c \
	%reldir%/clusterfile.h \
	%reldir%/completion.c \
	%reldir%/completion.h \
	%reldir%/daemon.c \
	%reldir%/daemon.h \
	%reldir%/facts.c \
	%reldir%/facts.h \
	%reldir%/help.c \
	%reldir%/help.h \
	%reldir%/interrupt.c \
	%reldir%/interrupt.h \
	%reldir%/launch.c \
	%reldir%/launch.h \
	%reldir%/locate.c \
	%reldir%/locate.h \
	%reldir%/login.c \
	%reldir%/login.h \
	%reldir%/man.c \
	%reldir%/man.h \
	%reldir%/man_daemon.c \
	%reldir%/out.c \
	%reldir%/out.h \
	%reldir%/parse.c \
	%reldir%/ray.c \
	%reldir%/report.c \
	%reldir%/report.h \
	%reldir%/runhouse.c \
	%reldir%/runlog.c \
	%reldir%/runlog.h \
	%reldir%/shim.c \
	%reldir%/shim.h \
	%reldir%/signature.c \
	%reldir%/verb_call.c \
	%reldir%/verb_install.c \
	%reldir%/verb_logs.c \
	%reldir%/verb_modules.c \
	%reldir%/verb_names.c \
	%reldir%/verb_ps.c \
	%reldir%/verb_restart.c \
	%reldir%/verb_shim.c \
	%reldir%/verb_status.c \
	%reldir%/verb_stop.c \
	%reldir%/verb_up.c \
	%reldir%/verbs.c \
	%reldir%/verbs.h
