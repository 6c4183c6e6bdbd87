# SPDX-License-Identifier: Apache-2.0
"""Ports for tests that must know one before the daemon listens, or while nobody does."""
from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 10000
held: list[socket.socket] = []


def reserve(port: int) -> bool:
    """Keep other tests from PORT, in whatever process, until this process ends: the name of a socket in
    the abstract namespace, which is one with that of ports, says that it is given away."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0gatehouse-test-port-{port}")
    except OSError:
        mark.close()
        return False
    held.append(mark)
    return True


def free_port(host: str = "127.0.0.1", count: int = 1) -> int:
    """The first of COUNT ports in a row on which HOST listens to nobody, now or later.

    They lie below those that the system gives to outgoing connections: one of these may be taken at any
    moment, and stays in TIME_WAIT for a minute."""
    highest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        first = random.randrange(LOWEST, max(highest, LOWEST + 10) - count)
        if all(reserve(port) and is_free(host, port) for port in range(first, first + count)):
            return first


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
