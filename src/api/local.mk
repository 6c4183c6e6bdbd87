# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/acme_routes.c \
	%reldir%/admit.c \
	%reldir%/admit.h \
	%reldir%/api.h \
	%reldir%/app_routes.c \
	%reldir%/assets.c \
	%reldir%/assets.h \
	%reldir%/audited.c \
	%reldir%/call_routes.c \
	%reldir%/cert_routes.c \
	%reldir%/config_routes.c \
	%reldir%/create_routes.c \
	%reldir%/doc_routes.c \
	%reldir%/fanout.c \
	%reldir%/fanout.h \
	%reldir%/fields.c \
	%reldir%/fields.h \
	%reldir%/folder_routes.c \
	%reldir%/forward.c \
	%reldir%/forward.h \
	%reldir%/inline_logs.c \
	%reldir%/inline_logs.h \
	%reldir%/log_routes.c \
	%reldir%/node_routes.c \
	%reldir%/object_routes.c \
	%reldir%/own_routes.c \
	%reldir%/package_routes.c \
	%reldir%/process_routes.c \
	%reldir%/restart_routes.c \
	%reldir%/routes.c \
	%reldir%/routes.h \
	%reldir%/shell_routes.c \
	%reldir%/status_routes.c \
	%reldir%/targets.c \
	%reldir%/targets.h \
	%reldir%/token_routes.c \
	%reldir%/too_old.c \
	%reldir%/too_old.h
