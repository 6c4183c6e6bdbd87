# SPDX-License-Identifier: Apache-2.0
examplesdir = $(docdir)/examples
# sorted: *.py
dist_examples_DATA = \
	%reldir%/concat.py \
	%reldir%/web.py
