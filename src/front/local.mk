# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/activation.c \
	%reldir%/activation.h \
	%reldir%/answer.c \
	%reldir%/conn.c \
	%reldir%/exchange.c \
	%reldir%/front_inner.h \
	%reldir%/guard.c \
	%reldir%/guard.h \
	%reldir%/handshake.c \
	%reldir%/handshake.h \
	%reldir%/listener.c \
	%reldir%/listener.h \
	%reldir%/manager.c \
	%reldir%/manager.h \
	%reldir%/mhd_errors.c \
	%reldir%/ports.c \
	%reldir%/ports.h \
	%reldir%/redirect.c \
	%reldir%/server.c \
	%reldir%/server.h
