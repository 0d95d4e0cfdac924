"""
What runs in a process of its own: one side of one case.

``python -m bench.child server PEER WORK`` or ``python -m bench.child client PEER WORK COUNT ADDRESS SERVER_PID``.
It reports to the runner by lines ``@TAG {json}`` on its standard output, and is told things on its standard input.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from . import settings

now = time.perf_counter  # CLOCK_MONOTONIC on Linux: two processes can compare what it says


def emit(tag: str, **values: Any) -> None:
    """Tell the runner."""
    sys.stdout.write(f"@{tag} {json.dumps(values)}\n")
    sys.stdout.flush()


def on_stdin(callback: Callable[[list[str]], object]) -> None:
    """Call ``callback(words)`` in a thread for each line that the runner says; leave when it is gone."""

    def read() -> None:
        for line in sys.stdin:
            callback(line.split())
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()


def wait_for_runner() -> None:
    """Return when the runner says something."""
    sys.stdin.readline()


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def take_place(role: str) -> None:
    """
    Go to the processors of this role, and before all that is not urgent there, where the runner asks for that
    (``--realtime``): what else the machine does then costs only caches and memory bandwidth.
    """
    if os.environ.get("BENCH_PIN") == "1":
        os.sched_setaffinity(0, settings.PROCESSORS[role])
    if os.environ.get("BENCH_REALTIME") == "1":
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


class Meter:
    """Calls per second, and what they cost the processors on both sides, between ``start()`` and ``stop()``."""

    def __init__(self, server: int) -> None:
        self.server, self.tick = server, os.sysconf("SC_CLK_TCK")

    def _server_seconds(self) -> float:
        with open(f"/proc/{self.server}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / self.tick

    def start(self) -> None:
        self.at_server, self.here, self.at = self._server_seconds(), time.process_time(), now()

    def stop(self, count: int) -> dict[str, Any]:
        seconds = now() - self.at
        return {
            "ops": count,
            "secs": seconds,
            "rate": count / seconds,
            "srv_cpu_us": (self._server_seconds() - self.at_server) / count * 1e6,
            "cli_cpu_us": (time.process_time() - self.here) / count * 1e6,
        }


class Seen:
    """
    The subscribers of W5 in one process: each must see every update, once and in the order made.

    Updates are 1, 2, 3 ... and the last one has a minus sign.
    """

    def __init__(self, count: int, finished: Callable[[float], object]) -> None:
        self.left, self.finished = count, finished

    def subscriber(self) -> Callable[[int], None]:
        seen = 0

        def on_update(value: int) -> None:
            nonlocal seen
            seen += 1
            if value == seen:
                return
            if -value != seen:
                print(f"update {seen} was expected, {value} came", file=sys.stderr)
                os._exit(3)
            self.left -= 1
            if not self.left:
                self.finished(now())

        return on_update


class Delays:
    """The subscribers of the latency workload: how long each update took, in a histogram of steps of 1 %."""

    def __init__(self, count: int, finished: Callable[[object], object]) -> None:
        self.left, self.finished = count, finished
        self.steps: dict[int, int] = {}

    def on_update(self, value: int) -> None:
        if value < 0:
            self.left -= 1
            if not self.left:
                self.finished(None)
            return
        taken = max(1, stamp(now()) - value & LARGEST_STAMP)
        step = int(math.log(taken) / STEP)
        self.steps[step] = self.steps.get(step, 0) + 1


STEP = math.log(1.01)
LARGEST_STAMP = 2**30 - 1


def stamp(at: float) -> int:
    """A time as what an update can carry: microseconds, of which 18 minutes can be told apart."""
    return int(at * 1e6) & LARGEST_STAMP


def made_at(due: float) -> float:
    """From when an update counts that is made now."""
    at = now()
    return due if at - due > settings.LATE_S else at


def with_percentiles(result: dict[str, Any], latencies: list[float]) -> dict[str, Any]:
    latencies.sort()
    result.update(p50_us=latencies[len(latencies) // 2] * 1e6, p99_us=latencies[int(len(latencies) * 0.99)] * 1e6)
    result["max_us"] = latencies[-1] * 1e6
    return result


def main(arguments: list[str]) -> None:
    role, name, work, *rest = arguments
    die_with_parent()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each observer is a connection
    take_place(role)
    from .peers import find

    peer = find(name)()
    peer.setup()
    if role == "server":
        peer.serve(work)
    else:
        count, address, server = rest
        peer.client(work, int(count), json.loads(address), int(server))


if __name__ == "__main__":
    main(sys.argv[1:])
