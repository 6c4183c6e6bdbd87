# SPDX-License-Identifier: Apache-2.0
"""Cases that gatehoused answers otherwise than the true server, on purpose: name -> (reason, answer).

The reason says what the true server does. docs/compatibility.md has them at more length.
"""
from __future__ import annotations

from typing import Any

ANSWERS: dict[str, tuple[str, Any]] = {
    "call of a missing method": (
        "the error about the missing method fails itself",
        {'raised': 'ValueError', 'text': 'Method no_such not found on module [1]'},
    ),
    "callable instance": (
        "a class's own __call__ is hidden by the client's base class",
        [15, 16, 3],
    ),
    "callable that generates": (
        "a class's own __call__ is hidden by the client's base class",
        [0, 1, 2],
    ),
    "cluster call of module name": (
        "the instance's class is one made of the client's base class",
        'peer_classes',
    ),
    "coroutine function prints": (
        "output of calls that run at once is mixed up, or doubled",
        ['x', ['before x', 'after x']],
    ),
    "dynamic attributes": (
        "a class's own __getattr__ is hidden by the client's base class",
        [1, 'made up dyn_one', ['call_me', 1], 'ValueError'],
    ),
    "error bad text": (
        "errors that only Ray can load",
        {'raised': 'RuntimeError', 'text': 'no text for you'},
    ),
    "error circular": (
        "errors that only Ray can load",
        'RuntimeError',
    ),
    "error of a module that is missing there": (
        "errors that only Ray can load",
        'ModuleNotFoundError',
    ),
    "error of arguments that do not load": (
        "errors that only Ray can load",
        'ValueError',
    ),
    "error permission": (
        "500 without a word",
        {'args': {'tuple': [13, 'not yours']},
         'errno': 13,
         'filename': None,
         'raised': 'PermissionError',
         'text': '[Errno 13] not yours'},
    ),
    "error permission text": (
        "500 without a word",
        {'raised': 'PermissionError', 'text': 'not yours'},
    ),
    "error unpicklable": (
        "errors that only Ray can load",
        {'raised': 'RuntimeError', 'text': 'peer_functions.Unpicklable: holds a lock'},
    ),
    "generator called remotely": (
        "500 without a word",
        [0, 1, 2],
    ),
    "generator of a handle inside": (
        "a generator of another process ends before it begins",
        [6, 7, 8],
    ),
    "here calls what fails": (
        "errors that only Ray can load",
        [['LookupError', 'at 5'], {'raised': 'LookupError', 'text': 'at 5'}],
    ),
    "here makes a module": (
        "errors that only Ray can load, about a file that its other processes do not find",
        [[11, 13, 13], 14, 15],
    ),
    "here makes an own module": (
        "errors that only Ray can load, about a file that its other processes do not find",
        [[3, 8, 64], 9],
    ),
    "here runs bash": (
        "a node that listens on one address does not find itself",
        {'tuple': [3, 'from inside\n', 'err\n']},
    ),
    "http invalid call without body": (
        "500 without a word",
        [200, None],
    ),
    "pool of a function": (
        "its other processes do not find the file",
        ['distributed_pool_add', 'DistributedPool', 3, 7, [2, 3, 4, 5]],
    ),
    "pool of a module with a name": (
        "its other processes do not find the file",
        ['own_pool', [4, 4]],
    ),
    "written lines": (
        "the lines of writelines() are lost",
        ['a', 'b'],
    ),
    "key renamed to an address": (
        "a plain object is then under the whole address, which nothing asks for",
        [1, None],
    ),
    "function with names of the wire": (
        "arguments called as its own parameters are",
        {'data': 1, 'key': 2, 'method_name': 3, 'serialization': 4, 'save': 5, 'args': 6, 'kwargs': 7},
    ),
    "typed document paths": (
        "class methods and properties are left out",
        ['/odd_typed/items', '/odd_typed/nothing', '/odd_typed/numbers',
         '/odd_typed/of_class', '/odd_typed/plain', '/odd_typed/prop', '/odd_typed/static', '/odd_typed/texts'],
    ),
    "typed document operation": (
        "answers other than 200 are left out",
        [['description', 'operationId', 'parameters', 'requestBody',
          'responses', 'summary', 'tags'], 'Adds.', ['200', '404', '422', '500', '503'], ['numbers_arguments', 'numbers_body_schema']],
    ),
    "status shows a running call": (
        "running calls of functions are not shown",
        [1, ['key', 'method_name', 'request_id', 'run_name', 'start_time'], 'odd_slow_fn', 'call'],
    ),
    "get or call runs": (
        "it never calls",
        {'did not raise': 10},
    ),
    "map over lists": (
        "Ray's tasks do not find the file of the function",
        [2, 4, 6],
    ),
    "objects are the same within a process": (
        "the data of a call is opened in a process that has not imported the function's module",
        [True, True],
    ),
    "operator __str__": (
        "a class's own __str__ is hidden by the client's base class",
        'comparable 5',
    ),
    "printed by coroutines at once": (
        "output of calls that run at once is mixed up, or doubled",
        ['after a', 'after b', 'before a', 'before b'],
    ),
    "printed empty line": (
        "lines that come late are lost",
        ['a', '', 'b'],
    ),
    "silent caller sees nothing of others": (
        "output of calls that run at once is mixed up, or doubled",
        [],
    ),
    "starmap over tuples": (
        "Ray's tasks do not find the file of the function",
        [[1, 2, None], [3, 4, None]],
    ),
}

_HANGS = "an exception that is no Exception ends the true server's process, or its caller waits"

NOT_ASKED: dict[str, tuple[str, Any]] = {
    "changed code with a new process": ("the second deployment finds nobody to answer", [['one', 3], ['three', 5], ['eleven', 6]]),
    "close that the body catches": ("the end of the generator is never told", ['caught exit']),
    "error cancelled": (_HANGS, {'raised': 'asyncio.exceptions.CancelledError', 'text': 'c'}),
    "error generator exit": (_HANGS, {'raised': 'GeneratorExit', 'text': 'g'}),
    "error keyboard interrupt": (_HANGS, {'args': {'tuple': []}, 'raised': 'KeyboardInterrupt', 'text': ''}),
    "error of the base": (_HANGS, {'raised': 'peer_functions.OfTheBase', 'text': 'b'}),
    "error stop iteration": (_HANGS, {'args': {'tuple': [5]}, 'raised': 'StopIteration', 'text': '5'}),
    "error surrogate": (_HANGS, {'raised': 'ValueError', 'text': '\ud800'}),
    "error system exit": (_HANGS, {'args': {'tuple': [3]}, 'raised': 'SystemExit', 'text': '3'}),
    "error system exit text": (_HANGS, {'raised': 'SystemExit', 'text': 'bye'}),
    "kill while a call runs": ("its callers wait for ever", True),
    "delete while a call runs": ("the answer of the call never comes", 'done'),
    "pool from threads": ("its other processes do not find the file", [0, 1, 2, 3, 4, 5]),
    "send to its end": ("the end of the generator is never told", 'StopIteration'),
}
"""Cases that the true server hangs on, or dies of, with our answer."""
