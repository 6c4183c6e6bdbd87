# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/channel.c \
	%reldir%/channel.h \
	%reldir%/pool.c \
	%reldir%/pool.h \
	%reldir%/pool_inner.h \
	%reldir%/process.c \
	%reldir%/restart.c \
	%reldir%/shm.c \
	%reldir%/shm.h \
	%reldir%/spill.c \
	%reldir%/spill.h \
	%reldir%/variables.c \
	%reldir%/worker.c \
	%reldir%/worker.h
