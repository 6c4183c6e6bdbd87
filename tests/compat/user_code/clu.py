# SPDX-License-Identifier: Apache-2.0
"""Functions of the transcripts that use runhouse inside a worker."""
import runhouse as rh


def use_module(m, by):
    return m.inc(by)


def use_here():
    rh.here.put("note", {"from": "inside"})
    counter = rh.here.get("counter")
    return rh.here.get("note"), "note" in rh.here.keys(), counter.inc(10)


def here_info():
    return type(rh.here).__name__, rh.here.name, rh.here.on_this_cluster()


def give_back(m):
    return m
