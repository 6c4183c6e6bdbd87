# SPDX-License-Identifier: Apache-2.0
"""A wall clock that jumps: what Den said is counted by a clock that does not, ends of tokens by the one that does."""
from __future__ import annotations

import mmap
import os
import struct

import pytest

from .auth_kit import OWNER_TOKEN, new_source
from .den_kit import URI, cold, den_node
from .fake_den import FakeDen
from .gatehoused import BUILD, wait_until

FAKE_CLOCK = BUILD / "tests" / ".libs" / "libfake_clock.so"
HOUR = 3600

pytestmark = pytest.mark.skipif(not FAKE_CLOCK.exists(), reason=f"no {FAKE_CLOCK}: make check builds it")


class Clock:
    """What the daemon's wall clock is ahead of ours."""

    def __init__(self, path):
        path.write_bytes(struct.pack("q", 0))
        self.path = path
        with open(path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 8)

    @property
    def env(self) -> dict[str, str]:
        # A daemon built with ASan wants to be told that its runtime is not the first library.
        sanitizer = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "handle_segv=0", "verify_asan_link_order=0"]))
        return {"LD_PRELOAD": str(FAKE_CLOCK), "GATEHOUSE_TEST_CLOCK": str(self.path), "ASAN_OPTIONS": sanitizer}

    def jump_to(self, seconds: int) -> None:
        self._page[:] = struct.pack("q", seconds)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


@pytest.fixture
def den():
    with FakeDen() as running:
        yield running


@pytest.mark.parametrize("jump", [1000 * HOUR, -100_000 * HOUR])
def test_what_den_said_keeps_its_time(tmp_path, den, clock, jump):
    with den_node(tmp_path / "d", den, env=clock.env) as node:
        allowed, denied, source = cold(den, box="read"), cold(den), new_source()
        assert node.ask("GET", "/keys", None, allowed).status == 200
        assert node.ask("GET", "/keys", None, denied).status == 403
        clock.jump_to(jump)
        asked = den.count()
        assert node.ask("GET", "/keys", None, allowed).status == 200
        assert den.count() == asked
        den.sets(allowed, URI, None)
        den.sets(denied, URI, "read")
        wait_until("a denial to end", lambda: node.ask("GET", "/keys", None, denied).status == 200)
        assert node.ask("GET", "/keys", None, allowed).status == 200
        assert node.ask("POST", "/settings", {"flush_auth_cache": True}, OWNER_TOKEN).status == 200
        assert node.ask("GET", "/keys", None, allowed).status == 403
        statuses = [node.ask("GET", "/keys", None, f"gh_wrong{n}", source).status for n in range(22)]
        assert statuses == [403] * 20 + [429] * 2


def test_tokens_end_by_the_wall_clock(tmp_path, den, clock):
    with den_node(tmp_path / "d", den, env=clock.env) as node:
        lasting = node.create("ann", "read")["token"]
        brief = node.create("bob", "read", valid_for_s=HOUR)["token"]
        asks = lambda token: node.ask("GET", "/keys", None, token, new_source()).status
        assert (asks(lasting), asks(brief)) == (200, 200)
        clock.jump_to(HOUR // 2)
        assert asks(brief) == 200
        clock.jump_to(2 * HOUR)
        assert (asks(lasting), asks(brief), asks(OWNER_TOKEN)) == (200, 403, 200)
        clock.jump_to(-10 * HOUR)
        assert (asks(lasting), asks(OWNER_TOKEN)) == (200, 200)
        wait_until("the node to answer as ever", lambda: node.daemon.get("/check").status == 200)
