# SPDX-License-Identifier: Apache-2.0
# sorted: *.md
dist_doc_DATA = \
	%reldir%/hacking.md \
	%reldir%/http-api.md \
	%reldir%/ipc.md
# sorted: decisions/*.md
EXTRA_DIST += \
	%reldir%/decisions/0001-libmicrohttpd.md \
	%reldir%/decisions/0002-mhd-error-bodies.md
