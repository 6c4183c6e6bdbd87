# SPDX-License-Identifier: Apache-2.0
"""UNPACK_FILES: the serialized contents of a folder's put, taken apart for the daemon.

`contents` is the serialized text of a dict file name -> value; each value is serialized again by the
same method, and that text is the file. The daemon writes them: it reads no pickles.
Source: http-api.md section 4.
"""

from __future__ import annotations

import json

import _gatehouse

from . import serialize
from .current import PICKLE
from .errors import BadRequest

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from .calls import Answer


def unpack_files(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """The body is a JSON object file name -> text. Raises what pickle raises, TypeError, BadRequest."""
    contents = serialize.decode(serialization, data, "contents")
    if not isinstance(contents, dict):
        raise BadRequest(
            422, "`contents` argument must be a dict mapping filenames to file-like objects"
        )
    parts = []
    for name, value in contents.items():
        if not isinstance(name, str):
            raise TypeError("file names should be text, not %s" % type(name).__name__)
        if serialization == PICKLE:
            literal = _gatehouse.base64_literal(serialize.dumps_pickle(value))
        else:
            literal = serialize.quote(json.dumps(value))
        parts.append(serialize.quote(name) + b":" + literal)
    return b"{%s}" % b",".join(parts)
