# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/cluster.c \
	%reldir%/cluster.h \
	%reldir%/keys.c \
	%reldir%/keys.h \
	%reldir%/runlines.c \
	%reldir%/runlines.h \
	%reldir%/runreaders.c \
	%reldir%/runs.c \
	%reldir%/runs.h \
	%reldir%/runs_inner.h \
	%reldir%/sql.c \
	%reldir%/sql.h
