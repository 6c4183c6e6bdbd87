# SPDX-License-Identifier: Apache-2.0
examplesdir = $(docdir)/examples
# sorted: *.py *.yaml
dist_examples_DATA = \
	%reldir%/concat.py \
	%reldir%/gatehouse.yaml \
	%reldir%/web.py
