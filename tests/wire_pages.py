"""The bytes on docs/protocol.md: what a value, an expression and a conversation look like on the wire."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import likewise
from likewise.cli.capture import messages
from likewise.jelly.encoder import Encoder
from likewise.jelly.expressions import expression_text
from likewise.testing import Pair
from likewise.wire.tokens import NONE, PB, Dialect
from tests import sexp

COUNT = re.compile(r'(\(unicode "?count"?\)) \d+')


class Duck(likewise.Copyable):
    """Stands for a class of the reader's own, by name ``zoo.Duck``."""

    def __init__(self, name: str = "Daisy") -> None:
        self.name = name

    def getTypeToCopy(self) -> str:
        return "zoo.Duck"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Duck, DuckHere)) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]  # it is compared by what it holds


class DuckHere(likewise.RemoteCopy):
    name: str


class Pond(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getTypeToCopy(self) -> str:
        return "zoo.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.add(observer)
        return {"ducks": 2}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.discard(observer)


class PondHere(likewise.RemoteCache):
    def observe_add(self, duck: str) -> None:
        pass


@likewise.copyable(name="zoo.Colour")
class Colour(enum.Enum):
    RED = "#ff0000"


@likewise.copyable(name="zoo.Access")
class Access(enum.Flag):
    READ = 1
    WRITE = 2


@likewise.copyable(name="zoo.Point")
class Point(NamedTuple):
    x: int
    y: int


class Thing(likewise.Referenceable):
    def remote_ping(self) -> str:
        return "pong"


class Root(likewise.Root):
    kept: Any = None

    def remote_add(self, a: int, b: int) -> int:
        return a + b

    def remote_take(self, thing: Any) -> None:
        self.kept = thing

    def remote_again(self) -> Any:
        return self.kept

    def remote_drop(self) -> None:
        self.kept = None

    def remote_numbers(self, count: int) -> Iterator[int]:
        yield from range(count)

    def remote_fail(self) -> None:
        raise ValueError("not this one")


def registry() -> likewise.Registry:
    found = likewise.Registry()
    found.setUnjellyableForClass("zoo.Duck", DuckHere)
    found.setUnjellyableForClass("zoo.Pond", PondHere)
    for kind in (Colour, Access, Point):
        found.accept(kind)
    return found


def values() -> dict[str, Any]:
    """What the values on the page may name."""
    shared = [7]
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    made = {"shared": shared, "cyclic": cyclic, "copied": Duck(), "mutable": bytearray()}
    kinds = (datetime, Decimal, Fraction, UUID, ZoneInfo, Colour, Access, Point)
    return made | {kind.__name__: kind for kind in kinds}


def encoded(value: Any, dialect: Dialect = PB) -> bytes:
    """The jelly of a value."""
    encoder = Encoder(None, None, 100, dialect)
    encoder.encode(value)
    return b"".join(encoder.written())


def shown(data: bytes) -> str:
    """One expression as text."""
    ((_, text),) = messages(data)
    (independent,) = sexp.decode(data)
    assert expression_text(independent, 10_000) == text, "the two readers differ"
    return text


class Recorder:
    """A server and a client that speak ``pb``, and every message between them, as text."""

    def __init__(self) -> None:
        self.root = Root()
        self.lines: list[str] = []
        self.pair = Pair(self.root, accept=registry(), client_dialects=(PB, NONE), greet=False)

    def run(self, record: bool = True) -> None:
        """Deliver everything, turn by turn; first what the client has to say."""
        while True:
            self.pair.flush()
            said = [(who, end, bytes(end.incoming)) for who, end in (("C", self.pair.server), ("S", self.pair.client))]
            if not any(data for _, _, data in said):
                return
            for who, end, data in said:
                if record:
                    self.lines += [f"{who} {text}" for _, text in messages(data)]
                self.pair.deliver(end, len(data))

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        result = self.pair.client.root.callRemote(name, *args, **kwargs)
        self.run()
        return result

    @property
    def text(self) -> str:
        """What was recorded; the number in a failure, which counts on, is 1."""
        return "".join(COUNT.sub(r"\1 1", line) + "\n" for line in self.lines)


CONVERSATIONS: dict[str, Callable[[Recorder], object]] = {}


def conversation(run: Callable[[Recorder], object]) -> Callable[[Recorder], object]:
    CONVERSATIONS[run.__name__] = run
    return run


def recorded(name: str) -> str:
    """What is said in one of the conversations; the greeting in that of this name only."""
    recorder = Recorder()
    recorder.run(record=name == "greeting")
    CONVERSATIONS[name](recorder)
    return recorder.text


@conversation
def greeting(recorder: Recorder) -> None:
    pass


@conversation
def call(recorder: Recorder) -> None:
    assert recorder.call("add", 2, b=3).value == 5
    recorder.pair.client.root.callRemoteOnly("add", 2, 3)
    recorder.run()


@conversation
def copy(recorder: Recorder) -> None:
    recorder.call("take", Duck())
    assert recorder.root.kept == Duck()


@conversation
def reference(recorder: Recorder) -> None:
    thing = Thing()
    recorder.call("take", thing)
    result = recorder.root.kept.callRemote("ping")
    recorder.run()
    assert result.value == "pong"
    assert recorder.call("again").value is thing
    recorder.call("drop")
    assert recorder.pair.client.is_clean


@conversation
def cache(recorder: Recorder) -> None:
    pond = Pond()
    recorder.call("take", pond)
    pond.observers.callRemote("add", "Daisy")
    recorder.run()
    recorder.call("take", pond)
    assert recorder.call("again").value is pond
    recorder.call("drop")
    assert len(pond.observers) == 0 and recorder.pair.client.is_clean and recorder.pair.server.is_clean


@conversation
def ended(recorder: Recorder) -> None:
    pond = Pond()
    recorder.call("take", pond)
    mirror = recorder.root.kept
    (observer,) = pond.observers
    observer.end()
    recorder.call("take", pond)
    assert recorder.root.kept is not mirror and mirror.ended_because is not None


@conversation
def error(recorder: Recorder) -> None:
    assert recorder.call("fail").error.check(ValueError)


@conversation
def unknown(recorder: Recorder) -> None:
    recorder.pair.server.incoming += sexp.encode([b"dance", 1])
    recorder.run()


@conversation
def stream(recorder: Recorder) -> None:
    numbers = recorder.call("numbers", 3).value
    for some in ([0, 1], [2], []):
        result = numbers.callRemote("next", 2)
        recorder.run()
        assert result.value == some
    del numbers
    recorder.run()
    numbers = recorder.call("numbers", 3).value
    result = numbers.callRemote("close")
    recorder.run()
    assert result.is_settled and result.value is None


@conversation
def limits(recorder: Recorder) -> None:
    recorder.pair = Pair(recorder.root, limits=likewise.Limits.public(), client_limits=likewise.Limits(), greet=False)
    recorder.run()
