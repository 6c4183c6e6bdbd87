# SPDX-License-Identifier: Apache-2.0
"""The part of gatehouse that runs inside a worker process, next to the user's code.

`worker.main` is the entry; the C extension `_gatehouse` reads frames from the daemon and calls
`calls.handle` for each. Standard library only, the same files on CPython 3.9 to 3.14. Nothing here
imports asyncio, logging, inspect or cloudpickle before a call needs it: a worker starts in
milliseconds.
"""
