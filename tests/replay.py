"""
Replays a recorded conversation on one core, without a socket: the peer is the recording.

What the recorded peer sent is fed in the recorded order; what our side sends is compared with what was recorded of
its place. A *script* is a generator that does what the application of our side did: it yields results to wait for, or
``None``, and goes on only when the recording wants a message of ours that is not there yet. So the order in which
things happen is the recorded one, and nothing waits for time.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likewise.broker.core import Broker
from likewise.broker.events import CallReceived
from likewise.broker.states import Side
from likewise.errors import RemoteProtocolError
from likewise.jelly.registry import Registry
from likewise.limits import Limits
from likewise.objects.flavours import ObjectFlavours
from likewise.wire.tokens import NONE, PB, Dialect
from tests import sexp

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "vectors.json").read_text())
CONVERSATIONS: dict[str, dict[str, Any]] = {one["name"]: one for one in RECORDED["vectors"]}
RELEASES = (b"decref", b"decache")
CALLS = (b"message", b"cachemessage")

Script = Generator["Result | None", Any, None]


class Result:
    """What a call returns here: settles once; another may take it over, which is how a method answers later."""

    def __init__(self) -> None:
        self.is_done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.on_done: Callable[[Result], None] | None = None

    def succeed(self, value: Any) -> None:
        self._end(value, None)

    def fail(self, error: BaseException) -> None:
        self._end(None, error)

    def _end(self, value: Any, error: BaseException | None) -> None:
        assert not self.is_done, "settled twice"
        self.is_done, self.value, self.error = True, value, error
        if self.on_done is not None:
            self.on_done(self)
            self.on_done = self.value = None


class End:
    """One end of the conversation: a Broker and the smallest driver that can be."""

    def __init__(
        self, side: Side, registry: Registry, root: Any = None, dialects: tuple[Dialect, ...] = (PB, NONE)
    ) -> None:
        self.side = side
        self.root = root
        self.fault: RemoteProtocolError | None = None
        self.is_closed = False
        self.reports: list[BaseException] = []
        self.broker = Broker(
            side, self, ObjectFlavours(), registry, Limits(), root=root, dialects=dialects, owner=self, peer="the recording"
        )
        self.broker.start()

    # --- for scripts

    def call(self, method: str, *args: Any, **kwargs: Any) -> Result:
        result: Result = self.broker.remote("root").callRemote(method, *args, **kwargs)
        return result

    def close(self) -> None:
        """Our application ends the connection, or the peer did."""
        self.is_closed = True
        self.broker.connection_lost(self.fault)

    def sizes(self) -> dict[str, int]:
        return self.broker.tables.sizes()

    # --- bytes

    def feed(self, data: bytes) -> bytes:
        """Take bytes, run what they ask for; what goes out for it."""
        try:
            self.broker.receive_data(data)
            while (event := self.broker.next_event()) is not None:
                if isinstance(event, CallReceived):
                    self._run(event)
                del event  # its arguments, too
        except RemoteProtocolError as fault:
            self.fault = fault
        output = self.output()
        if self.fault is not None and not self.is_closed:
            self.close()
        return output

    def output(self) -> bytes:
        return b"".join(self.broker.data_to_send())

    def _run(self, call: CallReceived) -> None:
        try:
            value = call.method()(*call.args, **call.kwargs)
        except Exception as error:
            self.broker.fail(call, error)
            return
        if not isinstance(value, Result):
            self.broker.answer(call, value)
            return
        call.args, call.kwargs = (), {}  # else what came is held for as long as the answer takes

        def done(result: Result) -> None:
            if result.error is not None:
                self.broker.fail(call, result.error)
            else:
                self.broker.answer(call, result.value)

        if value.is_done:
            done(value)
        else:
            value.on_done = done

    # --- what the core asks of its driver

    def new_result(self, request: int) -> Result:
        return Result()

    def unheard(self, result: Result) -> None:
        """Nothing warns here."""

    def settle(self, result: Result, value: Any) -> None:
        result.succeed(value)

    def reject(self, result: Result, error: BaseException) -> None:
        result.fail(error)

    def output_ready(self) -> None:
        pass

    def release_ready(self) -> None:
        pass

    def one_way_failed(self, name: str, error: BaseException) -> None:
        pass

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        done(work())

    def report(self, doing: str, error: BaseException) -> None:
        self.reports.append(error)


@dataclass(frozen=True)
class Event:
    """One recorded message, or the end of the connection (``data`` empty then)."""

    side: Side
    data: bytes
    value: Any = None
    is_close: bool = False


def recorded(name: str) -> list[Event]:
    """The messages of a conversation in order, each with its bytes as recorded."""
    events = []
    for event in CONVERSATIONS[name]["events"]:
        side = Side(event["from"])
        if event.get("close"):
            events.append(Event(side, b"", is_close=True))
            continue
        data, at = bytes.fromhex(event["hex"]), 0
        for stored in event["sexps"]:
            value, end = sexp.decode_one(data, at)
            assert sexp.encode(value) == sexp.encode(sexp.from_json(stored)), "the recording contradicts itself"
            events.append(Event(side, data[at:end], value))
            at = end
        assert at == len(data)
    return events


def in_dialect_none(events: list[Event]) -> list[Event]:
    """The same conversation as two ends would have it that know no vocabulary."""
    return [
        event
        if event.is_close
        else Event(event.side, sexp.encode(value, "none"), value)
        for event in events
        for value in [b"none" if event.value == b"pb" else event.value]
    ]


class Replay:
    """
    One conversation, one side ours.

    ``renumber`` maps the recorded numbers of our calls to our own: Twisted spends a number on a call that it then
    refuses to send, so later ones differ.
    """

    def __init__(self, events: list[Event], ours: End, script: Script, *, one_by_one: bool) -> None:
        self.events = events
        self.ours = ours
        self.script: Script | None = script
        self.waits_for: Result | None = None
        self.one_by_one = one_by_one
        self.dialect = "none" if any(event.value == b"none" for event in events) else "pb"
        self.sent = b""  # by us, all of it
        self.unmatched: list[Any] = []  # of what we sent, as values
        self.renumber: dict[int, int] = {}

    def run(self) -> Replay:
        """Go through the conversation, then let the script end. AssertionError where it is another one."""
        self._take(self.ours.output())
        for is_ours, run in self._runs():
            for event in run:
                if event.is_close and is_ours:
                    while not self.ours.is_closed:
                        self._go_on("to close the connection")
                elif event.is_close:
                    self.ours.close()
                elif not is_ours:
                    self._feed(event)
            if is_ours:
                self._match([event.value for event in run if not event.is_close])
        while self.script is not None:
            self._go_on("to end its script")
        assert not self.unmatched, f"we sent more than was recorded: {list(map(sexp.text, self.unmatched))}"
        assert self.ours.reports == []
        return self

    def _runs(self) -> Iterator[tuple[bool, list[Event]]]:
        """What each side sent without the other in between."""
        run: list[Event] = []
        for event in self.events:
            if run and run[-1].side is not event.side:
                yield run[0].side is self.ours.side, run
                run = []
            run.append(event)
        if run:
            yield run[0].side is self.ours.side, run

    def _feed(self, event: Event) -> None:
        data = event.data
        if isinstance(event.value, list) and event.value[0] in (b"answer", b"error"):
            ours = self.renumber.get(event.value[1], event.value[1])
            if ours != event.value[1]:
                data = sexp.encode([event.value[0], ours, *event.value[2:]], self.dialect)
        for chunk in [bytes((byte,)) for byte in data] if self.one_by_one else [data]:
            self._take(self.ours.feed(chunk))

    def _take(self, data: bytes) -> None:
        values = sexp.decode(data)
        spelled = [
            sexp.encode(value, self.dialect if self.sent or i else "none")  # the greeting has no vocabulary yet
            for i, value in enumerate(values)
        ]
        assert b"".join(spelled) == data, "not the shortest spelling"
        self.sent += data
        self.unmatched += values

    def _go_on(self, purpose: str) -> None:
        """One more step of our application."""
        assert self.script is not None, f"the script has ended, and was needed {purpose}"
        waits_for, self.waits_for = self.waits_for, None
        assert waits_for is None or waits_for.is_done, f"the script waits for an answer, and was needed {purpose}"
        try:
            if waits_for is None:
                self.waits_for = next(self.script)
            elif waits_for.error is not None:
                self.waits_for = self.script.throw(waits_for.error)
            else:
                self.waits_for = self.script.send(waits_for.value)
        except StopIteration:
            self.script = None
        del waits_for
        gc.collect(0)  # what was dropped just now; all of it would take long in a large process
        self._take(self.ours.output())

    def _match(self, wanted: list[Any]) -> None:
        """
        Compare one run of messages of ours. A release may come later within its run than Twisted sends it: ours go
        out behind what the same turn answers, because an answer may name what is released.
        """
        while len(self.unmatched) < len(wanted):
            self._go_on(f"to send {sexp.text(wanted[len(self.unmatched)])}")
        got, self.unmatched = self.unmatched[: len(wanted)], self.unmatched[len(wanted) :]
        for ours, theirs in zip(_releases_last(got), _releases_last(wanted), strict=True):
            if isinstance(ours, list) and isinstance(theirs, list) and ours[0] in CALLS and theirs[0] in CALLS:
                self.renumber[theirs[1]] = ours[1]
                theirs = [theirs[0], ours[1], *theirs[2:]]
            ours, theirs = _comparable(ours), _comparable(theirs)
            assert sexp.encode(ours) == sexp.encode(theirs), (
                f"\n  sent     {sexp.text(ours)}\n  recorded {sexp.text(theirs)}"
            )


def _releases_last(messages: list[Any]) -> list[Any]:
    return sorted(messages, key=lambda message: isinstance(message, list) and message[0] in RELEASES)


def _comparable(message: Any) -> Any:
    """A message without what may differ: the order of dictionaries; the text and the number of a failure."""
    if isinstance(message, list) and message[0] == b"error" and message[2][0] == b"twisted.spread.pb.CopyableFailure":
        return [b"error", message[1], [message[2][0], _failure(message[2][1])]]
    return _sorted(message)


TEXT = [b"unicode", b"any text"]


def _failure(state: list[Any]) -> list[Any]:
    """
    Text and number may be ours. ``pickled`` and ``_frames`` are there when Twisted's Failure went through a Deferred,
    and nothing reads them.
    """
    items = {bytes(key[1]): value for key, value in state[1:]}
    for needless in (b"pickled", b"_frames"):
        items.pop(needless, None)
    assert type(items[b"count"]) is int and items[b"value"][0] == b"unicode"
    items |= {b"count": 0, b"value": TEXT}
    return [b"dictionary", *([[b"unicode", key], value] for key, value in sorted(items.items()))]


def _sorted(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    value = [_sorted(item) for item in value]
    return [value[0], *sorted(value[1:], key=sexp.encode)] if value and value[0] == b"dictionary" else value
