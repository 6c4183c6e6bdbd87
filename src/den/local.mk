# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/den.c \
	%reldir%/den.h \
	%reldir%/den_inner.h \
	%reldir%/grants.c \
	%reldir%/grants.h \
	%reldir%/keyring.c \
	%reldir%/keyring.h \
	%reldir%/listing.c \
	%reldir%/listing.h \
	%reldir%/meter.c \
	%reldir%/meter.h \
	%reldir%/posts.c \
	%reldir%/posts.h \
	%reldir%/resources.c \
	%reldir%/resources.h \
	%reldir%/secrets.c \
	%reldir%/secrets.h \
	%reldir%/tickets.c \
	%reldir%/tickets.h \
	%reldir%/uri.c \
	%reldir%/uri.h \
	%reldir%/users.c \
	%reldir%/users.h
