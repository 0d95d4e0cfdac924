"""
A herd that sends costly messages while a bystander asks for little: ``python -m tests.serving.herd --seconds 10``.

Ninety connections, nine for each of ten kinds of the costliest messages that the ceilings allow, each sends its message
again as soon as it is answered. The server and the herd are processes of their own. Printed are the longest that the
bystander waited for a small answer, and the server's peak memory. The exit status is 1 where the first is over ``--bound``
or the second over what the accounts of its limits say together.

Time in which the system had no processor for the server or the bystander does not count: that is the machine's, which may be
busy with other things. The bound is the compiled build's.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

import likewise  # noqa: E402
from fuzz import costly, recipes  # noqa: E402
from likewise.limits import MIB, Limits  # noqa: E402
from tests import sexp  # noqa: E402
from tests.programs import running  # noqa: E402

SERVER: Final = str(Path(__file__).with_name("costly_server.py"))
BOUND: Final = 0.3  # seconds that the bystander may wait
PROGRAM: Final = 64 * MIB  # what the server takes by itself, with one message being read
PAUSE: Final = 0.02  # seconds between two calls of the bystander
KINDS: Final[dict[str, recipes.Recipe]] = {
    "what the search for costly messages has kept": costly.load(str(costly.CORPUS / "default-broker-1"))[0],
    "empty sets": [("list", ("many", "set"), 1.0)],
    "integers of 448 bits": [("list", ("int", 448, 0), 1.0)],
    "Decimals of 448 bits": [("list", ("decimal", 448, 6_144, 0), 1.0)],
    "odd dates": [("list", ("time", "date", 2, 0), 1.0)],
    "datetimes": [("list", ("time", "datetime", 0, 0), 1.0)],
    "keys that look in the same places": [("dict", ("chain", 0.5, False), 1.0)],
    "members far from one another": [("set", ("int", 7, 1 << 40), 1.0)],
    "tuples as keys": [("dict", ("many", "tuple", ("int", 7, 1)), 1.0)],
    "references that are numbered": [("list", ("named", ("many", "tuple"), 1 << 40), 1.0)],
}
SCALES: Final = (1.0, 0.7, 0.5, 0.35, 0.25, 0.17, 0.12, 0.08, 0.05, 0.03, 0.01)


def limits_of(name: str) -> Limits:
    return costly.LIMITS[name]()


def is_taken(recipe: recipes.Recipe, limits: Limits, scale: float) -> bytes:
    """The bytes of a message of this size, ``b""`` if it is refused."""
    data = recipes.Renderer(limits.frame_items - 30, limits.frame_bytes - 1_000).message(recipe, scale)
    return b"" if costly.called(data, limits)[1] else data


def message(recipe: recipes.Recipe, limits: Limits) -> bytes:
    """A call with the largest argument of this kind that is taken, or nearly that."""
    below, above, data = len(SCALES), -1, b""
    while below - above > 1:
        middle = (below + above) // 2
        found = is_taken(recipe, limits, SCALES[middle])
        if found:
            below, data = middle, found
        else:
            above = middle
    head = b"\x07\x80" + b"".join(map(sexp.encode, (b"message", 1, b"root", b"one", 1)))
    return head + b"\x02\x80" + sexp.encode(b"tuple") + data + sexp.encode([b"dictionary"])


class Peer:
    """One connection that has greeted."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(sexp.encode(b"pb", "none") + sexp.encode([b"version", 6]))
        self.received = b""

    def ask(self, call: bytes) -> Any:
        """Whatever the call is answered with."""
        self.socket.sendall(call)
        while True:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            found, self.received = sexp.decode_available(self.received + data)
            for each in found:
                if each[0] in (b"answer", b"error"):
                    return each


# --- the herd


