"""Runs cases, each as a server process and its client processes, and writes down what they report."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import machine, settings
from .peers import find

CASES = ["W1", "W2", "W3", "W4", *(f"W5:{count}" for count in settings.FAN_OUT), "W6", "W7"]
CASES += [*(f"W8:{count}" for count in settings.STREAMS), "W9"]
# Where other builds of likewise than the installed one lie: `make bench` puts the pure one there, `make bench-before` the
# one of an earlier commit.
BUILDS = {name: Path(sys.prefix, name) for name in ("pure", "before")}

STARTING_S, CONNECTING_S, CASE_S = 30.0, 90.0, 60.0


class CaseFailed(Exception):
    """A child did not report what was due; the text ends with what it said on stderr."""


class Child:
    """One process: ``python -m MODULE ARGUMENTS``. Reports come as ``@TAG {json}`` lines."""

    def __init__(self, module: str, *arguments: Any, build: str = "") -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed in stop()
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "BENCH_PIN": str(int(settings.can_pin()))}
        if build:
            environment["PYTHONPATH"] = str(BUILDS[build])
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            text=True,
            bufsize=1,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=machine.ROOT,
            env=environment,
        )
        self.selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def expect(self, tag: str, seconds: float) -> dict[str, Any]:
        """
        Wait for the report of that name.

        Raises:
            CaseFailed: it did not come in time, or the process ended before.
        """
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while self.selector.select(max(0.0, end - time.monotonic())):
            line = self.process.stdout.readline()
            if not line:
                break
            if line.startswith(f"@{tag} "):
                report: dict[str, Any] = json.loads(line.partition(" ")[2])
                return report
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self.errors.seek(0)
        ended = "too late" if self.process.poll() is None else f"exit code {self.process.returncode}"
        raise CaseFailed(f"no {tag} ({ended}): {self.errors.read()[-1500:]}")

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def resident_bytes(self) -> int:
        """Exact: the counters in statm are kept for each processor, and off by half a MiB."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Rss:")) * 1024

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.selector.close()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.errors.close()


@contextlib.contextmanager
def children() -> Iterator[list[Child]]:
    """A list of processes that are ended with the block, the last one first."""
    started: list[Child] = []
    try:
        yield started
    finally:
        for child in reversed(started):
            child.stop()


class Case:
    """The processes of one case."""

    def __init__(self, peer: str, work: str, started: list[Child]) -> None:
        self.peer, self.work, self.started = peer, work, started
        self.build = find(peer).build
        self.server = Child("bench.child", "server", peer, work, build=self.build)
        started.append(self.server)
        self.address = json.dumps(self.server.expect("READY", STARTING_S)["address"])

    def client(self, count: int = 0, work: str = "") -> Child:
        """Another client process; for something else than the case's own workload, if that is named."""
        arguments = ("client", self.peer, work or self.work, count, self.address, self.server.process.pid)
        self.started.append(Child("bench.child", *arguments, build=self.build))
        return self.started[-1]

    def watchers(self, count: int) -> list[Child]:
        """Two processes that share ``count`` subscribers, all of them subscribed."""
        clients = [self.client(count // 2), self.client(count - count // 2)]
        for client in clients:
            client.expect("SUBSCRIBED", CONNECTING_S)
        return clients


def run_case(peer: str, case: str) -> dict[str, Any]:
    """
    One case, once: what its tables show of it.

    Raises:
        CaseFailed: it could not be brought to its end, or an answer was wrong.
    """
    work, _, count = case.partition(":")
    with children() as started:
        processes = Case(peer, work, started)
        if work == "W5":
            return fan_out(processes, int(count))
        if work == "W7":
            return idle_memory(processes, find(peer).idle[1])
        return processes.client(int(count or 0)).expect("RESULT", CASE_S)


def fan_out(processes: Case, count: int) -> dict[str, Any]:
    clients = processes.watchers(count)
    processes.server.say(f"publish {max(settings.UPDATES, settings.DELIVERIES // count)}")
    end = max(client.expect("RESULT", CASE_S)["t_end"] for client in clients)
    published = processes.server.expect("PUBLISHED", CASE_S)
    seconds = end - published["t0"]
    rate = count * published["updates"] / seconds
    return {"n": count, "updates": published["updates"], "secs": seconds, "rate": rate}


def idle_memory(processes: Case, count: int) -> dict[str, Any]:
    client = processes.client(count)
    client.expect("WARM", CONNECTING_S)
    time.sleep(0.3)
    before = processes.server.resident_bytes()
    client.say("go")
    client.expect("CONNECTED", CONNECTING_S)
    time.sleep(0.5)
    after = processes.server.resident_bytes()
    client.say("bye")
    return {"n": count, "kib": (after - before) / count / 1024, "base_mib": before / 2**20}


class Session:
    """A run of many cases: kept in a file after each of them, ended when its time is used up."""

    def __init__(self, file: Path, seconds: float, patience: float, about: dict[str, Any]) -> None:
        self.file, self.patience, self.about = file, patience, about
        self.end = time.monotonic() + seconds
        self.failed: set[tuple[str, str]] = set()
        self.cut_short = ""
        self.records: list[dict[str, Any]] = []
        if file.exists():
            self.records = json.loads(file.read_text())["records"]

    def run(self, peers: list[str], cases: list[str], rounds: int) -> None:
        """Every peer once in each case and round, beginning with another one each time, so that drift meets all alike."""
        for number in range(rounds):
            for case in cases:
                able = [peer for peer in peers if find(peer)().can(case)]
                first = number % max(1, len(able))
                for peer in able[first:] + able[:first]:
                    if time.monotonic() > self.end:
                        self.cut_short = f"the time was used up in round {number + 1}, before {case} of {peer}"
                        print(self.cut_short, file=sys.stderr)
                        return
                    if (peer, case) not in self.failed:
                        self.run_one(peer, case, number)

    def run_one(self, peer: str, case: str, number: int) -> None:
        self.patience -= machine.wait_until_quiet(min(self.patience, self.end - time.monotonic()))
        others, start = machine.Others(), time.monotonic()
        record: dict[str, Any] = {"peer": peer, "case": case, "round": number}
        try:
            record["result"] = run_case(peer, case)
        except CaseFailed as error:  # what fails once is not tried in the next rounds
            record["error"] = str(error)
            self.failed.add((peer, case))
        record |= {"others": others.processors(), "took": time.monotonic() - start}
        self.records.append(record)
        shown = record.get("error") or {key: round(value, 2) for key, value in record["result"].items()}
        meanwhile = f"others {record['others']:.2f}  {record['took']:.1f} s"
        print(f"{case:8s} {peer:22s} {shown}  {meanwhile}", file=sys.stderr, flush=True)
        self.save()

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"about": self.about, "records": self.records}, indent=0))
        fresh.replace(self.file)
