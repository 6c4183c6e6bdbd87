# SPDX-License-Identifier: Apache-2.0
"""The smallest thing to serve: gatehoused --module concat=examples/concat.py:concat"""


def concat(a: str, b: str) -> str:
    """Return a followed by b."""
    return a + b
