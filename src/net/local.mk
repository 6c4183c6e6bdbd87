# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/acme.c \
	%reldir%/acme.h \
	%reldir%/acme_account.c \
	%reldir%/acme_account.h \
	%reldir%/acme_ari.c \
	%reldir%/acme_cert.c \
	%reldir%/acme_cert.h \
	%reldir%/acme_challenge.c \
	%reldir%/acme_challenge.h \
	%reldir%/acme_client.c \
	%reldir%/acme_client.h \
	%reldir%/acme_inner.h \
	%reldir%/acme_name.c \
	%reldir%/acme_order.c \
	%reldir%/acme_order.h \
	%reldir%/acme_order_inner.h \
	%reldir%/acme_proof.c \
	%reldir%/acme_reply.c \
	%reldir%/acme_reply.h \
	%reldir%/acme_state.c \
	%reldir%/acme_store.c \
	%reldir%/acme_store.h \
	%reldir%/acme_time.c \
	%reldir%/acme_time.h \
	%reldir%/http.c \
	%reldir%/http.h \
	%reldir%/jws.c \
	%reldir%/jws.h \
	%reldir%/library.c \
	%reldir%/multi.c \
	%reldir%/net_inner.h \
	%reldir%/p256.c \
	%reldir%/p256.h \
	%reldir%/transfer.c
