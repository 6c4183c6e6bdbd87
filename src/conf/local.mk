# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/address.c \
	%reldir%/address.h \
	%reldir%/beside.c \
	%reldir%/beside.h \
	%reldir%/change.c \
	%reldir%/change.h \
	%reldir%/clientfiles.c \
	%reldir%/commandline.c \
	%reldir%/commandline.h \
	%reldir%/configfile.c \
	%reldir%/configfile.h \
	%reldir%/credential.c \
	%reldir%/credential.h \
	%reldir%/declared.c \
	%reldir%/declared.h \
	%reldir%/environment.c \
	%reldir%/environment.h \
	%reldir%/envspec.c \
	%reldir%/faults.c \
	%reldir%/faults.h \
	%reldir%/home.c \
	%reldir%/home.h \
	%reldir%/identity.c \
	%reldir%/identity.h \
	%reldir%/listen.c \
	%reldir%/listen.h \
	%reldir%/modulespec.c \
	%reldir%/networks.c \
	%reldir%/networks.h \
	%reldir%/origins.c \
	%reldir%/origins.h \
	%reldir%/paths.c \
	%reldir%/paths.h \
	%reldir%/reading.c \
	%reldir%/reading.h \
	%reldir%/rows.c \
	%reldir%/rows.h \
	%reldir%/settings.c \
	%reldir%/settings.h \
	%reldir%/show.c \
	%reldir%/show.h \
	%reldir%/yaml.c \
	%reldir%/yaml.h
