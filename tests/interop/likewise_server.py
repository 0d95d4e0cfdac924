"""
A likewise server that offers every flavour: the same surface as ``twisted_server.py``, see SURFACE.md.

    python -m tests.interop.likewise_server [--port N] [--log]

It listens on 127.0.0.1, prints ``READY <port>``, and leaves when its standard input closes or ``shutdown`` is called.
The tests that call a Twisted server use the classes, ``ADMITTED`` and ``describe`` of this module for their own side.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import likewise
from tests.interop import surface
from tests.interop.surface import UNSENDABLE, VALUES

INTEROP = "interop"  # wire names are module + class name; all of ours begin with this


# --- classes that cross -----------------------------------------------------------------------------------------


class Frog(likewise.Copyable, likewise.RemoteCopy):
    """By copy, both ways: one class is the original and the copy. ``secret`` never leaves."""

    __module__ = INTEROP

    def __init__(self, name: str, legs: int = 4, **more: Any) -> None:
        self.name = name
        self.legs = legs
        self.secret = "stays home"
        self.__dict__.update(more)

    def getStateToCopyFor(self, perspective: Any) -> dict[str, Any]:
        state = {key: value for key, value in self.__dict__.items() if key != "secret"}
        state["seen_by"] = getattr(perspective, "name", None)
        return state


class Toad(likewise.Copyable):
    """By copy; the receiver makes it with a registered factory."""

    __module__ = INTEROP

    def __init__(self, warts: int) -> None:
        self.warts = warts


class FactoryToad:
    """What the factory makes of a Toad's state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state


class Newt(likewise.Copyable, likewise.RemoteCopy):
    """By copy, under a name without a dot, with a state that is a list and no dictionary."""

    __module__ = INTEROP

    def __init__(self, *spots: int) -> None:
        self.spots = list(spots)

    def getTypeToCopy(self) -> str:
        return "interop-newt"

    def getStateToCopy(self) -> list[int]:
        return self.spots

    def setCopyableState(self, state: list[int]) -> None:
        self.spots = state


class Stranger(likewise.Copyable):
    """By copy, but nobody registers it: every receiver refuses it."""

    __module__ = INTEROP

    def __init__(self) -> None:
        self.name = "stranger"


class Pond(likewise.Cacheable):
    """By cache. ``stopped`` counts the observers that have gone."""

    __module__ = INTEROP

    def __init__(self, *ducks: str) -> None:
        self.ducks = list(ducks)
        self.observers: list[likewise.RemoteCacheObserver] = []
        self.stopped = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> dict[str, Any]:
        self.observers.append(observer)
        return {"ducks": list(self.ducks)}

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)
        self.stopped += 1

    def change(self, op: str, duck: str) -> list[Awaitable[Any]]:
        if op == "add":
            self.ducks.append(duck)
        elif op == "remove":
            self.ducks.remove(duck)
        return [observer.callRemote(op, duck) for observer in self.observers]


class PondCache(likewise.RemoteCache):
    """The mirror of a Pond. ``heard`` holds the updates in the order in which they came."""

    ducks: list[str]

    def setCopyableState(self, state: dict[str, Any]) -> None:
        super().setCopyableState(state)
        self.heard: list[list[str]] = []

    def observe_add(self, duck: str) -> int:
        self.ducks.append(duck)
        self.heard.append(["add", duck])
        return len(self.ducks)

    def observe_remove(self, duck: str) -> int:
        self.ducks.remove(duck)
        self.heard.append(["remove", duck])
        return len(self.ducks)

    def observe_explode(self, duck: str) -> None:
        raise ValueError(duck)


class ChapterPond(likewise.Cacheable):
    """By cache, as the documentation of PB writes it, ``self.observers.remove(observer)`` included."""

    __module__ = INTEROP

    def __init__(self, ducks: list[str]) -> None:
        self.observers: list[likewise.RemoteCacheObserver] = []
        self.ducks = ducks

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for o in self.observers:
            o.callRemote("addDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> list[str]:
        self.observers.append(observer)
        return self.ducks

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)


class ChapterPondCache(likewise.RemoteCache):
    def setCopyableState(self, state: list[str]) -> None:
        self.ducks = state

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)


