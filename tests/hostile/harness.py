"""
What every case of the corpus is held to, and how it is run.

A case sends hostile bytes to a server process and asserts the stated outcome. Around it the harness asserts the rest:
a well-behaved client of the same server is answered within a second all the time, the server's peak memory grows by
less than 16 MiB, its CPU time and its log stay bounded, nothing forbidden ran, nothing was imported.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from likewise import is_compiled
from likewise.logs import ALLOWANCE_SECONDS
from tests.hostile.raw import Closed, Peer, RemoteFailure, as_text

HERE: Final = Path(__file__).parent
MIB: Final = 1 << 20
SERVED_WITHIN: Final = 1.0  # seconds for each call of the well-behaved client
MEMORY: Final = 16 * MIB  # bytes by which the server's peak may grow
LOG: Final = 64 * 1024  # bytes that a case may add to the log in each stretch of so many SECONDS
SLOWER: Final = 1 if is_compiled() else 2  # the bounds of CPU time are the compiled build's
TARGETS: Final = {"asyncio": HERE / "target.py", "spread": HERE / "target_spread.py"}


class Server:
    """A target in a process of its own."""

    def __init__(self, target: str = "asyncio", directory: str | None = None) -> None:
        self._own = tempfile.TemporaryDirectory() if directory is None else None
        self.target = target
        self.log = Path(directory or self._own.name, "target.log")  # type: ignore[union-attr]  # one of the two is there
        command = [sys.executable, "-P", str(TARGETS[target]), "0", "0", str(self.log)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words[:1] == ["READY"], f"the target said {words}"
        self.port, self.portal_port, self.pid = map(int, words[1:4])
        self.control = Peer(self.port)

    def stop(self) -> None:
        self.control.close()
        assert self.process.stdout is not None
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()
        if self._own is not None:
            self._own.cleanup()

    # --- what the process is doing

    def memory(self) -> tuple[int, int]:
        """Resident bytes now, and at the peak since :meth:`forget_peak`."""
        found = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if ":" in line)
        return tuple(int(found[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def state(self) -> dict[str, Any]:
        """What the target says it holds."""
        return pairs(self.control.ask(b"state"))

    def canary(self) -> int:
        return int(self.control.ask(b"canary"))

    def new_modules(self) -> int:
        return int(pairs(self.control.ask(b"state"))["modules"])

    # --- what came of a peer

    def reason(self, peer: Peer, within: float = 5.0) -> tuple[str, str, str]:
        """Class, limit and text of the reason for which the server ended a connection."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = self.control.ask(b"reasons", [b"unicode", peer.name.encode()], peer.opened)
            if len(found) > 1:
                kind, limit, why = (as_text(each) for each in found[1][1:])
                return kind, limit, why
            time.sleep(0.01)  # the server answers at once; what is waited for is the end of another connection
        raise AssertionError("the connection has not ended, as far as the server knows")


def pairs(jelly: Any) -> dict[str, Any]:
    """A dict with str keys from its jelly."""
    return {as_text(key): value for key, value in jelly[1:]}


