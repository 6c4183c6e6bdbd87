# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/beside.c \
	%reldir%/beside.h \
	%reldir%/environment.c \
	%reldir%/environment.h \
	%reldir%/home.c \
	%reldir%/home.h \
	%reldir%/settings.c \
	%reldir%/settings.h