class KnownError(likewise.Error):
    """A known error: it travels as its name and text."""

    __module__ = INTEROP


class JellyError(likewise.Error, likewise.Copyable, likewise.RemoteCopy):
    """A known error that travels as itself, with its attributes."""

    __module__ = INTEROP

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code

    def __str__(self) -> str:
        return self.text


ADMITTED = likewise.Registry(Frog, JellyError)
ADMITTED.setUnjellyableFactoryForClass("interop.Toad", FactoryToad)
ADMITTED.setUnjellyableForClass("interop-newt", Newt)
ADMITTED.setUnjellyableForClass("interop.Pond", PondCache)
ADMITTED.setUnjellyableForClass("interop.ChapterPond", ChapterPondCache)


class Thing(likewise.Referenceable):
    """By reference."""

    def remote_ping(self, x: Any) -> list[Any]:
        return ["pong", x]

    def remote_fail(self, text: str) -> None:
        raise ValueError(text)

    def remote_fail_known(self, text: str) -> None:
        raise KnownError(text)

    def remote_fail_jelly(self, text: str, code: int) -> None:
        raise JellyError(text, code)


class Doc(likewise.Viewable):
    """By reference, and told who calls."""

    def view_whoami(self, perspective: Any) -> str | None:
        return getattr(perspective, "name", None)

    def view_args(self, perspective: Any, *args: Any, **kw: Any) -> tuple[Any, ...]:
        return getattr(perspective, "name", None), args, kw

    def view_ping(self, perspective: Any, x: Any) -> list[Any]:
        return ["viewed", getattr(perspective, "name", None), x]


class Visitor(likewise.Avatar):
    """What ``enter(name)`` refers to."""

    def __init__(self, name: str, doc: Doc) -> None:
        self.name = name
        self.doc = doc

    def perspective_whoami(self) -> str:
        return self.name

    def perspective_doc(self) -> Doc:
        return self.doc

    def perspective_frog(self) -> Frog:
        return Frog("Fred")

    def perspective_args(self, *args: Any, **kw: Any) -> tuple[Any, ...]:
        return args, kw


# --- describe ---------------------------------------------------------------------------------------------------


def _fields(x: Any) -> tuple[str, dict[str, Any]] | None:
    """Instances of ours that are described by their attributes."""
    match x:
        case Frog():
            return "Frog", {key: value for key, value in x.__dict__.items() if key != "secret"}
        case FactoryToad():
            return "FactoryToad", {"state": x.state}
        case Newt():
            return "Newt", {"spots": x.spots}
        case PondCache():
            return "PondCache", {"ducks": x.ducks}
    return None


def _name(x: Any) -> str:
    """Everything else that is no basic type."""
    match x:
        case likewise.RemoteReference():
            return "reference"
        case Thing():
            return "own Thing"
        case Pond():
            return "own Pond"
        case likewise.ViewPoint():
            return "own ViewPoint"
        case likewise.Unpersistable():
            return "Unpersistable"
    return f"? {type(x).__module__}.{type(x).__name__}"


def describe(x: Any) -> str:
    """The value as text with all its types, see SURFACE.md."""
    return surface.describe(x, _fields, _name)


def seen(error: BaseException) -> list[str]:
    """An error as ``[type name, text]``, with the names of the wire."""
    if isinstance(error, likewise.RemoteError):
        return [error.type, error.text]
    for known, name in (
        (likewise.NoSuchMethod, "twisted.spread.flavors.NoSuchMethod"),
        (likewise.InsecureJelly, "twisted.spread.jelly.InsecureJelly"),
    ):
        if isinstance(error, known):
            return [name, str(error)]
    return [f"{type(error).__module__}.{type(error).__name__}", str(error)]


async def outcome(answer: Awaitable[Any]) -> list[Any]:
    """``['answer', value]`` or ``['error', type name, text]``; it never fails."""
    try:
        return ["answer", await answer]
    except Exception as error:
        return ["error", *seen(error)]


ERRORS: dict[str, Callable[[str], Exception]] = {
    "known": KnownError,
    "value": ValueError,
    "jelly": lambda text: JellyError(text, 7),
}


# --- the root ---------------------------------------------------------------------------------------------------


