# SPDX-License-Identifier: Apache-2.0
libgh_plain_la_SOURCES += \
	%reldir%/self.c \
	%reldir%/self.h

# sorted: *.c *.h except self.*
libgatehouse_la_SOURCES += \
	%reldir%/alloc.c \
	%reldir%/alloc.h \
	%reldir%/base64url.c \
	%reldir%/base64url.h \
	%reldir%/buf.c \
	%reldir%/buf.h \
	%reldir%/err.c \
	%reldir%/err.h \
	%reldir%/ip.c \
	%reldir%/ip.h \
	%reldir%/journal.c \
	%reldir%/journal.h \
	%reldir%/jsoncheck.c \
	%reldir%/jsoncheck.h \
	%reldir%/jsontext.c \
	%reldir%/jsontext.h \
	%reldir%/log.c \
	%reldir%/log.h \
	%reldir%/nearest.c \
	%reldir%/nearest.h \
	%reldir%/notify.c \
	%reldir%/notify.h \
	%reldir%/unit.c \
	%reldir%/unit.h \
	%reldir%/words.c \
	%reldir%/words.h
