# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/access.c \
	%reldir%/access.h \
	%reldir%/audit.c \
	%reldir%/audit.h \
	%reldir%/auth.c \
	%reldir%/auth.h \
	%reldir%/bearer.c \
	%reldir%/bearer.h \
	%reldir%/denask.c \
	%reldir%/denask.h \
	%reldir%/denfacts.c \
	%reldir%/denfacts.h \
	%reldir%/denword.c \
	%reldir%/denword.h \
	%reldir%/throttle.c \
	%reldir%/throttle.h \
	%reldir%/tokens.c \
	%reldir%/tokens.h
