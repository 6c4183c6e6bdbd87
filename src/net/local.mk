# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/http.c \
	%reldir%/http.h \
	%reldir%/library.c \
	%reldir%/multi.c \
	%reldir%/net_inner.h \
	%reldir%/transfer.c
