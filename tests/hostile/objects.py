"""
What both targets offer, written once: the classes are made from whichever API serves them.

Anything forbidden that runs is counted, by itself or by an audit hook; ``canary`` tells how often.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import resource
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import likewise

# What the standard library loads on the way to its first traceback: after READY any import counts as forbidden.
PRELOADED = ("ast", "tokenize", "linecache", "traceback", "unicodedata", "encodings.idna", "encodings.latin_1", "stringprep")
EVENTS = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pickle.find_class")

# Those for strangers. Its times are shorter, for the corpus to see them pass; and all come from this machine's addresses.
LIMITS = likewise.Limits.public(
    handshake_seconds=2.0,
    message_seconds=3.0,
    stalled_seconds=3.0,
    keepalive_seconds=2.0,
    connections_per_address=1_000,
    unread_bytes=4 << 20,
)

# Those of another server, which the corpus has opened and closed.
FEW = dataclasses.replace(LIMITS, connections_per_address=3)

forbidden: collections.Counter[str] = collections.Counter()
reasons: collections.deque[tuple[float, str, str, str, str]] = collections.deque(maxlen=2_000)
counts: collections.Counter[str] = collections.Counter(logouts=0, roots=0, told=0)


def boom(*args: Any, **kwargs: Any) -> None:
    """What hostile jelly names in vain."""
    forbidden["boom"] += 1


class Trap:
    """A class that nothing registers: whatever runs of it was not asked for."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Trap:
        forbidden["Trap"] += 1
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        forbidden["Trap"] += 1


class Own(BaseException):
    """Neither an Exception nor anything that Python knows."""


def no_exception(kind: str) -> BaseException:
    """What is no Exception, and ends no program."""
    if kind == "BaseExceptionGroup":
        return BaseExceptionGroup("as asked", [Own()])
    return {"CancelledError": asyncio.CancelledError, "GeneratorExit": GeneratorExit, "Own": Own}[kind]("as asked")


@likewise.copyable(name="hostile.Slotted")
@dataclass(slots=True)
class Slotted:
    """Has no dictionary; what it holds is printed all the same."""

    x: Any = None


def note_the_end(peer: str, reason: BaseException | None) -> None:
    """Why a connection ended, for the corpus to ask."""
    at = time.monotonic()  # the same in all processes of this machine
    reasons.append((at, peer, type(reason).__name__, getattr(reason, "limit", ""), str(reason)[:500]))


def watch(event: str, args: tuple[Any, ...]) -> None:
    """The audit hook: what no peer may cause."""
    if event in EVENTS:
        forbidden[event] += 1
    elif event == "import" and args[0] not in sys.modules:
        forbidden[f"import {args[0]}"[:80]] += 1
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        forbidden["open"] += 1


