# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/activation.c \
	%reldir%/activation.h \
	%reldir%/answer.c \
	%reldir%/chunk_line.c \
	%reldir%/chunk_line.h \
	%reldir%/coding.c \
	%reldir%/coding.h \
	%reldir%/conn.c \
	%reldir%/cors.c \
	%reldir%/crowd.c \
	%reldir%/crowd.h \
	%reldir%/exchange.c \
	%reldir%/forwarded.c \
	%reldir%/forwarded.h \
	%reldir%/front_inner.h \
	%reldir%/guard.c \
	%reldir%/guard.h \
	%reldir%/handshake.c \
	%reldir%/handshake.h \
	%reldir%/head.c \
	%reldir%/linger.c \
	%reldir%/listener.c \
	%reldir%/listener.h \
	%reldir%/manager.c \
	%reldir%/manager.h \
	%reldir%/mhd_chunks.c \
	%reldir%/mhd_errors.c \
	%reldir%/packed.c \
	%reldir%/packer.c \
	%reldir%/packer.h \
	%reldir%/ports.c \
	%reldir%/ports.h \
	%reldir%/redirect.c \
	%reldir%/server.c \
	%reldir%/server.h \
	%reldir%/tlsio.c \
	%reldir%/tlsio.h
