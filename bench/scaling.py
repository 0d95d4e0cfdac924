"""
``python -m bench.scaling``: what a change costs against the number of observers, a state against the number of its
objects, a call against the size of its argument; how long a change takes, and what large arguments do to other calls. Writes
docs/images/ and bench/SCALING.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import machine, settings
from .latency import MARKED, WATCHED_BY, latency_section, measure_latency
from .peers import find
from .plots import distribution_plot, line_plot
from .results import row, shown
from .runner import BUILDS, CASE_S, Case, CaseFailed, children, fan_out
from .stall import measure_stall, stall_section

IMAGES = machine.ROOT / "docs" / "images"
PAGE = machine.ROOT / "bench" / "SCALING.md"

Points = list[tuple[float, float]]


def observers(peer: str, size: int) -> float:
    """Microseconds for each observer and change."""
    with children() as started:
        return 1e6 / float(fan_out(Case(peer, "W5", started), size)["rate"])


def sized(work: str) -> Callable[[str, int], float]:
    """What measures the workload ``bytes`` or ``objects``: microseconds for one transfer."""

    def measure(peer: str, size: int) -> float:
        with children() as started:
            return float(Case(peer, work, started).client(size).expect("RESULT", CASE_S)["us"])

    return measure


def can_run(peer: str) -> bool:
    return not find(peer).missing() and (not find(peer).build or BUILDS[find(peer).build].is_dir())


@dataclass(frozen=True)
class Curve:
    """One plot: peers against sizes."""

    name: str
    title: str
    x: str
    y: str
    sizes: tuple[int, ...]
    measure: Callable[[str, int], float]  # (peer, size) -> microseconds
    peers: dict[str, int]  # name -> the largest size that it can do, or that is worth the time
    for_each: bool = False  # whether the time is divided by the size

    def run(self, rounds: int) -> dict[str, Points]:
        """The median of the rounds for each peer and size; a peer that fails is not asked again."""
        found: dict[tuple[str, int], list[float]] = {}
        asked = {peer: largest for peer, largest in self.peers.items() if can_run(peer)}
        for _ in range(rounds):
            for size in self.sizes:
                for peer in [peer for peer, largest in asked.items() if size <= largest]:
                    try:
                        taken = self.measure(peer, size) / (size if self.for_each else 1)
                    except CaseFailed as error:
                        print(f"{self.name} {peer} {size:,}: {error}", file=sys.stderr)
                        del asked[peer]
                        continue
                    found.setdefault((peer, size), []).append(taken)
                    print(f"{self.name:10s} {peer:20s} {size:>10,} {taken:12.2f} us", file=sys.stderr, flush=True)
        return {
            peer: [(size, statistics.median(found[peer, size])) for size in self.sizes if (peer, size) in found]
            for peer in self.peers
        }


LARGEST = 10**9
OURS = {"likewise-uv": LARGEST, "likewise-pure-uv": LARGEST}
CURVES = [
    Curve(
        "observers",
        "A change, for each of its observers",
        "observers, each on a connection of its own",
        "microseconds for each observer",
        settings.OBSERVERS,
        observers,
        OURS | {"raw-uv": LARGEST, "twisted": 3_000},
    ),
    Curve(
        "objects",
        "A state of many Copyables, until it can be used",
        "objects in one state",
        "microseconds for each object",
        settings.STATE_SIZES,
        sized("objects"),
        {"likewise-uv": LARGEST, "likewise-pure-uv": 100_000, "mp.managers": LARGEST, "twisted": 10_000},
        for_each=True,
    ),
    Curve(
        "bytes",
        "A call with bytes as its argument",
        "bytes",
        "microseconds for the call",
        settings.MESSAGE_SIZES,
        sized("bytes"),
        OURS | {"mini-uv": LARGEST, "mp.managers": LARGEST, "twisted": LARGEST},
    ),
]


def table(curve: Curve, series: dict[str, Points]) -> list[str]:
    lines = [f"## {curve.title}", "", f"{curve.y.capitalize()}.", ""]
    lines += [row([curve.x, *series]), "|---:|" + "---:|" * len(series)]
    for size in curve.sizes:
        values = [dict(points).get(size) for points in series.values()]
        lines.append(row([f"{size:,}", *map(shown, values)]))
    return [*lines, ""]


def page(found: dict[str, Any]) -> str:
    """All numbers behind the plots."""
    about = found["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    changed = ", with changes that are not committed" if about["changed"] else ""
    lines = [
        "# Measured: how it scales", "",
        "Made by `make bench-plots`; do not edit. The plots are in the docs, on the page about performance.", "",
        f"- likewise {about['likewise']}, commit {about['commit']}{changed}, {about['build']} build.",
        "  `likewise-pure-uv` runs the pure one.",
        f"- {about['date']}; {about['machine']}; {about['python']}; {versions}.",
        f"- Loopback TCP; {about['places']}. Medians of {found['rounds']} rounds; {found['minutes']:.0f} minutes in all.",
        f"- Others kept {found['others']:.2f} processors busy meanwhile, on average.", "",
    ]  # fmt: skip
    for curve in CURVES:
        if curve.name in found["curves"]:
            lines += table(curve, found["curves"][curve.name])
    return "\n".join(lines + latency_section(found["latency"]) + stall_section(found["stall"]))


def draw(found: dict[str, Any]) -> None:
    for curve in CURVES:
        series = {peer: points for peer, points in found["curves"][curve.name].items() if points}
        line_plot(IMAGES / f"{curve.name}.svg", curve.title, curve.x, curve.y, series)
    title = f"{settings.CHANGES_A_SECOND} changes a second to {WATCHED_BY:,} observers"
    labels = "milliseconds from the change to an observer", "share of all that had come"
    shares = {peer: result["shares"] for peer, result in found["latency"].items()}
    distribution_plot(IMAGES / "latency.svg", title, *labels, shares, MARKED)


def main() -> None:
    names = [curve.name for curve in CURVES] + ["latency", "stall"]
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}: shown, and nothing is written")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--realtime", action="store_true", help="before other processes (SCHED_FIFO; needs privileges)")
    options = parser.parse_args()
    if options.realtime:
        os.environ["BENCH_REALTIME"] = "1"
    about, wanted, busy, start = machine.describe(), options.only.split(","), machine.Others(), time.monotonic()
    found: dict[str, Any] = {"curves": {curve.name: curve.run(options.repeat) for curve in CURVES if curve.name in wanted}}
    found["latency"] = measure_latency(options.repeat) if "latency" in wanted else {}
    found["stall"] = measure_stall(options.repeat) if "stall" in wanted else {}
    found |= {"about": about, "rounds": options.repeat, "others": busy.processors()}
    found["minutes"] = (time.monotonic() - start) / 60
    if set(wanted) == set(names):
        draw(found)
        PAGE.write_text(page(found))
    else:
        print(page(found))


if __name__ == "__main__":
    main()
