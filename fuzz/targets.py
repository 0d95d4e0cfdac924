"""
What is fuzzed: each target takes bytes and returns, whatever they are.

A fault is an exception that is none of the documented ones, or a property that does not hold: :class:`Fault` says which.
``TARGETS`` has them by name.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import likewise
from likewise.broker.core import Broker
from likewise.broker.events import CallReceived
from likewise.broker.states import Side
from likewise.errors import CallError, InsecureJelly, NotSendable, RemoteProtocolError
from likewise.jelly.decoder import Decoder
from likewise.jelly.encoder import Encoder
from likewise.limits import Limits
from likewise.objects.flavours import ObjectFlavours
from likewise.wire.framer import Frame, Framer
from likewise.wire.tokens import LIKEWISE_1, NONE, PB


class Fault(AssertionError):
    """Something that must hold does not."""


# Low ceilings, so that inputs of a few hundred bytes reach them; `prefix_digits` stays, for large integers.
LIMITS = Limits.public(
    frame_items=2_000, frame_bytes=100_000, string_bytes=70_000, list_items=1_000, depth=24, hash_work=500, faults=20,
    unfolded_tuples=2_000, equal_hashes=4, references=20, caches=20, name_bytes=40, running_calls=4, greeting_bytes=200,
)  # fmt: skip
DIALECTS = (None, NONE, PB, LIKEWISE_1)


# --- the framer


def framer(data: bytes) -> None:
    """Frames, or RemoteProtocolError; the same however the stream is cut."""
    if not data:
        return
    dialect, cut = DIALECTS[data[0] & 3], data[0] >> 2
    whole = _frames(dialect, (data[1:],))
    if cut:
        size = cut if cut < 60 else 1
        pieces = _frames(dialect, [data[i : i + size] for i in range(1, len(data), size)])
        # Of two violations in one frame, which is seen first depends on the cut: bytes are counted once a chunk.
        if pieces[0] != whole[0] or (pieces[1] is None) != (whole[1] is None):
            raise Fault(f"cut in pieces of {size}: {pieces} and not {whole}")


def _frames(dialect: Any, chunks: Any) -> tuple[list[tuple[bytes, int, int]], Exception | None]:
    reader = Framer(LIMITS)
    if dialect is not None:
        reader.speak(dialect)
    found = []
    try:
        for chunk in chunks:
            reader.feed(chunk)
            while (frame := reader.next_frame()) is not None:
                found.append((frame.data[frame.start : frame.end], frame.items, sum(map(len, frame.large or ()))))
    except RemoteProtocolError as error:
        return found, error
    if reader.held_bytes < 0:
        raise Fault(f"{reader.held_bytes} bytes are held")
    return found, None


# --- the decoder


@likewise.copyable(name="f.Order")
@dataclasses.dataclass
class Order:
    what: str = ""
    lines: list[int] = dataclasses.field(default_factory=list)
    more: dict[str, Any] | None = None
    parent: Any = None


@likewise.copyable(name="f.Key")
@dataclasses.dataclass(frozen=True)
class Key:
    name: Any = None
    other: Any = None


class Goose(likewise.Copyable, likewise.RemoteCopy):
    role = "guest"

    def getTypeToCopy(self) -> str:
        return "f.Goose"

    def is_admin(self) -> bool:
        return False


class Hooked(likewise.Copyable, likewise.RemoteCopy):
    """Takes any state; its other hook runs when all has been read."""

    def getTypeToCopy(self) -> str:
        return "f.Hooked"

    def setCopyableState(self, state: Any) -> None:
        self.state = state

    def getStateToCopy(self) -> Any:
        return self.state

    def postUnjelly(self) -> None:
        self.is_done = True


class Mirror(likewise.RemoteCache):
    def observe_change(self, *args: Any, **kwargs: Any) -> Any:
        return args


class Pond(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> str:
        return "f.Pond"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"ducks": [1, self]}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


def make_point(state: Any) -> Any:
    return ("point", state)


@likewise.copyable(name="f.Colour")
class Colour(enum.Enum):
    RED = 1


@likewise.copyable(name="f.Rights")
class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@likewise.copyable(name="f.Pair")
class Pair(NamedTuple):
    one: Any
    other: Any = None


REGISTRY = likewise.Registry(Order, Key, Colour, Rights, Pair)
REGISTRY.setUnjellyableForClass("f.Goose", Goose)
REGISTRY.setUnjellyableForClass("f.Hooked", Hooked)
REGISTRY.setUnjellyableForClass("f.Pond", Mirror)
REGISTRY.setUnjellyableFactoryForClass("f.Point", make_point)
REGISTRY.close()
KINDS = {int, float, bool, str, bytes, type(None), list, tuple, dict, set, frozenset, Order, Key, Goose, Hooked}
PENDING = "Pending"


def decoder(data: bytes) -> None:
    """A value, or InsecureJelly; nothing unfinished is left inside; it can be sent again and is the same then."""
    for frame in _whole(data):
        try:
            value = Decoder(frame, REGISTRY, None, LIMITS).decode()
        except (InsecureJelly, RemoteProtocolError):
            continue
        check(value)
        first = _written(value)
        if first is None:
            continue
        again = _whole(first)
        if len(again) != 1:
            raise Fault(f"what was written reads as {len(again)} frames")
        try:
            second = _written(Decoder(again[0], REGISTRY, None, Limits()).decode())
        except InsecureJelly as error:
            raise Fault(f"what was written can't be read: {error}") from error
        if second != first and b"set" not in first:  # the order of a set is its own
            raise Fault(f"{first!r} was read and written as {second!r}")


def _whole(data: bytes) -> list[Frame]:
    reader = Framer(LIMITS)
    reader.speak(PB)
    frames = []
    try:
        reader.feed(data)
        while (frame := reader.next_frame()) is not None:
            frames.append(frame)
    except RemoteProtocolError:
        pass
    return frames


def _written(value: Any) -> bytes | None:
    encoder = Encoder(None, None, LIMITS.depth - 4, LIKEWISE_1)
    try:
        encoder.encode(value)
    except NotSendable:
        return None
    return b"".join(encoder.written())


def check(value: Any) -> None:
    """That nothing in a value is a placeholder, and every part of a type that can come in."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        kind = type(part)
        if kind.__name__ == PENDING:
            raise Fault("a placeholder is left inside")
        if kind in (list, tuple, set, frozenset, Pair):
            stack.extend(part)
        elif kind is dict:
            stack.extend(part)
            stack.extend(part.values())
        elif hasattr(part, "__dict__") and kind in KINDS:
            stack.extend(part.__dict__.values())
            if kind is Order and not (type(part.what) is str and type(part.lines) is list):
                raise Fault(f"an Order with {part.what!r:.100} and {part.lines!r:.100}")
            if kind is Goose and "is_admin" in part.__dict__:
                raise Fault("a method is shadowed")


