"""A real Twisted PB server that offers every flavour, for a peer to cross in both directions.

    python twisted_server.py [--port N] [--log]

It listens on 127.0.0.1, prints ``READY <port>``, and leaves when its standard input closes or ``shutdown`` is
called. SURFACE.md beside this file says what each remote method takes and returns. ``twisted_client.py`` uses
the classes and ``describe`` of this module for its own side of the wire.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import surface
from surface import UNSENDABLE, VALUES
from twisted.internet import defer, reactor
from twisted.python import log, reflect
from twisted.spread import jelly, pb

# Wire names are module + class name. All of ours begin with "interop.", whatever file they stand in.
INTEROP = "interop"


# --- classes that cross ---------------------------------------------------------------------------


class Frog(pb.Copyable, pb.RemoteCopy):
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


class Toad(pb.Copyable):
    """By copy; the receiver makes it with a registered factory."""

    __module__ = INTEROP

    def __init__(self, warts: int) -> None:
        self.warts = warts


class FactoryToad:
    """What the factory makes of a Toad's state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state


class Newt(pb.Copyable, pb.RemoteCopy):
    """By copy, under a name without a dot, with a state that is a list and no dictionary."""

    __module__ = INTEROP

    def __init__(self, *spots: int) -> None:
        self.spots = list(spots)

    def getTypeToCopy(self) -> bytes:
        return b"interop-newt"

    def getStateToCopy(self) -> list[int]:
        return self.spots

    def setCopyableState(self, state: list[int]) -> None:
        self.spots = state


class Stranger(pb.Copyable):
    """By copy, but nobody registers it: every receiver refuses it."""

    __module__ = INTEROP

    def __init__(self) -> None:
        self.name = "stranger"


class Pond(pb.Cacheable):
    """By cache. ``stopped`` counts the observers that have gone."""

    __module__ = INTEROP

    def __init__(self, *ducks: str) -> None:
        self.ducks = list(ducks)
        self.observers: list[Any] = []
        self.stopped = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        self.observers.append(observer)
        return {"ducks": list(self.ducks)}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        # One broker has one observer of it. `remove(observer)` would compare brokers, which Twisted can't.
        self.observers = [one for one in self.observers if one.broker is not observer.broker]
        self.stopped += 1

    def change(self, op: str, duck: str) -> list[defer.Deferred[Any]]:
        if op == "add":
            self.ducks.append(duck)
        elif op == "remove":
            self.ducks.remove(duck)
        return [observer.callRemote(op, duck) for observer in list(self.observers)]


