# SPDX-License-Identifier: Apache-2.0
# sorted: *.c *.h
libgatehouse_la_SOURCES += \
	%reldir%/capacity.c \
	%reldir%/capacity.h \
	%reldir%/census.c \
	%reldir%/census.h \
	%reldir%/child.c \
	%reldir%/child.h \
	%reldir%/env.c \
	%reldir%/env.h \
	%reldir%/envs.c \
	%reldir%/envs.h \
	%reldir%/folder.c \
	%reldir%/folder.h \
	%reldir%/folder_move.c \
	%reldir%/folder_read.c \
	%reldir%/folder_remove.c \
	%reldir%/folder_write.c \
	%reldir%/gpu.c \
	%reldir%/gpu.h \
	%reldir%/install.h \
	%reldir%/install_conda.c \
	%reldir%/install_git.c \
	%reldir%/install_python.c \
	%reldir%/install_run.c \
	%reldir%/install_venv.c \
	%reldir%/installer.c \
	%reldir%/installer.h \
	%reldir%/ledger.c \
	%reldir%/ledger.h \
	%reldir%/node.c \
	%reldir%/node.h \
	%reldir%/nvml.c \
	%reldir%/nvml.h \
	%reldir%/packages.c \
	%reldir%/packages.h \
	%reldir%/scratch.c \
	%reldir%/scratch.h \
	%reldir%/shell.c \
	%reldir%/shell.h \
	%reldir%/tail.c \
	%reldir%/tail.h \
	%reldir%/usage.c \
	%reldir%/usage.h
