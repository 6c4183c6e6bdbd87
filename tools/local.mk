# SPDX-License-Identifier: Apache-2.0
# sorted: * except local.mk
EXTRA_DIST += \
	%reldir%/bootstrap \
	%reldir%/build \
	%reldir%/check-exports \
	%reldir%/check-layers \
	%reldir%/check-scripts \
	%reldir%/check-sources \
	%reldir%/fetch-cpython-3.14 \
	%reldir%/format \
	%reldir%/fresh-tree-check \
	%reldir%/fuzz \
	%reldir%/get-browser-assets \
	%reldir%/get-libmicrohttpd \
	%reldir%/get-old-clients \
	%reldir%/install-packages \
	%reldir%/make-venv \
	%reldir%/quickstart \
	%reldir%/record-session \
	%reldir%/test \
	%reldir%/update-sources
