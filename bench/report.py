"""Tables out of records: medians, ranges, what was aimed at."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from .peers import PEERS
from .runner import CASES

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
        "200 changes of a cached object, each observer on a connection of its own", "deliveries/s", "rate", "raw-uv",
        (("changes", "updates"), ("seconds", "secs")),
    ),
    "W6": Kind("a dict of 100,000 entries as a Cacheable's state", "ms", "ms", "mini-uv", (("first", "first_ms"),), True),
    "W7": Kind(
        "memory of the server for each idle connection that holds one reference", "KiB", "kib", "raw-uv",
        (("server at the start, MiB", "base_mib"),), True,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """What likewise is to reach in one case: this share of what the other peer does, or a number."""

    case: str
    ours: str
    other: str
    share: float = 1.0
    number: float = 0.0


GOALS = [
    Goal("W1", "likewise-uv", "raw-uv", 0.75),
    Goal("W1", "likewise-uv", "mp.managers"),
    Goal("W2", "likewise-uv", "mini-uv", 0.75),
    Goal("W3", "likewise-pb-uv", "pycapnp"),
    Goal("W4", "likewise-uv", "mp.managers"),
    Goal("W5:1000", "likewise-uv", "raw-uv"),
    Goal("W6", "likewise-uv", "mp.managers"),
    Goal("W7", "likewise-uv", "", number=2.5),
]


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


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
    ours, theirs = results.median(case, peer), results.median(case, other)
    if not ours or not theirs:
        return None
    return theirs / ours if KINDS[case[:2]].lower_is_better else ours / theirs


def overlap(some: list[float], others: list[float]) -> bool:
    return bool(some and others) and min(some) <= max(others) and max(some) >= min(others)


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def case_table(results: Results, case: str) -> list[str]:
    work, _, count = case.partition(":")
    kind = KINDS[work]
    head = ["peer", kind.unit, "min..max", "against Twisted", f"of {kind.floor}", *(name for name, _ in kind.more), "runs"]
    lines = [f"### {work}: {kind.title}{f', {int(count):,} observers' if count else ''}", ""]
    lines += [row(head), "|" + "---|" + "---:|" * (len(head) - 1)]
    twisted = results.values(case, "twisted", kind.key)
    for peer in results.peers_of(case):
        found = results.values(case, peer, kind.key)
        against, of_floor = times_better(results, case, peer, "twisted"), times_better(results, case, peer, kind.floor)
        tag = PEERS[peer].tags.get(work)
        name = f"*{peer}*" if PEERS[peer].is_floor else f"**{peer}**" if peer.startswith("likewise") else peer
        mark = " ~" if peer != "twisted" and overlap(found, twisted) else ""
        cells = [f"{name} ({tag})" if tag else name, shown(statistics.median(found))]
        cells += [f"{shown(min(found))}..{shown(max(found))}"]
        cells += [f"{shown(against)}x{mark}" if against else "-", f"{shown(of_floor * 100)} %" if of_floor else "-"]
        cells += [shown(results.median(case, peer, key)) for _, key in kind.more]
        lines.append(row([*cells, str(len(found))]))
    return [*lines, ""]


def goal_row(results: Results, goal: Goal) -> list[str] | None:
    kind, ours = KINDS[goal.case[:2]], results.median(goal.case, goal.ours)
    theirs = results.median(goal.case, goal.other) if goal.other else goal.number
    if ours is None or theirs is None:
        return None
    aim = theirs * goal.share
    reached = ours <= aim if kind.lower_is_better else ours >= aim
    share = f"{goal.share:.2f} of " if goal.share != 1 else "no worse than "
    pure = results.median(goal.case, goal.ours.replace("likewise", "likewise-pure", 1))
    what = f"{share}{goal.other} ({shown(aim)})" if goal.other else f"{shown(aim)}"
    ratio = aim / ours if kind.lower_is_better else ours / aim
    verdict = ("yes" if reached else "**no**") + f", {shown(ratio)}x"
    ranges = results.values(goal.case, goal.ours, kind.key), results.values(goal.case, goal.other, kind.key)
    undecided = goal.other and goal.share == 1 and overlap(*ranges)
    cells = [goal.case, kind.unit, goal.ours, shown(ours), shown(pure), what]
    return [*cells, verdict + (" ~" if undecided else ""), shown(results.median(goal.case, "twisted"))]


def goals_table(results: Results) -> list[str]:
    rows = [cells for goal in GOALS if (cells := goal_row(results, goal)) is not None]
    if not rows:
        return []
    head = ["case", "unit", "peer", "compiled", "pure", "to reach", "reached", "Twisted"]
    return ["## What was aimed at", "", row(head), "|" + "---|" * len(head), *map(row, rows), ""]


def codec_table(rows: list[dict[str, Any]]) -> list[str]:
    """Each codec's median microseconds, and how many times as long as msgspec's it takes."""
    if not rows:
        return []
    lines = ["## The codec alone, in one process", ""]
    lines += [row(["message", "codec", "bytes", "encode us", "decode us", "to msgspec, encode", "decode"])]
    lines += ["|---|---|" + "---:|" * 5]
    for each in rows:
        base = next(other for other in rows if other["codec"] == "msgspec" and other["message"] == each["message"])
        ratios = [f"{shown(each[key] / base[key])}x" for key in ("encode_us", "decode_us")]
        name = f"**{each['codec']}**" if each["codec"].startswith("likewise") else each["codec"]
        numbers = [f"{each['bytes']:,}", shown(each["encode_us"]), shown(each["decode_us"])]
        lines.append(row([each["message"], name, *numbers, *ratios]))
    return [*lines, ""]


def preamble(about: dict[str, Any], results: Results, left_out: dict[str, list[str]]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    changed = ", with changes that are not committed" if about["changed"] else ""
    others = sorted(results.others) or [0.0]
    busy = f"{statistics.median(others):.2f} in the median, {others[int(len(others) * 0.9)]:.2f} at the 90th percentile, "
    busy += f"{others[-1]:.2f} at most"
    lines = [
        "# Measured", "",
        "Made by `make bench`; do not edit. [What the numbers mean](../docs/topics/performance.md) is said elsewhere.", "",
        f"- likewise {about['likewise']}, commit {about['commit']}{changed}, {about['build']} build; peers named",
        "  `likewise-pure` run the pure one. `-uv` is uvloop, `-pb` the dialect of Twisted, without it ours.",
        f"- {about['date']}; {about['machine']}; {about['python']}; {versions}.",
        f"- Loopback TCP; {about['places']}.",
        "- Medians of the rounds, every peer once in each, beginning with another one each time. `~`: the ranges overlap,",
        "  so no difference is shown. *Floors* hold no objects; brackets say where a case departs from the workload.",
        f"- Others kept this many processors busy while a case ran: {busy}.",
    ]  # fmt: skip
    if left_out:
        missing = "; ".join(f"{name} ({', '.join(what)} is missing)" for name, what in left_out.items())
        lines.append(f"- Left out: {missing}.")
    return [*lines, ""]


def report(session: dict[str, Any], left_out: dict[str, list[str]]) -> str:
    """The whole page."""
    results = Results(session["records"])
    lines = preamble(session["about"], results, left_out) + goals_table(results) + ["## The workloads", ""]
    for case in CASES:
        if results.peers_of(case):
            lines += case_table(results, case)
    lines += codec_table(session.get("codec", []))
    if results.errors:
        lines += ["## Failed", ""]
        lines += [f"- {peer}, {case}: `{error}`" for (case, peer), error in results.errors.items()] + [""]
    return "\n".join(lines)
