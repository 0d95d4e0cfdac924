"""
Many guess at one user's password while its owner logs in: ``python -m tests.login.guessers --minutes 10 --guessers 50``.

The server is a process of its own, by either API. Each guesser connects from its own address (``--addresses`` has them share
so many), guesses as fast as the server answers, and comes back when it is dropped. The owner comes every few seconds from an
address that was never there. Printed are the longest that the owner had to wait, and how many guesses the server answered.
The exit status is 1 if the owner waited for 5 s or longer, or was not let in, or if more guesses were answered than
:func:`most_guesses` says.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import hashlib
import itertools
import math
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from likewise.limits import Limits
from tests import sexp
from tests.programs import running

SERVER: Final = str(Path(__file__).with_name("guessed_server.py"))
OWNER_WAITS: Final = 5.0  # seconds, at the most
OWNER_COMES: Final = 5.0  # seconds between two logins of the owner
NOBODY: Final = [b"None"]
WAYS: Final = {("asyncio", "md5"), ("asyncio", "plain"), ("spread", "md5")}


def most_guesses(limits: Limits, networks: int, seconds: float) -> int:
    """
    How many guesses at one user are answered at the most: for each network those that are free, those of the waits that
    double, and one for each of the longest waits.
    """
    doubling = math.ceil(math.log2(max(1.0, limits.user_pause_seconds))) + 1
    return networks * math.ceil(limits.user_attempts + doubling + seconds / limits.user_pause_seconds)


class Refused(Exception):
    """The call was answered by an error."""


class Peer:
    """One connection from an address of our choice."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._received = b""
        self._numbers = itertools.count(1)

    async def ask(self, name: bytes, *args: Any, luid: Any = b"root") -> Any:
        """What the call is answered with. Raises Refused, or ConnectionError when the server hangs up."""
        number = next(self._numbers)
        self._writer.write(sexp.encode([b"message", number, luid, name, 1, [b"tuple", *args], [b"dictionary"]]))
        while True:
            data = await self._reader.read(1 << 16)
            if not data:
                raise ConnectionResetError
            found, self._received = sexp.decode_available(self._received + data)
            for message in found:
                if message[0] in (b"answer", b"error") and message[1] == number:
                    if message[0] == b"error":
                        raise Refused
                    return message[2]

    async def log_in(self, way: str, password: bytes) -> None:
        """As alice. Raises Refused."""
        if way == "plain":
            avatar = (await self.ask(b"login_plain", b"alice", password, NOBODY))[1]
        else:
            _, challenge, (_, step) = await self.ask(b"login", b"alice")
            response = hashlib.md5(hashlib.md5(password).digest() + challenge).digest()
            avatar = (await self.ask(b"respond", response, NOBODY, luid=step))[1]
        assert await self.ask(b"ping", luid=avatar) == [b"unicode", b"pong"]


@asynccontextmanager
async def peer(port: int, address: str) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(sexp.encode(b"pb", "none") + sexp.encode([b"version", 6]))
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


@dataclasses.dataclass
class Seen:
    """What came of it."""

    guesses: int = 0  # that were answered
    logins: int = 0
    longest: float = 0.0
    faults: list[str] = dataclasses.field(default_factory=list)


async def guess(port: int, address: str, way: str, seen: Seen) -> None:
    for number in itertools.count():
        try:
            async with peer(port, address) as one:
                while True:
                    try:
                        await one.log_in(way, b"guess %d" % number)
                    except Refused:
                        seen.guesses += 1
        except ConnectionError:
            await asyncio.sleep(0.1)  # it was dropped for its many attempts, and comes back


async def own(port: int, addresses: Iterator[str], way: str, seen: Seen, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            async with asyncio.timeout(4 * OWNER_WAITS), peer(port, next(addresses)) as one:
                await one.log_in(way, b"sesame")
            seen.logins += 1
        except (Refused, OSError, TimeoutError) as error:
            seen.faults.append(f"the owner was not let in: {error!r}")
        seen.longest = max(seen.longest, time.monotonic() - began)
        await asyncio.sleep(OWNER_COMES - min(OWNER_COMES, time.monotonic() - began))


async def run(port: int, way: str, guessers: int, addresses: int, seconds: float) -> Seen:
    """The guessers and the owner, for so long, and until the owner's last login is through."""
    seen = Seen()
    new = (f"127.{100 + a}.{b}.{c}" for a in range(100) for b in range(250) for c in range(1, 250))
    tasks = [asyncio.create_task(guess(port, f"127.1.0.{1 + n % addresses}", way, seen)) for n in range(guessers)]
    owner = asyncio.create_task(own(port, new, way, seen, seconds))
    await asyncio.wait([owner, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (owner, *tasks):
        task.cancel()
    ends = await asyncio.gather(owner, *tasks, return_exceptions=True)
    seen.faults += [repr(end) for end in ends if isinstance(end, Exception)]
    return seen


def hold(api: str, way: str, guessers: int, addresses: int, seconds: float) -> bool:
    """Run it against a server of its own, print what came of it; whether all bounds hold."""
    with running(SERVER, api, way) as program:
        port, began = int(program.port()), time.monotonic()
        seen = asyncio.run(run(port, way, guessers, addresses, seconds))
        seconds = time.monotonic() - began
    most = most_guesses(Limits.public(), addresses, seconds)
    holds = not seen.faults and seen.logins > 0 and seen.longest < OWNER_WAITS and 0 < seen.guesses <= most
    print(f"{api} {way}: {guessers} guessers from {addresses} addresses, {seconds:.1f} s")
    print(f"  the owner logged in {seen.logins} times, waited {seen.longest:.2f} s at the longest (under {OWNER_WAITS:g})")
    print(f"  {seen.guesses} guesses were answered (at most {most})")
    for fault in seen.faults[:10]:
        print(f"  {fault}")
    print("  holds" if holds else "  FAILED", flush=True)
    return holds


def main() -> int:
    parser = argparse.ArgumentParser(description="Have many guess at one user's password while its owner logs in.")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long, for each API")
    parser.add_argument("--guessers", type=int, default=50)
    parser.add_argument("--addresses", type=int, default=0, help="how many they share; as many as guessers, if not given")
    parser.add_argument("--api", choices=("asyncio", "spread"), help="both, if not given")
    parser.add_argument("--way", choices=("md5", "plain"), default="md5", help="plain: argon2id, by the asyncio API alone")
    options = parser.parse_args()
    addresses = min(options.addresses or options.guessers, options.guessers, 250)
    apis = [api for api in ("asyncio", "spread") if options.api in (None, api) and (api, options.way) in WAYS]
    held = [hold(api, options.way, options.guessers, addresses, 60 * options.minutes) for api in apis]
    return 0 if held and all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
