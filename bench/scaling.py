"""
``python -m bench.scaling``: what a change costs against the number of observers, a state against the number of its
objects, and a call against the size of its argument. Writes docs/images/ and bench/SCALING.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from typing import Any

from . import machine, settings
from .latency import latency_section, measure_latency
from .peers import find
from .plots import line_plot
from .report import row, shown
from .runner import CASE_S, Case, CaseFailed, children, fan_out

IMAGES = machine.ROOT / "docs" / "images"
PAGE = machine.ROOT / "bench" / "SCALING.md"
RECORDS = machine.ROOT / "bench" / "out" / "scaling.json"

Points = list[tuple[float, float]]


def observers(peer: str, size: int) -> float:
    """Microseconds for each observer and change."""
    with children() as started:
        return 1e6 / float(fan_out(Case(peer, "W5", started), size)["rate"])


def sized(work: str) -> Callable[[str, int], float]:
    def measure(peer: str, size: int) -> float:
        with children() as started:
            return float(Case(peer, work, started).client(size).expect("RESULT", CASE_S)["us"])

    return measure


class Curve:
    """One plot: peers against sizes."""

    def __init__(
        self,
        name: str,
        title: str,
        x: str,
        y: str,
        sizes: tuple[int, ...],
        peers: dict[str, int],
        measure: Any,
        unit: float = 1.0,
    ) -> None:
        self.name, self.title, self.x, self.y, self.sizes, self.measure = name, title, x, y, sizes, measure
        self.peers = peers  # name -> the largest size that it can do, or that is worth the time
        self.unit = unit  # what a measured number is divided by for each unit of size, 0: not at all

    def run(self, rounds: int) -> dict[str, Points]:
        """The median of the rounds for each peer and size; a size that fails ends a peer's line."""
        found: dict[tuple[str, int], list[float]] = {}
        given_up: set[str] = set()
        for _ in range(rounds):
            for size in self.sizes:
                for peer, largest in self.peers.items():
                    if size > largest or peer in given_up or find(peer).missing():
                        continue
                    try:
                        value = self.measure(peer, size)
                    except CaseFailed as error:
                        print(f"{self.name} {peer} {size:,}: {error}", file=sys.stderr)
                        given_up.add(peer)
                        continue
                    found.setdefault((peer, size), []).append(value / size if self.unit else value)
                    print(f"{self.name:10s} {peer:20s} {size:>10,} {value:14.2f} us", file=sys.stderr, flush=True)
        return {
            peer: [(size, statistics.median(found[peer, size])) for size in self.sizes if (peer, size) in found]
            for peer in self.peers
            if any((peer, size) in found for size in self.sizes)
        }


LARGEST = 10**9
CURVES = [
    Curve(
        "observers", "A change, for each of its observers", "observers, each on a connection of its own",
        "microseconds for each observer", settings.OBSERVERS,
        {"likewise-uv": LARGEST, "likewise-pure-uv": LARGEST, "raw-uv": LARGEST, "twisted": 3_000}, observers, 0,
    ),
    Curve(
        "objects", "A state of many Copyables, until it can be used", "objects in one state", "microseconds for each object",
        settings.STATE_SIZES,
        {"likewise-uv": LARGEST, "likewise-pure-uv": LARGEST, "mp.managers": LARGEST, "twisted": 100_000}, sized("objects"),
    ),
    Curve(
        "bytes", "A call with bytes as its argument", "bytes", "microseconds for the call", settings.MESSAGE_SIZES,
        {"likewise-uv": LARGEST, "likewise-pure-uv": LARGEST, "mini-uv": LARGEST, "mp.managers": LARGEST, "twisted": LARGEST},
        sized("bytes"), 0,
    ),
]  # fmt: skip


def table(curve: Curve, series: dict[str, Points]) -> list[str]:
    lines = [f"## {curve.title}", "", f"{curve.y.capitalize()}.", ""]
    lines += [row([curve.x, *series]), "|---:|" + "---:|" * len(series)]
    for size in curve.sizes:
        values = [dict(points).get(size) for points in series.values()]
        lines.append(row([f"{size:,}", *map(shown, values)]))
    return [*lines, ""]


def page(kept: dict[str, Any]) -> str:
    about = kept["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        "# Measured: how it scales", "",
        "Made by `make bench-plots`; do not edit. The plots are in the docs, under performance.", "",
        f"- likewise {about['likewise']}, commit {about['commit']}{', changed' if about['changed'] else ''}, {about['build']}",
        "  build; `likewise-pure-uv` runs the pure one.",
        f"- {about['date']}; {about['machine']}; {about['python']}; {versions}.",
        f"- Loopback TCP; {about['places']}. Medians of {kept['rounds']} rounds.",
        f"- Others kept {kept['others']:.2f} processors busy meanwhile, on average.", "",
    ]  # fmt: skip
    for curve in CURVES:
        if curve.name in kept["curves"]:
            lines += table(curve, kept["curves"][curve.name])
    return "\n".join(lines + latency_section(kept.get("latency", {})))


def main() -> None:
    names = [curve.name for curve in CURVES] + ["latency"]
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}; the others stay as they were")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--realtime", action="store_true", help="before other processes (SCHED_FIFO; needs privileges)")
    options = parser.parse_args()
    if options.realtime:
        os.environ["BENCH_REALTIME"] = "1"
    wanted = options.only.split(",")
    kept: dict[str, Any] = json.loads(RECORDS.read_text()) if RECORDS.exists() else {"curves": {}}
    busy = machine.Others()
    for curve in CURVES:
        if curve.name in wanted:
            kept["curves"][curve.name] = curve.run(options.repeat)
    if "latency" in wanted:
        kept["latency"] = measure_latency(options.repeat)
    kept |= {"about": machine.describe(), "rounds": options.repeat, "others": busy.processors()}
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    RECORDS.write_text(json.dumps(kept))
    draw(kept)
    PAGE.write_text(page(kept))


def draw(kept: dict[str, Any]) -> None:
    for curve in CURVES:
        if curve.name in kept["curves"]:
            line_plot(IMAGES / f"{curve.name}.svg", curve.title, curve.x, curve.y, kept["curves"][curve.name])
    if kept.get("latency"):
        shares = {peer: found["shares"] for peer, found in kept["latency"].items()}
        title = f"{settings.CHANGES_A_SECOND} changes a second to 1,000 observers"
        line_plot(
            IMAGES / "latency.svg", title, "milliseconds from change to observer", "share that had come", shares, log_y=False
        )


if __name__ == "__main__":
    main()
