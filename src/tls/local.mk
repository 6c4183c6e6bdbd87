# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/certs.c \
	%reldir%/certs.h \
	%reldir%/door.c \
	%reldir%/door.h \
	%reldir%/files.c \
	%reldir%/files.h \
	%reldir%/hello.c \
	%reldir%/hello.h \
	%reldir%/names.c \
	%reldir%/names.h \
	%reldir%/pair.c \
	%reldir%/pair.h \
	%reldir%/pair_facts.c \
	%reldir%/pair_facts.h \
	%reldir%/pair_inner.h \
	%reldir%/selfsigned.c \
	%reldir%/selfsigned.h \
	%reldir%/staple.c \
	%reldir%/tls.c \
	%reldir%/tls.h \
	%reldir%/watch.c \
	%reldir%/watch.h
