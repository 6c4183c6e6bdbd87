# SPDX-License-Identifier: Apache-2.0
"""Five seconds of everything at once: no call gets another's answer, or another's lines."""
from __future__ import annotations

import time

from . import mixed_calls

SECONDS = 5


def test_nothing_is_mixed_up(daemon):
    mixed_calls.deploy(daemon)
    end = time.monotonic() + SECONDS
    assert mixed_calls.run(daemon, 32, lambda _: time.monotonic() < end) > 100
