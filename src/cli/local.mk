# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libgh_cli.la
# sorted: *.c *.h
libgh_cli_la_SOURCES = \
	%reldir%/ask.c \
	%reldir%/cli.h \
	%reldir%/client.c \
	%reldir%/client.h \
	%reldir%/help.c \
	%reldir%/help.h \
	%reldir%/interrupt.c \
	%reldir%/interrupt.h \
	%reldir%/locate.c \
	%reldir%/locate.h \
	%reldir%/out.c \
	%reldir%/out.h \
	%reldir%/parse.c \
	%reldir%/verb_status.c \
	%reldir%/verbs.c \
	%reldir%/verbs.h
