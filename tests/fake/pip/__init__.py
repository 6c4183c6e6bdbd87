# SPDX-License-Identifier: Apache-2.0
"""Stands for pip, which takes seconds on a busy machine; see __main__.py."""
