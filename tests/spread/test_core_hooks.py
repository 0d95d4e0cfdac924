"""What the core offers to a driver with forms and habits of its own, shown with the smallest such driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from likewise import Copyable, InsecureJelly, NotSendable, Referenceable, Registry
from likewise.broker.core import Broker
from likewise.broker.events import CallReceived
from likewise.broker.states import Side
from likewise.jelly.context import Sendable
from likewise.jelly.decoder import Decoder
from likewise.jelly.encoder import Encoder
from likewise.jelly.expressions import to_frame
from likewise.jelly.plans import FILLED, TAKER, Incoming
from likewise.limits import Limits
from likewise.objects.flavours import ObjectFlavours
from likewise.wire.tokens import PB
from likewise.wire.writer import encode
from tests.replay import Result


class AtOnce:
    """One end that hands each message over the moment it is queued, as Twisted's driver does."""

    def __init__(self, side: Side, registry: Registry, root: Any = None, **how: Any) -> None:
        self.broker = Broker(
            side, self, ObjectFlavours(), registry, how.pop("limits", Limits()), root=root, owner=self, **how
        )
        self.other: AtOnce
        self.inbox: list[bytes] = []
        self.is_reading = False
        self.raw: list[CallReceived] = []

    def take(self, data: bytes) -> None:
        self.inbox.append(data)
        if self.is_reading:
            return
        self.is_reading = True
        while self.inbox:
            self.broker.receive_data(self.inbox.pop(0))
            while (event := self.broker.next_event()) is not None:
                if isinstance(event, CallReceived):
                    self.run(event)
        self.is_reading = False

    def run(self, call: CallReceived) -> None:
        if call.is_raw:
            self.raw.append(call)
            self.broker.outbox.send([b"answer", call.request, [b"list", call.args, call.kwargs]])
            return
        try:
            value = call.method()(*call.args, **call.kwargs)
        except Exception as error:
            self.broker.fail(call, error)
        else:
            self.broker.answer(call, value)

    def new_result(self, request: int) -> Result:
        return Result()

    def unheard(self, result: Result) -> None:
        """Nothing warns here."""

    def settle(self, result: Result, value: Any) -> None:
        result.succeed(value)

    def reject(self, result: Result, error: BaseException) -> None:
        result.fail(error)

    def output_ready(self) -> None:
        for piece in self.broker.data_to_send():
            self.other.take(piece)

    def release_ready(self) -> None:
        pass

    def one_way_failed(self, name: str, error: BaseException) -> None:
        pass

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        done(work())

    def report(self, doing: str, error: BaseException) -> None:
        raise error


def pair(root: Any, registry: Registry | None = None, **how: Any) -> tuple[AtOnce, AtOnce]:
    client, server = AtOnce(Side.CLIENT, registry or Registry(), **how), AtOnce(Side.SERVER, registry or Registry(), root)
    client.other, server.other = server, client
    client.broker.start()
    server.broker.start()
    return client, server


class Root(Referenceable):
    takes: Any = None

    def remote_echo(self, x: Any) -> Any:
        return x

    def remote_keep(self, x: Any) -> None:
        self.takes = x


def test_a_driver_may_write_at_once_and_the_answer_is_there_when_the_call_returns() -> None:
    client, _ = pair(Root())
    result = client.broker.remote().callRemote("echo", [1, "two"])
    assert result.is_done and result.value == [1, "two"]


class RawRoot(Referenceable):
    takes_expressions = True


def test_an_object_may_read_its_arguments_itself() -> None:
    client, server = pair(RawRoot())
    result = client.broker.remote().callRemote("anything", 1, key=Referenceable())
    assert result.value == [(1,), {"key": result.value[1]["key"]}]
    (call,) = server.raw
    assert (call.name, call.args) == ("anything", [b"tuple", 1])
    assert call.kwargs == [b"dictionary", [[b"unicode", b"key"], [b"remote", 1]]]


class Odd:
    """Neither flavour nor built-in."""

    __module__ = "odd"


class OddEncoder(Encoder):
    paths: list[str] = []

    def unsendable(self, instance: Any, kind: type) -> None:
        if kind is not Odd:
            Encoder.unsendable(self, instance, kind)
        self.paths.append(self.path_to(instance))
        self.begin_form(instance, 2)
        self.encode(b"odd")
        self.encode([1])


class OddDecoder(Decoder):
    def plan_for(self, tag: Any) -> Incoming:
        if tag != b"odd":
            return Decoder.plan_for(self, tag)
        return FillsOdd(FILLED, Odd)


class FillsOdd(Incoming):
    def fill(self, instance: Any, state: Any) -> None:
        instance.state = state


class Box(Copyable):
    def __init__(self, **content: Any) -> None:
        self.__dict__.update(content)


def test_a_driver_may_have_forms_of_its_own_which_keep_identity() -> None:
    root = Root()
    client, server = pair(root, encoder=OddEncoder)
    server.broker.incoming.decoder = OddDecoder
    odd = Odd()
    OddEncoder.paths.clear()
    client.broker.remote().callRemote("keep", [odd, {"again": odd}])
    first, rest = root.takes
    assert type(first) is Odd and first.state == [1] and rest["again"] is first
    assert OddEncoder.paths == ["args[0][0]"]
    with pytest.raises(NotSendable, match=r"^args\[0\]: a function: code doesn't cross"):
        client.broker.remote().callRemote("keep", pair)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (lambda odd: odd, "args[0]"),
        (lambda odd: {"k": (1, odd)}, "args[0]['k'][1]"),
        (lambda odd: Box(items=[1, Box(lock=odd)]), "args[0].items[1].lock"),
        (lambda odd: [Odd(), {"k": odd}], "args[0][1]['k']"),
        (lambda odd: {odd}, "args[0][a member]"),
    ],
)
def test_the_path_to_what_is_being_written(value: Any, path: str) -> None:
    OddEncoder.paths.clear()
    OddEncoder(None, None, 100, PB).encode_arguments((value(Odd()),))
    assert OddEncoder.paths[-1] == path
    odd = Odd()
    OddEncoder(None, None, 100, PB).encode_keywords({"key": [odd]})
    assert OddEncoder.paths[-1] == "kwargs['key'][0]"