class PondCache(pb.RemoteCache):
    """The mirror of a Pond. ``heard`` holds the updates in the order in which they came."""

    def setCopyableState(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
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


class ChapterPond(pb.Cacheable):
    """By cache, as the documentation of PB writes it, ``self.observers.remove(observer)`` included."""

    __module__ = INTEROP

    def __init__(self, ducks: list[str]) -> None:
        self.observers: list[Any] = []
        self.ducks = ducks

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for o in self.observers:
            o.callRemote("addDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> list[str]:
        self.observers.append(observer)
        return self.ducks

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class ChapterPondCache(pb.RemoteCache):
    def setCopyableState(self, state: list[str]) -> None:
        self.ducks = state

    def observe_addDuck(self, duck: str) -> None:
        self.ducks.append(duck)


class KnownError(pb.Error):
    """A known error: it travels as its name and text."""

    __module__ = INTEROP


class JellyError(pb.Error, pb.Copyable, pb.RemoteCopy):
    """A known error that travels as itself, with its attributes."""

    __module__ = INTEROP

    def __init__(self, text: str, code: int) -> None:
        pb.Error.__init__(self, text)
        self.text = text
        self.code = code

    def __str__(self) -> str:
        return self.text


pb.setUnjellyableForClass("interop.Frog", Frog)
pb.setUnjellyableFactoryForClass("interop.Toad", FactoryToad)
pb.setUnjellyableForClass("interop-newt", Newt)
pb.setUnjellyableForClass("interop.Pond", PondCache)
pb.setUnjellyableForClass("interop.ChapterPond", ChapterPondCache)
pb.setUnjellyableForClass("interop.JellyError", JellyError)


class Thing(pb.Referenceable):
    """By reference."""

    def remote_ping(self, x: Any) -> list[Any]:
        return ["pong", x]

    def remote_fail(self, text: str) -> None:
        raise ValueError(text)

    def remote_fail_known(self, text: str) -> None:
        raise KnownError(text)

    def remote_fail_jelly(self, text: str, code: int) -> None:
        raise JellyError(text, code)


class Doc(pb.Viewable):
    """By reference, and told who calls."""

    def view_whoami(self, perspective: Any) -> str | None:
        return getattr(perspective, "name", None)

    def view_args(self, perspective: Any, *args: Any, **kw: Any) -> tuple[Any, ...]:
        return getattr(perspective, "name", None), args, kw

    def view_ping(self, perspective: Any, x: Any) -> list[Any]:
        return ["viewed", getattr(perspective, "name", None), x]


class Visitor(pb.Avatar):
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


# --- describe --------------------------------------------------------------------------------------


def _frog_in_own_list() -> Any:
    frog = Frog("Echo")
    frog.friends = [frog]
    return frog


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
        case pb.RemoteReference():
            return "reference"
        case Thing():
            return "own Thing"
        case Pond():
            return "own Pond"
        case pb.ViewPoint():
            return "own ViewPoint"
        case jelly.Unpersistable():
            return "Unpersistable"
    return "? " + reflect.qual(type(x))


def describe(x: Any) -> str:
    """The value as text with all its types, see SURFACE.md."""
    return surface.describe(x, _fields, _name)


def seen(failure: Any) -> list[str]:
    """A failure as ``[type name, text]``, whether it came as those two or as an exception of its own."""
    kind = failure.type
    name = kind.decode() if isinstance(kind, bytes) else kind if isinstance(kind, str) else reflect.qual(kind)
    return [name, str(failure.value)]


def outcome(d: defer.Deferred[Any]) -> defer.Deferred[list[Any]]:
    """``['answer', value]`` or ``['error', type name, text]``; it never fails."""
    return d.addCallbacks(lambda value: ["answer", value], lambda failure: ["error", *seen(failure)])


ERRORS: dict[str, Callable[[str], Exception]] = {
    "known": KnownError,
    "value": ValueError,
    "jelly": lambda text: JellyError(text, 7),
}


# --- the root -------------------------------------------------------------------------------------


class Shared:
    """What all connections see."""

    def __init__(self) -> None:
        self.pond = Pond("one", "two")
        self.chapter_pond = ChapterPond(["one", "two"])
        self.thing = Thing()
        self.doc = Doc()
        self.notes: list[Any] = []


class Door(pb.Root):
    """Gives each connection a root of its own, which knows its broker."""

    def __init__(self, on_shutdown: Callable[[], None]) -> None:
        self.shared = Shared()
        self.on_shutdown = on_shutdown

    def rootObject(self, broker: pb.Broker) -> Surface:
        return Surface(broker, self.shared, self.on_shutdown)


class Surface(pb.Referenceable):
    def __init__(self, broker: pb.Broker, shared: Shared, on_shutdown: Callable[[], None]) -> None:
        self.broker = broker
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
        return _frog_in_own_list()

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

    def remote_send_stranger(self, ref: Any) -> defer.Deferred[list[Any]]:
        return outcome(ref.callRemote("ping", Stranger()))

    # by cache: the server's pond, followed by the peer

    def remote_pond(self) -> Pond:
        return self.shared.pond

    def remote_pond_twice(self) -> list[Pond]:
        return [self.shared.pond, self.shared.pond]

    def remote_ducks(self) -> list[str]:
        return list(self.shared.pond.ducks)

    def remote_change(self, op: str, duck: str) -> int:
        for answer in self.shared.pond.change(op, duck):
            answer.addErrback(lambda failure: None)
        return len(self.shared.pond.ducks)

    def remote_change_and_wait(self, op: str, duck: str) -> defer.Deferred[list[Any]]:
        return defer.gatherResults([outcome(answer) for answer in self.shared.pond.change(op, duck)])

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

    def remote_pond_heard(self) -> list[Any]:
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
        return len(self.broker.localObjects)

    # by reference: the peer's objects

    def remote_call(self, ref: Any, x: Any) -> Any:
        return ref.callRemote("ping", x)

    def remote_call_and_catch(self, ref: Any, method: str, *args: Any) -> defer.Deferred[list[str]]:
        return ref.callRemote(method, *args).addCallbacks(lambda value: ["no error", describe(value)], seen)

    def remote_keep(self, ref: Any) -> int:
        self.kept.append(ref)
        return len(self.kept)

    def remote_kept(self) -> list[Any]:
        return list(self.kept)

    def remote_call_kept(self, x: Any) -> Any:
        return self.kept[-1].callRemote("ping", x)

    def remote_drop(self) -> None:
        self.kept.clear()
        gc.collect()

    # told who calls

    def remote_enter(self, name: str) -> pb.AsReferenceable:
        return pb.AsReferenceable(Visitor(name, self.shared.doc), "perspective")

    def remote_doc(self) -> Doc:
        return self.shared.doc

    # errors

    def remote_raise_pb_error(self, text: str) -> None:
        raise KnownError(text)

    def remote_raise_value_error(self, text: str) -> None:
        raise ValueError(text)

    def remote_raise_jellyable(self, text: str, code: int) -> None:
        raise JellyError(text, code)

    def remote_raise_later(self, kind: str, text: str) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._raise_later(kind, text))

    async def _raise_later(self, kind: str, text: str) -> None:
        await _sleep(0.01)
        raise ERRORS[kind](text)

    # answers and calls

    def remote_later(self, seconds: float, x: Any = None) -> defer.Deferred[Any]:
        return _sleep(seconds).addCallback(lambda _: x)

    def remote_note(self, x: Any) -> None:
        self.shared.notes.append(x)

    def remote_notes(self) -> list[Any]:
        notes, self.shared.notes = self.shared.notes, []
        return notes

    def remote_goodbye(self) -> None:
        self.broker.transport.loseConnection()

    def remote_shutdown(self) -> None:
        self.broker.transport.loseConnection()  # which waits for the answer to be written
        self.broker.notifyOnDisconnect(self.on_shutdown)


def _sleep(seconds: float) -> defer.Deferred[None]:
    d: defer.Deferred[None] = defer.Deferred()
    reactor.callLater(seconds, d.callback, None)
    return d


# --- the process ----------------------------------------------------------------------------------


def stop_with_stdin(stop: Callable[[], None]) -> None:
    def wait() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        reactor.callFromThread(stop)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free one")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    options = parser.parse_args()

    if options.log:
        log.startLogging(sys.stderr, setStdout=False)
    else:
        log.startLoggingWithObserver(lambda event: None, setStdout=False)

    def stop() -> None:
        if reactor.running:
            reactor.stop()

    port = reactor.listenTCP(options.port, pb.PBServerFactory(Door(stop)), interface="127.0.0.1")
    print(f"READY {port.getHost().port}", flush=True)
    reactor.callWhenRunning(stop_with_stdin, stop)
    reactor.run()


if __name__ == "__main__":
    main()
