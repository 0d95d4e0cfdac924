"""How long a change takes to each of its observers, at a steady rate: 1,000 observers, 100 changes a second."""

from __future__ import annotations

import math
import sys
from typing import Any

from . import settings
from .child import STEP
from .peers import find
from .results import row, shown
from .runner import CASE_S, CONNECTING_S, Case, CaseFailed, children

WATCHED_BY = 1_000
PEERS = ("likewise-uv", "likewise", "likewise-pure-uv", "raw-uv", "mini-uv", "twisted")
SHARES = (0.5, 0.9, 0.99, 0.999)
MARKED = (0.5, 0.99)  # in the plot

Histogram = dict[int, int]  # step of 1 % -> how often


def run(peer: str) -> tuple[Histogram, float]:
    """The delays of one run, and how many changes a second were made."""
    changes = int(settings.CHANGES_A_SECOND * settings.CHANGING_S)
    with children() as started:
        case = Case(peer, "latency", started)
        clients = [case.client(WATCHED_BY // 2), case.client(WATCHED_BY // 2)]
        for client in clients:
            client.expect("SUBSCRIBED", CONNECTING_S)
        case.server.say(f"stamps {changes}")
        together: Histogram = {}
        for client in clients:
            for step, count in client.expect("RESULT", CASE_S)["steps"].items():
                together[int(step)] = together.get(int(step), 0) + count
        rate = changes / case.server.expect("PUBLISHED", CASE_S)["secs"]
    if sum(together.values()) != changes * WATCHED_BY:
        raise CaseFailed(f"{sum(together.values()):,} of {changes * WATCHED_BY:,} came")
    return together, rate


def milliseconds(step: int) -> float:
    return math.exp(step * STEP) / 1e3


def quantile(delays: Histogram, share: float) -> float:
    """The milliseconds within which this share of the changes had come."""
    left = share * sum(delays.values())
    for step in sorted(delays):
        left -= delays[step]
        if left <= 0:
            return milliseconds(step)
    return milliseconds(max(delays))


def distribution(delays: Histogram) -> list[tuple[float, float]]:
    """Points (milliseconds, share that had come), for a plot."""
    total, seen, points = sum(delays.values()), 0, []
    for step in sorted(delays):
        seen += delays[step]
        points.append((milliseconds(step), seen / total))
    return points


def measure_latency(rounds: int) -> dict[str, Any]:
    """All rounds of a peer together, for each that can do it."""
    found: dict[str, dict[str, Any]] = {}
    delays: dict[str, Histogram] = {}
    for _ in range(rounds):
        for peer in PEERS:
            if find(peer).missing():
                continue
            try:
                fresh, rate = run(peer)
            except CaseFailed as error:
                print(f"latency {peer}: {error}", file=sys.stderr)
                continue
            all_of_it = delays.setdefault(peer, {})
            for step, count in fresh.items():
                all_of_it[step] = all_of_it.get(step, 0) + count
            found.setdefault(peer, {"rates": []})["rates"].append(rate)
            print(f"latency    {peer:20s} p50 {quantile(fresh, 0.5):8.2f} ms  p99 {quantile(fresh, 0.99):8.2f} ms  "
                  f"{rate:.0f} changes/s", file=sys.stderr, flush=True)  # fmt: skip
    for peer, result in found.items():
        result["shares"] = distribution(delays[peer])
        result["quantiles"] = [quantile(delays[peer], share) for share in SHARES]
    return found


def latency_section(found: dict[str, Any]) -> list[str]:
    if not found:
        return []
    made = f"{settings.CHANGES_A_SECOND} changes a second, {settings.CHANGING_S:g} s a round"
    lines = [f"## From a change to each of {WATCHED_BY:,} observers", ""]
    lines += [f"Milliseconds at {made}; a change that is made late counts from when it was due.", ""]
    lines += [row(["peer", *(f"p{share * 100:g}" for share in SHARES), "changes made a second"])]
    lines += ["|---|" + "---:|" * (len(SHARES) + 1)]
    for peer, result in found.items():
        rate = sorted(result["rates"])[len(result["rates"]) // 2]
        lines.append(row([peer, *map(shown, result["quantiles"]), f"{rate:.0f}"]))
    return [*lines, ""]