def decode(expression: Any, registry: Registry) -> Any:
    return Decoder(to_frame(encode(expression, PB)), registry, None, Limits()).decode()


def test_a_plan_may_take_part_in_the_reading() -> None:
    """Here a tag whose second item is a jelly in a byte string, which may refer to what is outside of it."""
    made: list[Any] = []

    def take(decoder: Decoder, tag: bytes, count: int, reference: int | None) -> Any:
        assert (tag, count) == (b"wrapped", 2)
        instance = Odd()
        decoder.name_reference(reference, instance)
        instance.state = decoder.value_of(to_frame(decoder.read_leaf()))  # type: ignore[attr-defined]
        made.append(instance)
        return instance

    registry = Registry()
    registry.incoming[b"wrapped"] = Incoming(TAKER, take)
    inner = encode([b"list", [b"dereference", 1], [b"dereference", 2]], PB)
    shared = [b"reference", 1, [b"list", 7]]
    got = decode([b"list", shared, [b"reference", 2, [b"wrapped", inner]], [b"dereference", 2]], registry)
    assert got[0] == [7] and got[1].state[0] is got[0] and got[1].state[1] is got[1] is got[2]
    with pytest.raises(InsecureJelly, match="leads back to a tuple around it"):
        decode([b"reference", 1, [b"tuple", [b"wrapped", encode([b"dereference", 1], PB)]]], registry)


def test_what_is_known_by_name_only_is_refused_where_no_driver_says_otherwise() -> None:
    with pytest.raises(InsecureJelly, match=r"\(class ...\) is never accepted"):
        decode([b"class", b"os.system"], Registry())
    with pytest.raises(InsecureJelly, match=r"no\.Such is not registered at the receiver"):
        decode([b"no.Such", [b"dictionary"]], Registry())


def test_a_driver_says_what_happens_when_a_table_is_full() -> None:
    client, server = pair(Root(), limits=Limits(references=2, caches=2))
    full: list[tuple[str, int]] = []

    def refuse(what: str, ceiling: int) -> Exception:
        full.append((what, ceiling))
        return RuntimeError("full")

    kept = [Referenceable() for _ in range(4)]
    client.broker.remote().callRemote("keep", kept[:2])
    with pytest.raises(NotSendable, match=r"holds 2 references already"):
        client.broker.remote().callRemote("keep", kept)
    client.broker.tables.flavours.refuse = refuse  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        client.broker.remote().callRemote("keep", kept)
    assert full == [("references", 2)] and client.broker.tables.unnamed() == 2
    server.broker.tables.incoming = Limits(references=2)
    client.broker.tables.limits = Limits()
    result = client.broker.remote().callRemote("echo", kept)
    assert isinstance(result.error, InsecureJelly) and "references: over 2" in str(result.error)


def test_a_driver_hears_what_the_peer_has_let_go_of() -> None:
    root = Root()
    client, server = pair(root)
    gone: list[object] = []
    client.broker.tables.released = gone.append
    mine = Referenceable()
    client.broker.remote().callRemote("keep", mine)
    assert gone == []
    root.takes = None
    server.output_ready()
    assert gone == [id(mine)]


def test_a_number_may_be_used_up_without_a_call() -> None:
    client, server = pair(Root())
    server.take = lambda data: None  # type: ignore[method-assign]
    assert client.broker.spend_request() == 1
    result = client.broker.remote().callRemote("echo", 5)
    client.take(encode([b"answer", 2, 5], PB))
    assert result.value == 5


def test_a_value_may_be_written_now_and_sent_later() -> None:
    client, _ = pair(Root())
    pieces = client.broker.outbox.jelly([Referenceable()])
    assert client.broker.tables.unnamed() == 1
    assert b"".join(pieces) == encode([b"list", [b"remote", 1]], PB)
    with pytest.raises(NotSendable):
        client.broker.outbox.jelly([Referenceable(), pair])
    assert client.broker.tables.unnamed() == 1


@pytest.mark.parametrize(
    ("value", "too_large"),
    [
        (2**448, ("an int", 2**448)),
        (b"x" * 655_361, ("a byte string", 655_361)),
        ("x" * 655_361, ("a str", 655_361)),
        ([None] * 655_360, ("a list", 655_361)),
        (Odd(), None),
    ],
)
def test_a_refusal_says_what_was_too_large(value: Any, too_large: Any) -> None:
    with pytest.raises(NotSendable) as raised:
        Encoder(None, None, 100, PB).encode(value)
    assert raised.value.too_large == too_large


class OneLine(Sendable):
    def jelly_into(self, encoder: Encoder) -> None:
        encoder.begin_form(None, 1)
        encoder.encode(b"None")


def test_a_form_may_stand_for_nothing() -> None:
    encoder = Encoder(None, None, 100, PB)
    line = OneLine()
    encoder.encode([line, line])
    assert b"".join(encoder.written()) == encode([b"list", [b"None"], [b"None"]], PB)