# --- a whole broker


class Root(likewise.Root):
    def __init__(self) -> None:
        self.pond = Pond()
        self.kept: Any = None

    def remote_echo(self, x: Any = None, **more: Any) -> Any:
        return x

    def remote_pond(self) -> Any:
        return self.pond

    def remote_thing(self) -> Any:
        return likewise.Referenceable()

    def remote_keep(self, x: Any) -> None:
        self.kept = x

    def remote_fail(self, x: Any) -> None:
        raise ValueError(x)

    def remote_call(self, x: Any) -> None:
        x.callRemote("echo", x, self.kept)

    def remote_later(self, x: Any) -> Any:
        return Later


Later = object()


class Result:
    """What a call of ours gives; it settles once."""

    __slots__ = ("is_settled",)

    def __init__(self) -> None:
        self.is_settled = False


class End:
    """One end of a conversation, and the smallest driver that can be."""

    def __init__(self, side: Side) -> None:
        self.results: list[Result] = []
        self.root = Root()
        self.later: list[CallReceived] = []
        self.faults: list[str] = []
        self.broker = Broker(side, self, ObjectFlavours(), REGISTRY, LIMITS, root=self.root, dialects=(PB, NONE), owner=self)
        self.broker.start()

    def receive(self, data: bytes) -> None:
        """Take bytes, run what they ask for."""
        broker = self.broker
        broker.receive_data(data)
        while (event := broker.next_event()) is not None:
            if type(event) is CallReceived:
                self.run(event)
        broker.data_to_send()

    def run(self, call: CallReceived) -> None:
        check((call.args, call.kwargs))
        try:
            value = call.method()(*call.args, **call.kwargs)
            if value is Later:
                self.later.append(call)
            else:
                self.broker.answer(call, value)
        except (TypeError, ValueError, AttributeError, likewise.LikewiseError) as error:
            self.broker.fail(call, error)

    def new_result(self, request: int) -> Result:
        self.results.append(Result())
        return self.results[-1]

    def unheard(self, result: Result) -> None:
        """Nothing warns here."""

    def settle(self, result: Result, value: Any) -> None:
        if result.is_settled:
            self.faults.append("a call settled twice")
        result.is_settled = True

    def reject(self, result: Result, error: BaseException) -> None:
        self.settle(result, None)
        if not isinstance(error, Exception):
            self.faults.append(f"a call failed with {error!r:.200}")

    def output_ready(self) -> None:
        """Nothing to schedule."""

    output_may_wait = release_ready = output_ready

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """What the peer sent was refused, as it should be."""

    def aside(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        done(work())

    def report(self, doing: str, error: BaseException) -> None:
        """A hook has raised; that a mirror here has no such method, or refuses the arguments, the log is told as well."""
        if not (doing == "keeping a mirror up to date" and isinstance(error, CallError)):
            self.faults.append(f"{doing}: {type(error).__name__}: {error!s:.300}")


GREETINGS = {Side.SERVER: b"\x02\x82pb", Side.CLIENT: b"\x01\x80\x02\x82pb"}


def broker(data: bytes) -> None:
    """A server, or a client, with calls under way and objects handed out: RemoteProtocolError at the most; all ends well."""
    if not data:
        return
    side = Side.SERVER if data[0] & 1 else Side.CLIENT
    end = End(side)
    if data[0] & 2:
        end.receive(GREETINGS[side])
        core = end.broker
        if not core.outbox.may_send:
            raise Fault("the greeting failed")
        core.call(b"root", "one", (end.root.pond, Root()), {})  # requests 1 to 3, ids 1 and 2
        core.call(b"root", "two", (), {"x": [1]})
        core.call(7, "change", (), {}, None, True, True)
    try:
        size = data[0] >> 2
        if size:
            for start in range(1, len(data), size):
                end.receive(data[start : start + size])
        else:
            end.receive(data[1:])
        for call in end.later:
            end.broker.answer(call, [1])
        end.broker.data_to_send()
    except RemoteProtocolError as error:
        end.broker.connection_lost(error)
    end.broker.connection_lost(None)
    if end.faults:
        raise Fault("; ".join(end.faults))
    if not all(result.is_settled for result in end.results):
        raise Fault("a call never settled")
    if any(end.broker.tables.sizes().values()) or end.root.pond.observers:
        raise Fault(f"left behind: {end.broker.tables.sizes()}, {len(end.root.pond.observers)} observers")


TARGETS: dict[str, Callable[[bytes], None]] = {"framer": framer, "decoder": decoder, "broker": broker}