class Guest(threading.Thread):
    """The well-behaved client: calls ``ping`` and ``echo`` over and over and notes how long it waits."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.peer = Peer(port)
        self.ended = threading.Event()
        self.slowest = 0.0
        self.calls = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.ended.wait(0.01):
                self.once()
        except BaseException as error:  # told by finish()
            self.fault = error

    def once(self) -> None:
        began = time.monotonic()
        assert self.peer.ask(b"ping") == [b"unicode", b"pong"]
        assert self.peer.ask(b"echo", [b"list", 1, [b"unicode", b"two"]]) == [b"list", 1, [b"unicode", b"two"]]
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.calls += 1

    def finish(self) -> None:
        self.ended.set()
        self.join(30)
        if self.fault is not None:
            raise AssertionError(f"the well-behaved client failed: {self.fault!r}") from self.fault
        self.once()
        self.peer.close()


@dataclasses.dataclass(frozen=True)
class Case:
    """
    One case: ``cpu`` is in seconds of the compiled build, ``log`` and ``memory`` are in bytes; those that are ``quick``
    run with the other tests.
    """

    id: str
    title: str
    run: Callable[[Server], None]
    cpu: float = 0.25
    quick: bool = True
    log: int = LOG
    memory: int = MEMORY

    @property
    def name(self) -> str:
        return f"{self.id} {self.title}"


@dataclasses.dataclass
class Measured:
    """What a case cost the server."""

    seconds: float
    cpu: float
    memory: int
    slowest: float
    log: int


CASES: list[Case] = []


def case(id: str, title: str, **bounds: Any) -> Callable[[Callable[[Server], None]], Callable[[Server], None]]:
    """Add a case to the corpus; ``bounds`` are those of :class:`Case` that differ from the usual."""

    def add(run: Callable[[Server], None]) -> Callable[[Server], None]:
        CASES.append(Case(id, title, run, **bounds))
        return run

    return add


def cases(id: str, title: str, values: dict[str, Any], **bounds: Any) -> Callable[..., Any]:
    """Add one case for each entry of a table: ``run(server, value)``, the entry's key in its title."""

    def add(run: Callable[[Server, Any], None]) -> Callable[[Server, Any], None]:
        for name, value in values.items():
            CASES.append(Case(id, f"{title}: {name}", functools.partial(run, value=value), **bounds))
        return run

    return add


def hold(case: Case, server: Server) -> Measured:
    """Run a case and assert all that it is held to."""
    guest = Guest(server.port)
    guest.once()
    server.forget_peak()
    before, cpu, log, began = server.memory()[0], server.cpu(), server.log_size(), time.monotonic()
    guest.start()
    try:
        case.run(server)
    finally:
        guest.finish()
    measured = Measured(
        time.monotonic() - began,
        server.cpu() - cpu - guest.calls * 0.0006,
        server.memory()[1] - before,
        guest.slowest,
        server.log_size() - log,
    )
    assert measured.slowest < SERVED_WITHIN, f"the well-behaved client waited {measured.slowest:.2f} s"
    assert measured.memory < case.memory, f"peak memory grew by {measured.memory / MIB:.1f} MiB"
    assert measured.cpu < case.cpu * SLOWER, f"{measured.cpu:.2f} s of CPU"
    assert measured.log < case.log * (1 + measured.seconds // ALLOWANCE_SECONDS), f"{measured.log} bytes of log"
    assert server.canary() == 0, f"something forbidden ran: {pairs(server.control.ask(b'what'))}"
    assert server.new_modules() == 0, "something was imported"
    return measured


# --- what cases assert


def drops(server: Server, peer: Peer, kind: str = "LimitExceeded", limit: str = "", text: str = "") -> None:
    """That the server has ended this connection, for this reason."""
    assert peer.is_closed(), "the connection is still open"
    found, which, why = server.reason(peer)
    assert (found, which) == (kind, limit) and text in why, f"ended by {found} {which}: {why}"


def refuses(peer: Peer, number: int, kind: str = "twisted.spread.jelly.InsecureJelly", text: str = "") -> None:
    """That a call failed for this reason, and that its connection goes on."""
    answer = peer.result(number)
    assert answer[0] == b"error", f"answered {str(answer)[:200]}"
    failure = RemoteFailure(answer[2])
    assert failure.type == kind and text in failure.text, str(failure)
    assert len(str(answer)) < 40_000, "the error is longer than it may be"
    serves(peer)


def serves(peer: Peer) -> None:
    """That the connection is as good as before."""
    assert peer.ask(b"ping") == [b"unicode", b"pong"]


__all__ = ("CASES", "Case", "Closed", "Guest", "Measured", "Server", "case", "cases", "drops", "hold", "refuses", "serves")
