# SPDX-License-Identifier: Apache-2.0
"""Results as Markdown, and the bars."""
from __future__ import annotations

from statistics import median
from typing import Any

from cases import BY_NAME as CASE_BY_NAME
from servers import BY_NAME as SERVER_BY_NAME, GATEHOUSE

RATIO_BARS = [  # case, connections, peers of which the fastest counts, at least
    ("get", 64, ("fastapi-async", "fastapi-def"), 8.0),
    ("get", 64, ("granian-wsgi",), 1.0),
    ("post-json", 64, ("fastapi-async", "fastapi-def"), 8.0),
    ("post-json", 64, ("granian-wsgi",), 1.0),
]
START_BARS = [  # what, ms
    ("check", "start to first /check, new state folder", 15.0),
    ("check-kept", "start to first /check, kept state folder", 15.0),
    ("call", "start to first Python answer, new state folder", 150.0),
    ("call-kept", "start to first Python answer, kept state folder", 150.0),
]
MEMORY_BARS = [  # what, MiB
    ("daemon", "idle PSS of the daemon", 6.0),
    ("served", "idle PSS of the daemon and one worker", 25.0),
]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    line = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return line + ["| " + " | ".join(row) + " |" for row in rows]


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _case_title(name: str, connections: int) -> str:
    plural = "s" if connections > 1 else ""
    return f"{CASE_BY_NAME[name].title}, {connections} connection{plural}"


def _median_rate(results: dict[str, Any], server: str, case: str, connections: int) -> float | None:
    rounds = results["load"].get(f"{case}/{connections}", {}).get(server)
    return median(row["requests_per_s"] for row in rounds) if rounds else None


def _load_tables(results: dict[str, Any]) -> list[str]:
    lines = []
    for key, by_server in results["load"].items():
        case, _, connections = key.partition("/")
        ours = _median_rate(results, GATEHOUSE, case, int(connections))
        rows = []
        for server, rounds in by_server.items():
            if not rounds:
                continue
            rates = [row["requests_per_s"] for row in rounds]
            ratio = f"{ours / median(rates):.2f}" if ours and server != GATEHOUSE else ""
            rows.append([
                SERVER_BY_NAME[server].title, _number(median(rates)), _number(max(rates)),
                _number(median(row["p50_us"] for row in rounds) / 1000),
                _number(median(row["p99_us"] for row in rounds) / 1000),
                _number(median(row["cpu_us_per_request"] for row in rounds)),
                str(sum(row["errors"] for row in rounds)), ratio])
        if rows:
            lines += ["", f"### {_case_title(case, int(connections))}", ""]
            lines += _table(["server", "requests/s, median", "best", "p50 ms", "p99 ms",
                             "CPU us/request", "errors", "gatehouse is x times"], rows)
    return lines


def _start_table(results: dict[str, Any]) -> list[str]:
    titles = {"check": "gatehoused to /check, new state folder",
              "check-kept": "gatehoused to /check, kept state folder",
              "call": "gatehoused to a Python answer, new state folder",
              "call-kept": "gatehoused to a Python answer, kept state folder"}
    rows = []
    for what, times in results["starts"].items():
        title = titles.get(what) or SERVER_BY_NAME[what].title + ", to a Python answer"
        rows.append([title, str(len(times)), *(_number(value * 1000) for value in
                                               (min(times), median(times), max(times)))])
    if not rows:
        return []
    head = ["from fork to the whole answer", "starts", "min ms", "median ms", "max ms"]
    return ["", "### Start", "", *_table(head, rows)]


def _memory_table(results: dict[str, Any]) -> list[str]:
    rows = []
    for server, row in results["memory"].items():
        def mib(what: str, field: str = "pss") -> str:
            return f"{row[what][field] / 1024:.1f}" if what in row else ""
        if "daemon" in row:
            rows.append(["gatehoused alone", str(row["daemon"]["processes"]), mib("daemon"),
                         mib("daemon", "uss"), mib("daemon", "rss"), "", ""])
        rows.append([SERVER_BY_NAME[server].title, str(row["served"]["processes"]), mib("served"),
                     mib("served", "uss"), mib("served", "rss"), mib("loaded"), mib("large")])
    if not rows:
        return []
    head = ["MiB, all processes of the server", "processes", "PSS idle", "USS idle", "RSS idle",
            "PSS peak, GET at 64 connections", "PSS peak, 64 MiB echo"]
    return ["", "### Memory", "", *_table(head, rows)]


def bars(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Each bar that this run can judge: what, bar, measured, passed."""
    found = []
    for what, title, limit_ms in START_BARS:
        if times := results["starts"].get(what):
            value = median(times) * 1000
            found.append({"what": title, "bar": f"at most {limit_ms:g} ms",
                          "measured": f"{value:.1f} ms", "passed": value <= limit_ms})
    for what, title, limit_mib in MEMORY_BARS:
        if row := results["memory"].get(GATEHOUSE, {}).get(what):
            value = row["pss"] / 1024
            found.append({"what": title, "bar": f"at most {limit_mib:g} MiB",
                          "measured": f"{value:.1f} MiB (RSS {row['rss'] / 1024:.1f})",
                          "passed": value <= limit_mib})
    for case, connections, peers, least in RATIO_BARS:
        ours = _median_rate(results, GATEHOUSE, case, connections)
        rates = {peer: rate for peer in peers
                 if (rate := _median_rate(results, peer, case, connections))}
        if ours and rates:
            peer = max(rates, key=lambda name: rates[name])
            ratio = ours / rates[peer]
            found.append({"what": f"{_case_title(case, connections)}, against {SERVER_BY_NAME[peer].title}",
                          "bar": f"at least {least:g} x", "measured": f"{ratio:.2f} x",
                          "passed": ratio >= least})
    return found


def bar_table(results: dict[str, Any]) -> list[str]:
    rows = [[bar["what"], bar["bar"], bar["measured"], "PASS" if bar["passed"] else "FAIL"]
            for bar in bars(results)]
    return _table(["bar, judged by medians", "bar", "measured", "verdict"], rows) if rows else []


def _load_after(machine: dict[str, Any]) -> str:
    if "load_after" not in machine:
        return ""
    return "; load average after " + " ".join(f"{value:.2f}" for value in machine["load_after"])


def _header(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    load = " ".join(f"{value:.2f}" for value in machine["load_before"])
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items())
    build = machine["configured_with"]
    return [
        f"- date: {machine['date']}",
        f"- machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']} MiB, "
        f"kernel {machine['kernel']}, {machine['system']}",
        f"- before: load average {load}, other processes kept {machine['busy_cores_before']} of "
        f"{machine['cores']} cores busy" + _load_after(machine),
        f"- revision: {machine['revision']}" + (f", configured with `{build}`" if build else ""),
        f"- versions: {machine['gatehoused']}; CPython {machine['python']} for every server; {peers}; "
        f"wrk {machine['wrk']}",
        f"- rounds: {results['rounds']} of {results['duration_s']} s, large bodies "
        f"{results['large_duration_s']} s",
        f"- command: `{machine['command']}`",
    ]


def markdown(results: dict[str, Any]) -> str:
    lines = _header(results)
    if results["failures"]:
        lines += ["", "### Failed", "", *(f"- {failure}" for failure in results["failures"])]
    if table := bar_table(results):
        lines += ["", "### Bars", "", *table]
    lines += [*_start_table(results), *_memory_table(results), *_load_tables(results)]
    return "\n".join(lines) + "\n"
