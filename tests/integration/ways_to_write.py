# SPDX-License-Identifier: Apache-2.0
"""The functions of user_code/talkers.py, and what a call of each writes."""
from __future__ import annotations

import re

WAYS = {  # function -> what its call's log is, for the mark M
    "plain": "M\n",
    "no_newline": "MM",
    "both_streams": "M out 0\nM err 0\nM out 1\nM err 1\nM out 2\nM err 2\n",
    "raw_bytes": "M \u20ac \\xff\n",
    "carriage_returns": "\rM 0%\rM 1%\rM 2%\n",
    "bar": "\rM: 0%|  | 0/2 [00:00<00:00, 9.99it/s]\rM: 50%|# | 1/2 [00:00<00:00, 9.99it/s]"
           "\rM: 100%|##| 2/2 [00:00<00:00, 9.99it/s]\n",
    "root_handler": "M\n",
    "basic_config": "M\n",
    "dict_config": "configured.child M\n",
    "no_propagation": "M\n",
    "warn": re.compile(r"\S+talkers\.py:\d+: UserWarning: M\n  warnings\.warn\(mark\)\n"),
    "print_exc": re.compile(r"Traceback \(most recent call last\):\n.*\nValueError: M\n", re.S),
    "stacks": re.compile(r"M\nStack \(most recent call first\):\n  File .* in stacks\n.*", re.S),
    "redirected": "caught ['inside M', 'inner M', '']\n",
    "tee": "M\n",
    "nested_threads": "M\n",
    "begun_here_ended_there": "M ... done\n",
    "in_shared_pool": {f"M {i}\n" for i in range(4)},
    "in_thread_pool": {f"M {i}\n" for i in range(4)},
    "in_threads": {f"M {i}\n" for i in range(8)},
    "to_thread": {"M loop\n", "M 0\n", "M 1\n", "M 2\n", "M executor\n"},
    "in_tasks": {f"M {i}\n" for i in range(3)},
    "run_child": "M before\nM out\nM err\nM last\nM after\n",
    "child_with_streams": "M 1\nM 2\nM 3\nM 4\n",
    "child_without_close": "M\n",
    "system": "M\nstatus 768 9\n",
    "spawn": "M\nM 2\n",
    "fork": "M rest M child\nM raw\nM grandchild\nM parent\n",
    "async_child": "M\nM 2\nM after\n",
    "in_a_terminal": "",
}


def check(found: str, wanted, mark: str) -> None:
    """FOUND is what WANTED says for MARK, or one of its texts in any order for a set."""
    if isinstance(wanted, re.Pattern):
        wanted = re.compile(wanted.pattern.replace("M", mark).replace(mark + "ost", "Most"),
                            wanted.flags)
        assert wanted.fullmatch(found), found
    elif isinstance(wanted, set):
        assert sorted(found.splitlines(True)) == sorted(w.replace("M", mark) for w in wanted)
    else:
        assert found == wanted.replace("M", mark)
