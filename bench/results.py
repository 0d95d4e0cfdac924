"""The records of a run, and how their numbers are shown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from .peers import PEERS

Record = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """How the table of one workload looks."""

    title: str
    unit: str
    key: str
    floor: str
    more: tuple[tuple[str, str], ...] = ()
    lower_is_better: bool = False


CPU = (("server CPU us/op", "srv_cpu_us"), ("client CPU us/op", "cli_cpu_us"))
KINDS = {
    "W1": Kind("sequential add(2, 3)", "calls/s", "rate", "raw-uv", (("p50 us", "p50_us"), ("p99 us", "p99_us"), *CPU)),
    "W2": Kind("add(2, 3), 256 in flight on one connection", "calls/s", "rate", "mini-uv", CPU),
    "W3": Kind("an Order with 20 Lines by copy, 64 in flight", "objects/s", "rate", "mini-uv", CPU),
    "W4": Kind("10 MB of incompressible bytes as an argument", "MB/s", "mb_s", "raw-uv", CPU),
    "W5": Kind(
        "changes of a cached object, each observer on a connection of its own", "deliveries/s", "rate", "raw-uv",
        (("changes", "updates"), ("seconds", "secs")),
    ),
    "W6": Kind("a dict of 100,000 entries as a Cacheable's state", "ms", "ms", "mini-uv", (("first", "first_ms"),), True),
    "W7": Kind(
        "memory of the server for each idle connection that holds one reference", "KiB", "kib", "raw-uv",
        (("server at the start, MiB", "base_mib"),), True,
    ),
    "W8": Kind("small integers that an async generator yields, read one by one", "items/s", "rate", "raw-uv", CPU),
    "W9": Kind("100 MB as an array of numpy, as an argument", "MB/s", "mb_s", "raw-uv", CPU),
}  # fmt: skip


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


class Results:
    """The records of a run, by case and peer."""

    def __init__(self, records: list[Record]) -> None:
        self.by_case: dict[tuple[str, str], list[Record]] = {}
        self.others = [record["others"] for record in records]
        self.errors: dict[tuple[str, str], str] = {}
        for record in records:
            key = record["case"], record["peer"]
            if "error" in record:
                self.errors[key] = record["error"].strip().splitlines()[-1][:200]
            else:
                self.by_case.setdefault(key, []).append(record["result"])

    def values(self, case: str, peer: str, key: str) -> list[float]:
        return [result[key] for result in self.by_case.get((case, peer), ()) if key in result]

    def median(self, case: str, peer: str, key: str = "") -> float | None:
        found = self.values(case, peer, key or KINDS[case[:2]].key)
        return statistics.median(found) if found else None

    def peers_of(self, case: str) -> list[str]:
        """Those that did it, the best first."""
        done = [peer for peer in PEERS if (case, peer) in self.by_case]
        return sorted(done, key=lambda peer: self.median(case, peer) or 0.0, reverse=not KINDS[case[:2]].lower_is_better)


def times_better(results: Results, case: str, peer: str, other: str) -> float | None:
    """How many times as good the first is as the other, whichever way the case is read; None unless both did it."""
    ours, theirs = results.median(case, peer), results.median(case, other)
    if not ours or not theirs:
        return None
    return theirs / ours if KINDS[case[:2]].lower_is_better else ours / theirs


def overlap(some: list[float], others: list[float]) -> bool:
    return bool(some and others) and min(some) <= max(others) and max(some) >= min(others)
