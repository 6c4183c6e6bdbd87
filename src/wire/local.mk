# SPDX-License-Identifier: Apache-2.0
# What daemon and worker both speak: libc only, and nothing of base/.
libgh_plain_la_SOURCES += \
	%reldir%/call.c \
	%reldir%/call.h \
	%reldir%/frame.c \
	%reldir%/frame.h \
	%reldir%/le.h \
	%reldir%/pyenv.c \
	%reldir%/pyenv.h

# sorted: *.c *.h except call.* frame.* le.h pyenv.*
libgatehouse_la_SOURCES += \
	%reldir%/digest.c \
	%reldir%/digest.h \
	%reldir%/httpframe.c \
	%reldir%/httpframe.h \
	%reldir%/httptoken.c \
	%reldir%/httptoken.h \
	%reldir%/jsonscan.c \
	%reldir%/jsonscan.h \
	%reldir%/level.c \
	%reldir%/level.h \
	%reldir%/pickle.c \
	%reldir%/pickle.h \
	%reldir%/reply.c \
	%reldir%/reply.h \
	%reldir%/request.c \
	%reldir%/request.h \
	%reldir%/tokentext.c \
	%reldir%/tokentext.h \
	%reldir%/url.c \
	%reldir%/url.h