class Shared:
    """What all connections see."""

    def __init__(self) -> None:
        self.pond = Pond("one", "two")
        self.chapter_pond = ChapterPond(["one", "two"])
        self.thing = Thing()
        self.doc = Doc()
        self.notes: list[Any] = []
        self.closing: set[asyncio.Task[None]] = set()


class Door(likewise.Root):
    """Gives each connection a root of its own, which knows its connection."""

    def __init__(self, on_shutdown: Callable[[], None]) -> None:
        self.shared = Shared()
        self.on_shutdown = on_shutdown

    def rootObject(self, broker: likewise.Connection) -> Surface:
        return Surface(broker, self.shared, self.on_shutdown)


class Surface(likewise.Referenceable):
    def __init__(self, connection: likewise.Connection, shared: Shared, on_shutdown: Callable[[], None]) -> None:
        self.connection = connection
        self.shared = shared
        self.on_shutdown = on_shutdown
        self.kept: list[Any] = []
        self.taken: list[Any] = []

    # values

    def remote_nothing(self) -> None:
        return None

    def remote_echo(self, x: Any) -> Any:
        return x

    def remote_describe(self, x: Any) -> str:
        return describe(x)

    def remote_give(self, name: str) -> Any:
        return (VALUES.get(name) or UNSENDABLE[name])()

    def remote_same_twice(self, a: Any, b: Any) -> bool:
        return a is b

    def remote_args(self, *args: Any, **kw: Any) -> tuple[Any, ...]:
        return args, kw

    # by copy

    def remote_frog(self, name: str = "Fred", legs: int = 4) -> Frog:
        return Frog(name, legs)

    def remote_frog_fields(self, frog: Frog) -> dict[str, Any]:
        return dict(frog.__dict__)

    def remote_frogs_shared(self) -> dict[str, Any]:
        frog = Frog("Fred")
        return {"left": frog, "right": frog, "home": Frog("Gina", inside=[frog, ("deep", frog)])}

    def remote_frog_in_own_list(self) -> Frog:
        frog = Frog("Echo")
        frog.friends = [frog]
        return frog

    def remote_is_in_own_list(self, frog: Frog) -> bool:
        return frog.friends[0] is frog

    def remote_frog_own_friend(self) -> Frog:
        frog = Frog("Narcissus")
        frog.friend = frog
        return frog

    def remote_is_own_friend(self, frog: Frog) -> bool:
        return frog.friend is frog

    def remote_toad(self, warts: int) -> Toad:
        return Toad(warts)

    def remote_toad_state(self, toad: FactoryToad) -> dict[str, Any]:
        return toad.state

    def remote_newt(self, *spots: int) -> Newt:
        return Newt(*spots)

    def remote_newt_spots(self, newt: Newt) -> list[int]:
        return newt.spots

    def remote_stranger(self) -> Stranger:
        return Stranger()

    async def remote_send_stranger(self, ref: likewise.RemoteReference) -> list[Any]:
        return await outcome(ref.callRemote("ping", Stranger()))

    # by cache: the server's pond, followed by the peer

    def remote_pond(self) -> Pond:
        return self.shared.pond

    def remote_pond_twice(self) -> list[Pond]:
        return [self.shared.pond, self.shared.pond]

    def remote_ducks(self) -> list[str]:
        return list(self.shared.pond.ducks)

    def remote_change(self, op: str, duck: str) -> int:
        self.shared.pond.change(op, duck)
        return len(self.shared.pond.ducks)

    async def remote_change_and_wait(self, op: str, duck: str) -> list[Any]:
        return await asyncio.gather(*map(outcome, self.shared.pond.change(op, duck)))

    def remote_observers(self) -> int:
        return len(self.shared.pond.observers)

    def remote_stopped(self) -> int:
        return self.shared.pond.stopped

    def remote_is_my_pond(self, x: Any) -> bool:
        return x is self.shared.pond

    def remote_chapter_pond(self) -> ChapterPond:
        return self.shared.chapter_pond

    def remote_chapter_add(self, duck: str) -> None:
        self.shared.chapter_pond.addDuck(duck)

    def remote_chapter_observers(self) -> int:
        return len(self.shared.chapter_pond.observers)

    # by cache: the peer's pond, followed by the server

    def remote_take_pond(self, pond: PondCache) -> int:
        self.taken.append(pond)
        return len(self.taken)

    def remote_pond_ducks(self) -> list[str]:
        return list(self.taken[-1].ducks)

    def remote_pond_heard(self) -> list[list[str]]:
        return self.taken[-1].heard

    def remote_pond_back(self) -> PondCache:
        return self.taken[-1]

    def remote_drop_one_pond(self) -> int:
        self.taken.pop()
        gc.collect()
        return len(self.taken)

    def remote_drop_pond(self) -> None:
        self.taken.clear()
        gc.collect()

    # by reference: the server's objects

    def remote_thing(self) -> Thing:
        return Thing()

    def remote_same_thing(self) -> Thing:
        return self.shared.thing

    def remote_things(self, count: int) -> list[Thing]:
        return [self.shared.thing] * count

    def remote_is_mine(self, ref: Any) -> bool:
        return isinstance(ref, Thing)

    def remote_is_same_thing(self, ref: Any) -> bool:
        return ref is self.shared.thing

    def remote_live_references(self) -> int:
        return self.connection._broker.tables.sizes()["exported"]

    # by reference: the peer's objects

    def remote_call(self, ref: likewise.RemoteReference, x: Any) -> Awaitable[Any]:
        return ref.callRemote("ping", x)

    async def remote_call_and_catch(self, ref: likewise.RemoteReference, method: str, *args: Any) -> list[str]:
        kind, *saw = await outcome(ref.callRemote(method, *args))
        return saw if kind == "error" else ["no error", describe(saw[0])]

    def remote_keep(self, ref: likewise.RemoteReference) -> int:
        self.kept.append(ref)
        return len(self.kept)

    def remote_kept(self) -> list[likewise.RemoteReference]:
        return list(self.kept)

    def remote_call_kept(self, x: Any) -> Awaitable[Any]:
        return self.kept[-1].callRemote("ping", x)

    def remote_drop(self) -> None:
        self.kept.clear()
        gc.collect()

    # told who calls

    def remote_enter(self, name: str) -> likewise.AsReferenceable:
        return likewise.AsReferenceable(Visitor(name, self.shared.doc), "perspective")

    def remote_doc(self) -> Doc:
        return self.shared.doc

    # errors

    def remote_raise_pb_error(self, text: str) -> None:
        raise KnownError(text)

    def remote_raise_value_error(self, text: str) -> None:
        raise ValueError(text)

    def remote_raise_jellyable(self, text: str, code: int) -> None:
        raise JellyError(text, code)

    async def remote_raise_later(self, kind: str, text: str) -> None:
        await asyncio.sleep(0.01)
        raise ERRORS[kind](text)

    # answers and calls

    async def remote_later(self, seconds: float, x: Any = None) -> Any:
        await asyncio.sleep(seconds)
        return x

    def remote_note(self, x: Any) -> None:
        self.shared.notes.append(x)

    def remote_notes(self) -> list[Any]:
        notes, self.shared.notes = self.shared.notes, []
        return notes

    def remote_goodbye(self) -> None:
        task = asyncio.get_running_loop().create_task(self.connection.close(grace=0))
        self.shared.closing.add(task)
        task.add_done_callback(self.shared.closing.discard)

    def remote_shutdown(self) -> None:
        self.on_shutdown()


# --- the process ------------------------------------------------------------------------------------------------


def stop_with_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Have ``stop`` run on the loop when standard input closes."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, daemon=True).start()


async def serve(port: int) -> None:
    servers: list[likewise.Server] = []

    def stop() -> None:
        servers[0].stop(grace=0.5)

    server = await likewise.serve(Door(stop), f"tcp://127.0.0.1:{port}", accept=ADMITTED)
    servers.append(server)
    stop_with_stdin(asyncio.get_running_loop(), stop)
    print(f"READY {server.port}", flush=True)
    await server.serve_forever()


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free one")
    parser.add_argument("--log", action="store_true", help="the library's log on standard error")
    options = parser.parse_args()

    # Faults of remote methods are wanted here. What is left on standard error is asyncio's: results nobody awaited.
    if not options.log:
        logging.getLogger("likewise").setLevel(logging.CRITICAL)
    asyncio.run(serve(options.port))


if __name__ == "__main__":
    main()
