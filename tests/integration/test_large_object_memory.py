# SPDX-License-Identifier: Apache-2.0
"""What a large object takes is given back when it is deleted: tests/bench/large-object, smaller."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .gatehoused import REPO

RUN_S = 240


@pytest.mark.skipif(os.environ.get("GATEHOUSE_SANITIZE", "no") != "no",
                    reason="a sanitizer keeps freed memory for itself")
def test_memory_of_a_deleted_object_is_given_back():
    done = subprocess.run([sys.executable, str(REPO / "tests" / "bench" / "large-object"),
                           "--mib", "64"], capture_output=True, text=True, timeout=RUN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("came back equal; memory was given back") == 2
