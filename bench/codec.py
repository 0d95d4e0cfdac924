"""
The codecs alone, timed by pyperf: ``python -m bench.codec`` shows microseconds to encode and decode each message.

Options are pyperf's (``--rigorous``, ``-o FILE``). What is timed runs in processes of its own, one after another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .child import take_place
from .codecs import CODECS, MESSAGES, TITLES
from .machine import ROOT

DIRECTIONS = ("encode", "decode")


def timed(loops: int, codec_name: str, message: str, direction: str) -> float:
    """Seconds for so many; what has to be made first is not counted."""
    import pyperf

    take_place("client")
    codec = CODECS[codec_name]()
    sample = codec.sample(message)
    data = codec.encode(sample)
    assert codec.decode(data) is not None
    run, argument = (codec.encode, sample) if direction == "encode" else (codec.decode, data)
    start = pyperf.perf_counter()
    for _ in range(loops):
        run(argument)
    return float(pyperf.perf_counter() - start)


def main() -> None:
    import pyperf

    def pass_on(command: list[str], options: Any) -> None:
        command.extend(["--codecs", options.codecs])

    runner = pyperf.Runner(processes=3, values=3, warmups=1, add_cmdline_args=pass_on, program_args=("-m", "bench.codec"))
    runner.argparser.add_argument("--codecs", default=";".join(CODECS), help="names, with semicolons between")
    for name in runner.parse_args().codecs.split(";"):
        for message in MESSAGES:
            for direction in DIRECTIONS:
                runner.bench_time_func(f"{name}/{message}/{direction}", timed, name, message, direction)


def measure(codecs: list[str], pure: Path | None = None) -> list[dict[str, Any]]:
    """Rows for the report: each codec and message, its median microseconds, the pure build of likewise if that is given."""
    import pyperf

    environment = {**os.environ, **({"PYTHONPATH": str(pure)} if pure else {})}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "codec.json")
        options = ["--codecs", ";".join(codecs), "--copy-env", "--quiet", "-o", str(file)]
        command = [sys.executable, "-m", "bench.codec", *options]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=900)
        suite = pyperf.BenchmarkSuite.load(str(file))
    times = {each.get_name(): each.median() * 1e6 for each in suite.get_benchmarks()}
    found = []
    for message in MESSAGES:
        for name in codecs:
            codec = CODECS[name]()
            row = {"message": TITLES[message], "codec": name + (" (pure build)" if pure else "")}
            row["bytes"] = len(codec.encode(codec.sample(message)))
            found.append(row | {f"{each}_us": times[f"{name}/{message}/{each}"] for each in DIRECTIONS})
    return found


def rows(pure: Path) -> list[dict[str, Any]]:
    """All codecs, and likewise on the pure build where that is installed, message by message."""
    found = measure(list(CODECS)) + (measure(["likewise"], pure) if pure.is_dir() else [])
    return sorted(found, key=lambda row: list(TITLES.values()).index(row["message"]))


if __name__ == "__main__":
    main()
