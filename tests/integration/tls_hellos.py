# SPDX-License-Identifier: Apache-2.0
"""TLS by hand: hellos that no library makes any more, and what comes back."""
from __future__ import annotations

import os
import socket
import struct

from .gatehoused import Gatehoused

CHANGE_CIPHER, ALERT, HANDSHAKE, APPLICATION, HEARTBEAT = 20, 21, 22, 23, 24
SERVER_HELLO, CERTIFICATE = 2, 11
PROTOCOL_VERSION, HANDSHAKE_FAILURE, NO_APPLICATION_PROTOCOL, RECORD_OVERFLOW = 70, 40, 120, 22
UNEXPECTED, BAD_MAC, ILLEGAL_PARAMETER, DECODE_ERROR, DECRYPT_ERROR = 10, 20, 47, 50, 51
INAPPROPRIATE_FALLBACK, MISSING_EXTENSION = 86, 109
ECDHE_ECDSA_GCM, EMPTY_RENEGOTIATION, FALLBACK = 0xC02B, 0x00FF, 0x5600
SIGALGS = [0x0403, 0x0804, 0x0401, 0x0203, 0x0201]


def counted(size: int, body: bytes) -> bytes:
    return len(body).to_bytes(size, "big") + body


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">H", kind) + counted(2, body)


def hello(version: int = 0x0303, ciphers=(ECDHE_ECDSA_GCM, EMPTY_RENEGOTIATION), *, groups=(29, 23),
          points=b"\x00", compression=b"\x00", alpn=(), more: bytes = b"", record: int = 0x0301,
          sni: str | None = "localhost", framed: bool = True) -> bytes:
    """A ClientHello in a record, unless it is not to be FRAMED; of TLS 1.3 when MORE says so (tls13.py)."""
    extensions = extension(10, counted(2, b"".join(struct.pack(">H", each) for each in groups)))
    extensions += extension(11, counted(1, points))
    extensions += extension(13, counted(2, b"".join(struct.pack(">H", each) for each in SIGALGS)))
    if sni is not None:
        extensions += extension(0, counted(2, b"\x00" + counted(2, sni.encode())))
    if alpn:
        extensions += extension(16, counted(2, b"".join(counted(1, each.encode()) for each in alpn)))
    body = struct.pack(">H", version) + os.urandom(32) + counted(1, b"")
    body += counted(2, b"".join(struct.pack(">H", each) for each in ciphers)) + counted(1, compression)
    body += counted(2, extensions + more)
    message = b"\x01" + counted(3, body)
    return struct.pack(">BH", HANDSHAKE, record) + counted(2, message) if framed else message


def in_records(message: bytes, length: int) -> bytes:
    """A handshake message in records of LENGTH bytes at most."""
    parts = [message[at:at + length] for at in range(0, len(message), length)]
    return b"".join(struct.pack(">BH", HANDSHAKE, 0x0301) + counted(2, part) for part in parts)


def exchange(daemon: Gatehoused, data: bytes, within_s: float = 15.0) -> bytes:
    """All that comes back until the daemon closes, or waits for more."""
    answer = b""
    with socket.create_connection(("127.0.0.1", daemon.port), within_s) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
                if has_done(answer):
                    break
        except (ConnectionError, TimeoutError):
            pass
    return answer


def records(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while len(data) >= 5:
        length = int.from_bytes(data[3:5], "big")
        found.append((data[0], data[5:5 + length]))
        data = data[5 + length:]
    return found


def messages(data: bytes) -> dict[int, bytes]:
    joined = b"".join(body for kind, body in records(data) if kind == HANDSHAKE)
    found = {}
    while len(joined) >= 4:
        length = int.from_bytes(joined[1:4], "big")
        found[joined[0]] = joined[4:4 + length]
        joined = joined[4 + length:]
    return found


def has_done(data: bytes) -> bool:
    """ServerHelloDone; or of TLS 1.3 what is behind a ServerHello or a HelloRetryRequest."""
    return 14 in messages(data) or any(kind in (CHANGE_CIPHER, APPLICATION) for kind, _ in records(data))


def alert_of(data: bytes) -> int | None:
    """The description of a fatal alert in DATA."""
    for kind, body in records(data):
        if kind == ALERT and len(body) == 2:
            return body[1]
    return None


def is_served(data: bytes) -> bool:
    return SERVER_HELLO in messages(data)
