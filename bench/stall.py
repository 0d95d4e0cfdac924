"""What arguments of 10 MB do to the other calls of a server, and to those of the process that sends them."""

from __future__ import annotations

import statistics
import sys
from typing import Any

from .peer import CoroutinePeer
from .peers import find
from .results import row, shown
from .runner import CASE_S, CONNECTING_S, Case, CaseFailed, children

PEERS = ("likewise-uv", "likewise", "likewise-pure-uv", "mini-uv", "mp.managers", "twisted")
WAYS = ("alone", "beside", "within")
KEYS = ("p50_us", "p99_us", "max_us")

Taken = dict[str, list[dict[str, float]]]  # one of WAYS -> what each round measured


def run(peer: str, way: str) -> dict[str, Any]:
    """Sequential calls for as long as W1 has them, and 10 MB after 10 MB on another connection: of whom, WAYS says."""
    with children() as started:
        case = Case(peer, "W1", started)
        if way == "beside":
            case.client(work="stream").expect("SENDING", CONNECTING_S)
        return case.client(work="both" if way == "within" else "W1").expect("RESULT", CASE_S)


def measure_stall(rounds: int) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    for _ in range(rounds):
        for peer in [peer for peer in PEERS if not find(peer).missing()]:
            for way in WAYS:
                if way == "within" and not issubclass(find(peer), CoroutinePeer):
                    continue
                try:
                    taken = run(peer, way)
                except CaseFailed as error:
                    print(f"stall {peer} {way}: {error}", file=sys.stderr)
                    continue
                found.setdefault(peer, {}).setdefault(way, []).append({key: taken[key] for key in KEYS})
                told = "  ".join(f"{key[:3]} {taken[key]:8.0f} us" for key in KEYS)
                print(f"stall      {peer:20s} {way:8s} {told}", file=sys.stderr, flush=True)
    return found


def stall_section(found: dict[str, Taken]) -> list[str]:
    if not found:
        return []
    lines = ["## A small call beside arguments of 10 MB", ""]
    lines += ["Milliseconds for `add(2, 3)`, one after the other: alone, while *another process* sends the same server one"]
    lines += ["argument of 10 MB after the other, and while the *same process* does, each on a connection of its own.", ""]
    said = {"alone": "alone", "beside": "another process", "within": "same process"}
    head = ["peer", *(f"{said[way]}, {key}" for way in WAYS for key in ("p50", "p99", "longest"))]
    lines += [row(head), "|---|" + "---:|" * (len(head) - 1)]
    for peer, taken in found.items():
        medians = [
            statistics.median(each[key] / 1e3 for each in taken[way]) if way in taken else None
            for way in WAYS
            for key in KEYS
        ]
        lines.append(row([peer, *map(shown, medians)]))
    return [*lines, ""]