def raise_open_files() -> None:
    """As many as the system lets this process have: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def begin_to_watch(root: Any) -> None:
    """From now on nothing may be imported, opened for writing or run."""
    root.modules = len(sys.modules)
    sys.addaudithook(watch)


def make(api: Any, sleep: Any) -> SimpleNamespace:
    """
    The classes, from those of ``api`` (``likewise``, or ``likewise.spread.pb``), registered for receipt.

    ``sleep(seconds)`` gives something that can be awaited.
    """

    class Copy(api.Copyable, api.RemoteCopy):
        """``hostile.Copy``: its state is a dict; its behaviour is not for the wire to set."""

        role = "guest"

        def getTypeToCopy(self) -> str:
            return "hostile.Copy"

        def is_admin(self) -> bool:
            return False

        @property
        def owner(self) -> str:
            return "nobody"

    class Pond(api.Cacheable):
        """``hostile.Pond``, going out."""

        def __init__(self) -> None:
            self.observers: list[Any] = []

        def getTypeToCopy(self) -> str:
            return "hostile.Pond"

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
            self.observers.append(observer)
            return {"ducks": 3}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            self.observers.remove(observer)

    class PondMirror(api.RemoteCache):
        """``hostile.Pond``, coming in."""

        def observe_ducks(self, ducks: Any) -> None:
            self.ducks = ducks

    class Thing(api.Referenceable):
        """A new one for each call of ``thing``."""

        def remote_ping(self) -> str:
            return "pong"

    class Root(api.Root):
        """What the corpus calls."""

        remote_attr = 5
        another: Any = None  # opens another server, and closes the one that was opened first

        def __init__(self) -> None:
            self.the_pond = Pond()
            self.modules = self.running = self.streams = 0
            self.kept: list[Any] = []

        def rootObject(self, broker: Any) -> Any:
            counts["roots"] += 1
            return super().rootObject(broker)

        def _private(self, *args: Any, **kwargs: Any) -> None:
            forbidden["_private"] += 1

        def plain(self, *args: Any, **kwargs: Any) -> None:
            """Without the prefix nothing is reachable."""
            forbidden["plain"] += 1

        def remote_ping(self) -> str:
            return "pong"

        def remote_echo(self, x: Any) -> Any:
            return x

        def remote_one(self, x: Any) -> None:
            return None

        def remote_thing(self) -> Thing:
            return Thing()

        def remote_pond(self) -> Pond:
            return self.the_pond

        def remote_kw(self, **k: Any) -> dict[str, Any]:
            return k

        def remote_canary(self) -> int:
            return forbidden.total()

        def remote_numbers(self, count: int) -> Any:
            return self.stream(range(count))

        def remote_blobs(self) -> Any:
            return self.stream(bytes(50_000) for _ in itertools.count())

        def remote_never(self) -> Any:
            return self.stream((), 60)

        async def stream(self, items: Any, seconds: float = 0) -> Any:
            """An async iterator of these; it waits before its end."""
            self.streams += 1
            try:
                for item in items:
                    yield item
                if seconds:
                    await sleep(seconds)
            finally:
                self.streams -= 1

        async def remote_read(self, reference: Any) -> int:
            """Read a stream of the peer."""
            count = 0
            async for _ in likewise.Stream(reference):
                count += 1
            return count

        # --- for the corpus

        def remote_what(self) -> dict[str, int]:
            """Which forbidden things ran."""
            return dict(forbidden)

        def remote_fail(self, x: Any) -> None:
            raise ValueError(x)

        def remote_raise(self, kind: str) -> None:
            raise no_exception(kind)

        async def remote_raise_async(self, kind: str) -> None:
            raise no_exception(kind)

        async def remote_raise_later(self, kind: str) -> None:
            await sleep(0)
            raise no_exception(kind)

        def remote_raise_in_text(self, kind: str) -> None:
            class Broken(Exception):
                def __str__(self) -> str:
                    raise no_exception(kind)

                __repr__ = __str__

            raise Broken

        def remote_raise_in_args(self, kind: str) -> None:
            class Broken(Exception):
                @property
                def args(self) -> Any:
                    raise no_exception(kind)

            raise Broken

        def remote_look_up(self, x: Any) -> Any:
            return {}[x]

        def remote_expected(self, x: Any) -> None:
            raise api.Error(x)

        async def remote_slow(self, seconds: float) -> str:
            self.running += 1
            try:
                await sleep(min(seconds, 60))
            finally:
                self.running -= 1
            return "slept"

        async def remote_hold(self, x: Any) -> None:
            """Slow, with an argument."""
            await self.remote_slow(3.0)

        async def remote_open_another(self, address: str) -> int:
            """Serve there, too, as ``FEW`` allows: the port."""
            port: int = await self.another.open(address)
            return port

        async def remote_close_another(self, seconds: float) -> None:
            """Stand still for so long, begin to accept those who have come meanwhile, and close."""
            time.sleep(min(seconds, 0.5))
            await sleep(0)
            await self.another.close()

        async def remote_call_back(self, reference: Any) -> Any:
            """Calls something of the peer; what comes of it is the answer."""
            return await reference.callRemote("whatever")

        def remote_blob(self, size: int) -> bytes:
            return bytes(min(size, 600_000))

        def remote_change(self, ducks: Any) -> None:
            """Tell every observer, one way."""
            for observer in tuple(self.the_pond.observers):
                observer.callRemoteOnly("ducks", ducks)

        def remote_change_and_wait_not(self, ducks: Any) -> None:
            """Tell every observer, each is to answer, and forget about it."""
            for observer in tuple(self.the_pond.observers):
                observer.callRemote("ducks", ducks)

        def remote_keep(self, x: Any) -> int:
            self.kept.append(x)
            return len(self.kept)

        def remote_forget(self) -> None:
            self.kept.clear()

        def remote_reasons(self, peer: str, since: float) -> list[list[str]]:
            """Of the connections of ``peer`` (``"host:port"``) that ended since: class of the reason, limit if one, text."""
            return [[kind, limit, text] for at, name, kind, limit, text in reasons if name == peer and at >= since]

        def remote_state(self) -> dict[str, Any]:
            """What this process holds."""
            state = {"observers": len(self.the_pond.observers), "running": self.running, "streams": self.streams, **counts}
            return {"modules": len(sys.modules) - self.modules, **state}

    class Avatar(api.Avatar):
        """What alice may do."""

        def _private(self) -> None:
            forbidden["_private"] += 1

        def perspective_ping(self) -> str:
            return "pong"

        async def perspective_slow(self, seconds: float) -> None:
            await sleep(min(seconds, 60))

        def logout(self, mind: Any = None) -> None:
            counts["logouts"] += 1

    api.setUnjellyableForClass("hostile.Copy", Copy)
    api.setUnjellyableForClass("hostile.Pond", PondMirror)
    for name in PRELOADED:
        __import__(name)
    return SimpleNamespace(Root=Root, Avatar=Avatar)
