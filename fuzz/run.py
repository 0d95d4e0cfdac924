"""
Runs a target on many inputs: ``python -P fuzz/run.py TARGET [--seconds N | --inputs N] [--workers N] [--seed N]``.

A fault is any exception of the target, an input of at most 4 KiB that takes over 50 ms, or the end of a worker. The input
is kept in ``fuzz/found/``; ``--replay FILE`` runs it alone. The last line tells how many inputs ran.
"""

from __future__ import annotations

import argparse
import hashlib
import mmap
import multiprocessing
import os
import sys
import time
import traceback
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import likewise  # noqa: E402
from fuzz.inputs import Inputs  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

SLOW = 0.05  # seconds
FOUND = ROOT / "fuzz" / "found"


def slow(target: Any, data: bytes) -> float:
    """The least of three times: a machine that is busy elsewhere is no fault of the input."""
    best = 9.0
    for _ in range(3):
        began = time.process_time()
        target(data)
        best = min(best, time.process_time() - began)
    return best


def work(name: str, seed: int, inputs: int, seconds: float, report: Connection, current: mmap.mmap) -> None:
    """One worker: reports ``(count, slowest, faults)`` when it has run so many inputs, or for so long."""
    target, supply = TARGETS[name], Inputs(name, seed)
    clock = time.perf_counter
    ends = clock() + seconds
    count, slowest = 0, 0.0
    faults: list[tuple[bytes, str]] = []
    while count < inputs and clock() < ends and len(faults) < 20:
        for _ in range(500):
            data = supply.next()
            current[:2] = len(data).to_bytes(2, "big")
            current[2 : 2 + len(data)] = data
            began = clock()
            try:
                target(data)
            except BaseException:
                faults.append((data, traceback.format_exc()[-3_000:]))
                continue
            took = clock() - began
            if took > slowest:
                if took > SLOW:
                    took = slow(target, data)
                    if took > SLOW:
                        faults.append((data, f"took {took * 1_000:.0f} ms"))
                slowest = max(slowest, took)
        count += 500
        if count % 100_000 == 0:
            report.send((count, slowest, None))
    report.send((count, slowest, faults))


def keep(name: str, data: bytes, why: str) -> None:
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{name}-{hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"FAULT {path}\n{why}\n", flush=True)


def run(name: str, workers: int, inputs: int, seconds: float, seed: int) -> int:
    """How many faults were found."""
    began, faults = time.perf_counter(), 0
    counts, slowest = [0] * workers, 0.0
    jobs: dict[Connection, tuple[int, Any, mmap.mmap]] = {}
    for number in range(workers):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        current = mmap.mmap(-1, 8_192)
        share = (inputs // workers) if inputs < 1 << 60 else inputs
        job = multiprocessing.Process(target=work, args=(name, seed + number, share, seconds, theirs, current), daemon=True)
        job.start()
        theirs.close()
        jobs[ours] = (number, job, current)
    while jobs:
        for ready in wait(list(jobs)):
            assert isinstance(ready, Connection)
            number, job, current = jobs[ready]
            try:
                counts[number], worst, found = ready.recv()
            except EOFError:
                job.join()
                keep(name, current[2 : 2 + int.from_bytes(current[:2], "big")], f"the worker ended with {job.exitcode}")
                faults += 1
                del jobs[ready]
                continue
            slowest = max(slowest, worst)
            if found is None:
                continue
            for data, why in found:
                keep(name, data, why)
            faults += len(found)
            del jobs[ready]
    took = time.perf_counter() - began
    build = "compiled" if likewise.is_compiled() else "pure"
    rate = f"{sum(counts) / took:,.0f}/s by {workers} workers"
    print(f"{name}, {build}: {sum(counts):,} inputs, {rate}, slowest {slowest * 1_000:.1f} ms, {faults} faults", flush=True)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz a target.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=None, help="how long for each target (default 20, unless --inputs)")
    parser.add_argument("--inputs", type=int, default=None, help="how many")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--replay", metavar="FILE", help="run this input alone, and let its exception through")
    options = parser.parse_args()
    if options.replay:
        data = Path(options.replay).read_bytes()
        print(f"{slow(TARGETS[options.target], data) * 1_000:.1f} ms")
        return 0
    inputs = options.inputs if options.inputs is not None else 1 << 60
    seconds = options.seconds if options.seconds is not None else (20.0 if options.inputs is None else 1e9)
    names = list(TARGETS) if options.target == "all" else [options.target]
    print(f"seed {options.seed}")
    return 1 if sum(run(name, options.workers, inputs, seconds, options.seed) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