def send(port: int, name: str, connections: int, seconds: float) -> None:
    """All the connections, for so long; prints ``ready``, and at the end what came of it."""
    limits = limits_of(name)
    calls = [message(recipe, limits) for recipe in KINDS.values()]
    counts = {"answer": 0, "error": 0, "dropped": 0}
    ends = time.monotonic() + 3_600

    def one(call: bytes) -> None:
        while time.monotonic() < ends:
            try:
                peer = Peer(port)
                while time.monotonic() < ends:
                    counts[peer.ask(call)[0].decode()] += 1
            except OSError:
                counts["dropped"] += 1
                time.sleep(0.1)

    for call in itertools.islice(itertools.cycle(calls), connections):
        threading.Thread(target=one, args=(call,), daemon=True).start()
    print("ready", flush=True)
    time.sleep(seconds)
    print(" ".join(f"{count} {what}" for what, count in counts.items()), flush=True)


# --- the bystander


def peak(pid: int) -> int:
    """Resident bytes at the most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def without_processor(pid: int | str) -> float:
    """Seconds that the first thread of a process was ready to run and did not."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except OSError:  # only Linux tells
        return 0.0


def hold(api: str, name: str, connections: int, seconds: float, bound: float) -> bool:
    """Run it against a server of its own and print what came of it; whether all bounds hold."""
    ping = sexp.encode([b"message", 1, b"root", b"ping", 1, [b"tuple"], [b"dictionary"]])
    with running(SERVER, api, name) as server:
        port = int(server.port())
        bystander, longest, by_the_clock, answers = Peer(port), 0.0, 0.0, 0

        def lost() -> float:
            return without_processor(server.process.pid) + without_processor("self")

        with running(__file__, "--send", str(port), name, str(connections), str(seconds)) as herd:
            while not herd.seen:
                try:
                    herd.line()
                except AssertionError:  # it takes its time to make the messages
                    if herd.process.poll() is not None:
                        raise
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                began, before = time.monotonic(), lost()
                bystander.ask(ping)
                waited = time.monotonic() - began
                by_the_clock = max(by_the_clock, waited)
                longest = max(longest, waited - (lost() - before))
                answers += 1
                time.sleep(PAUSE)
            came = herd.line()
        memory = peak(server.process.pid)
    limits = limits_of(name)
    accounts = limits.held_bytes + limits.all_argument_bytes + limits.unread_bytes + PROGRAM
    holds = longest < bound and memory < accounts and answers > 0
    build = "compiled" if likewise.is_compiled() else "pure"
    print(f"{api}, {name} limits, {build}: {connections} connections, {len(KINDS)} kinds, {seconds:g} s")
    print(f"  the herd had {came}")
    print(f"  the bystander waited {longest:.3f} s at the longest (under {bound:g}), in {answers} calls", end="")
    print(f"; with the time in which there was no processor {by_the_clock:.3f} s")
    print(f"  the server's memory was {memory / MIB:.0f} MiB at its peak (under {accounts / MIB:.0f})")
    print("  holds" if holds else "  FAILED", flush=True)
    return holds


def main() -> int:
    parser = argparse.ArgumentParser(description="Have a herd send costly messages while a bystander asks for little.")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each API and limits")
    parser.add_argument("--connections", type=int, default=90)
    parser.add_argument("--bound", type=float, default=BOUND, help="seconds that the bystander may wait")
    parser.add_argument("--api", choices=("asyncio", "spread"), help="both, if not given")
    parser.add_argument("--limits", choices=[*costly.LIMITS], help="both, if not given")
    parser.add_argument("--send", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        port, name, connections, seconds = options.send
        send(int(port), name, int(connections), float(seconds))
        return 0
    slower = min(costly.calibrate() for _ in range(5)) / costly.CALIBRATION
    print(f"this machine is {slower:.1f} times as slow as the one whose time the bounds are in", flush=True)
    held = [
        hold(api, name, options.connections, options.seconds, options.bound)
        for name in costly.LIMITS
        if options.limits in (None, name)
        for api in ("asyncio", "spread")
        if options.api in (None, api)
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
