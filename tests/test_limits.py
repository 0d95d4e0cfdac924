"""Each ceiling: what is at it passes, what is one past it does not, and says which ceiling it was."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.jelly.decoder import Decoder
from likewise.jelly.registry import Registry
from likewise.limits import DEEPEST, Limits
from likewise.testing import Pair
from likewise.wire.framer import Framer
from likewise.wire.tokens import PB
from tests.sexp import encode

HERE = Path(__file__).parent


def framed(data: bytes, limits: Limits, greets: bool = False) -> Any:
    framer = Framer(limits)
    if not greets:
        framer.speak(PB)
    framer.feed(data)
    return framer.next_frame()


def refused(limit: str, run: Callable[[], object]) -> likewise.LimitExceeded:
    with pytest.raises(likewise.LimitExceeded) as caught:
        run()
    assert caught.value.limit == limit and limit in str(caught.value)
    return caught.value


# --- of the wire: at the ceiling, and one past it

WIRE = {
    "prefix_digits": (10, lambda n: b"\x01" + b"\x00" * (n - 1) + b"\x81"),
    "string_bytes": (100, lambda n: encode(b"x" * n)),
    "list_items": (100, lambda n: encode([1] * n)),
    "depth": (10, lambda n: b"\x01\x80" * n + b"\x01\x81"),
    "frame_items": (100, lambda n: encode([1] * n)),
    "frame_bytes": (100, lambda n: encode(b"x" * (n - 2))),
}


@pytest.mark.parametrize("name", WIRE)
def test_a_message_at_the_ceiling_passes_and_one_past_it_ends_the_connection(name: str) -> None:
    ceiling, make = WIRE[name]
    limits = Limits(**{name: ceiling})
    assert framed(make(ceiling), limits) is not None
    error = refused(name, lambda: framed(make(ceiling + 1), limits))
    assert error.ceiling == ceiling


def test_before_a_dialect_is_agreed_greeting_bytes_hold() -> None:
    limits = Limits(greeting_bytes=50)
    assert framed(b"\x2e\x82" + b"x" * 46, limits, greets=True) is not None
    refused("string_bytes", lambda: framed(b"\x33\x82", limits, greets=True))
    refused("frame_bytes", lambda: framed(b"\x0a\x80" + b"\x06\x82xxxxxx" * 10, limits, greets=True))


# --- of a value


def read(expression: Any, **limits: int) -> Any:
    frame = framed(encode(expression), Limits())
    return Decoder(frame, Registry(Foreign), None, Limits(**limits)).decode()


def key(parts: int) -> Any:
    """A set with a tuple that is so many parts to hash, with itself."""
    return [b"set", [b"tuple", *[1] * (parts - 1)]]


def reused(times: int) -> Any:
    """A pair, used so often again: three parts each time."""
    return [b"list", [b"reference", 1, [b"tuple", 1, 2]], *[[b"dereference", 1]] * times]


class Foreign:
    """Stands for a type of another package; any state will do."""


likewise.adopt(Foreign, to_state=lambda foreign: [], from_state=lambda state: Foreign(), name="limits.Foreign")


def handed_on(size: int) -> Any:
    """A foreign object whose state has a list of eight bytes in it again and again."""
    again = [[b"dereference", 1]] * (size // 8 + (size % 8 > 0))
    return [b"list", [b"reference", 1, [b"list", 1, 2]], [b"limits.Foreign", [b"list", *again]]]


def colliding(count: int) -> Any:
    return [b"set", *[n * (2**61 - 1) for n in range(1, count + 1)]]


VALUES: dict[str, tuple[int, Callable[[int], Any]]] = {
    "hash_work": (20, key),
    "unfolded_tuples": (30, lambda n: reused((n + 2) // 3)),
    "rebuilt_bytes": (8 * 20, handed_on),
    "equal_hashes": (5, colliding),
    "decimal_exponent": (10, lambda n: [b"decimal", 1, -n]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_at_the_ceiling_passes_and_one_past_it_is_refused(name: str) -> None:
    ceiling, make = VALUES[name]
    read(make(ceiling), **{name: ceiling})
    with pytest.raises(likewise.InsecureJelly, match=name):
        read(make(ceiling + 1), **{name: ceiling})


class Root(likewise.Root):
    def __init__(self) -> None:
        self.kept: list[Any] = []

    def remote_echo(self, x: Any = None) -> Any:
        return x

    def remote_keep(self, x: Any) -> None:
        self.kept.append(x)

    def remote_thing(self) -> likewise.Referenceable:
        return likewise.Referenceable()

    def remote_pond(self) -> Pond:
        return Pond()


class Pond(likewise.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        return {}


class Mirror(likewise.RemoteCache):
    pass


likewise.setUnjellyableForClass(Pond, Mirror)


def asked(pair: Pair, name: str, *args: Any) -> Any:
    result = pair.client.root.callRemote(name, *args)
    pair.run()
    return result.error or result.value


def test_names_have_a_ceiling() -> None:
    pair = Pair(Root(), limits=Limits(name_bytes=10), client_limits=Limits())
    assert isinstance(asked(pair, "x" * 10), likewise.NoSuchMethod)
    assert "name_bytes" in str(asked(pair, "x" * 11))


@pytest.mark.parametrize(("name", "make"), [("references", likewise.Referenceable), ("caches", Pond)])
def test_what_the_peer_pushes_has_a_ceiling(name: str, make: Any) -> None:
    pair = Pair(Root(), limits=Limits(**{name: 3}), client_limits=Limits())
    for _ in range(3):
        assert asked(pair, "keep", make()) is None
    error = asked(pair, "keep", make())
    assert isinstance(error, likewise.InsecureJelly) and name in str(error)


@pytest.mark.parametrize(("name", "method"), [("references", "thing"), ("caches", "pond")])
def test_what_the_peer_is_given_has_a_ceiling(name: str, method: str) -> None:
    pair = Pair(Root(), limits=Limits(**{name: 3}), client_limits=Limits())
    held = [asked(pair, method) for _ in range(3)]
    error = asked(pair, method)
    assert isinstance(error, likewise.InsecureJelly) and name in str(error)
    del held[0]
    pair.run()
    assert not isinstance(asked(pair, method), Exception)


def test_our_own_calls_without_an_answer_have_a_ceiling() -> None:
    pair = Pair(Root(), client_limits=Limits(open_calls=2))
    first = pair.client.root.callRemote("echo", 1)
    pair.client.root.callRemote("echo", 2)
    first.cancel()  # it counts until it is answered
    with pytest.raises(likewise.TooManyCalls, match="open_calls"):
        pair.client.root.callRemote("echo", 3)
    pair.run()
    assert asked(pair, "echo", 4) == 4


def test_faults_have_a_ceiling() -> None:
    pair = Pair(Root(), limits=Limits(faults=3))
    pair.server.take(encode([b"decref", 99]) * 3)
    assert pair.server.broken_by is None
    pair.server.take(encode([b"decref", 99]))
    assert isinstance(pair.server.broken_by, likewise.LimitExceeded) and pair.server.broken_by.limit == "faults"


# --- of time and of sockets


class Slow(Root):
    def __init__(self) -> None:
        super().__init__()
        self.running = self.most = 0
        self.go_on = asyncio.Event()

    async def remote_wait(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go_on.wait()
        self.running -= 1

    def remote_blob(self, size: int) -> bytes:
        return bytes(size)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def serving(check: Callable[[likewise.Server, Slow, list[BaseException | None]], Awaitable[None]], **limits: Any) -> None:
    """Run a check against a server with these limits; it gets the reasons for which connections end."""

    async def main() -> None:
        root, reasons = Slow(), []
        server = await likewise.serve(
            root,
            "tcp://127.0.0.1:0",
            limits=Limits(**limits),
            on_disconnect=lambda connection: reasons.append(connection.reason),
        )
        try:
            await check(server, root, reasons)
        finally:
            root.go_on.set()
            await server.close(0.1)

    asyncio.run(asyncio.wait_for(main(), 30))


def plain(server: likewise.Server) -> socket.socket:
    """A connection that has greeted."""
    plug = socket.create_connection(("127.0.0.1", server.port), 5)
    plug.sendall(encode(b"pb", "none"))
    return plug


def limit_of(reasons: list[BaseException | None]) -> str:
    return getattr(reasons[0], "limit", "") or str(reasons[0])


def test_calls_beyond_running_calls_wait_until_others_have_ended() -> None:
    async def check(server: likewise.Server, root: Slow, reasons: list[BaseException | None]) -> None:
        async with likewise.connect(server.address) as connection:
            calls = [connection.root.callRemote("wait") for _ in range(9)]
            await until(lambda: root.running == 3)
            await asyncio.sleep(0.02)  # were there no ceiling, the others would run by now
            assert root.running == 3
            root.go_on.set()
            await asyncio.gather(*calls)

    serving(check, running_calls=3)


@pytest.mark.parametrize("name", ["handshake_seconds", "message_seconds", "idle_seconds"])
def test_who_is_silent_or_slow_is_dropped(name: str) -> None:
    async def check(server: likewise.Server, root: Slow, reasons: list[BaseException | None]) -> None:
        plug = socket.create_connection(("127.0.0.1", server.port), 5) if name == "handshake_seconds" else plain(server)
        await until(lambda: bool(server.connections) or bool(reasons))
        if name == "message_seconds":
            plug.sendall(b"\x07\x80")
        if name == "handshake_seconds":  # nobody is told of the end of what never began
            await until(lambda: not server.connections)
            plug.close()
            return
        await until(lambda: bool(reasons))
        assert limit_of(reasons) == name
        plug.close()

    serving(check, **{name: 0.1})


@pytest.mark.parametrize(
    "expected, limits",
    [("stalled_seconds", {"stalled_seconds": 0.2}), ("unread_answers", {"stalled_seconds": 300.0, "waiting_calls": 1_000})],
)
def test_who_leaves_answers_unread_is_dropped(expected: str, limits: dict[str, Any]) -> None:
    async def check(server: likewise.Server, root: Slow, reasons: list[BaseException | None]) -> None:
        plug = plain(server)
        plug.setblocking(False)
        call = encode([b"message", 1, b"root", b"blob", 1, [b"tuple", 100_000], [b"dictionary"]])
        sent = 0
        while not reasons:
            try:
                sent += plug.send(call * 100)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
            await asyncio.sleep(0.001)
        await until(lambda: bool(reasons))
        assert expected in str(reasons[0])
        assert sent < 50_000_000
        plug.close()

    serving(check, unread_answers=50_000, **limits)


def test_output_that_nobody_reads_has_a_ceiling() -> None:
    async def check(server: likewise.Server, root: Slow, reasons: list[BaseException | None]) -> None:
        plug = plain(server)
        plug.sendall(encode([b"message", 1, b"root", b"keep", 1, [b"tuple", [b"remote", 5]], [b"dictionary"]]))
        await until(lambda: bool(root.kept))
        while not reasons:
            try:
                root.kept[0].callRemoteOnly("x", bytes(50_000))
            except likewise.ConnectionClosed:
                pass
            await asyncio.sleep(0)
        assert limit_of(reasons) == "queued_output"
        plug.close()

    serving(check, queued_output=1_000_000)


def test_a_peer_that_vanished_is_looked_for() -> None:
    async def check(server: likewise.Server, root: Slow, reasons: list[BaseException | None]) -> None:
        async with likewise.connect(server.address, limits=Limits(keepalive_seconds=20.0)) as connection:
            for end, idle in ((connection, 10), (server.connections[0], 40)):
                plug = end.get_extra_info("socket")
                assert plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                if hasattr(socket, "TCP_KEEPIDLE"):
                    assert plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == idle
                if hasattr(socket, "TCP_USER_TIMEOUT"):  # it would count the time for which a living peer does not read
                    assert plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0

    serving(check, keepalive_seconds=80.0)


def test_log_lines_have_a_ceiling_and_what_is_not_written_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    from likewise.logs import Throttle

    later: list[Callable[[], None]] = []
    throttle = Throttle(logging.getLogger("likewise"), 3, 100_000)
    for number in range(10):
        throttle.warning(lambda seconds, run: later.append(run), "floods", "line %d", number)
    for _ in range(5):
        throttle.failure(lambda seconds, run: later.append(run), "failures", ValueError("x"), "failed")
    assert [record.getMessage() for record in caplog.records] == ["line 0", "line 1", "line 2"]
    assert len(later) == 1
    later[0]()
    assert caplog.records[-1].getMessage() == "not logged, over limits.log_lines in 10 s: 7 floods, 5 failures"
    throttle.warning(lambda seconds, run: later.append(run), "floods", "again")
    assert caplog.records[-1].getMessage() == "again" and len(later) == 2


# --- the class itself


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_a_ceiling_must_be_positive(name: str) -> None:
    for value in (0, -1):
        with pytest.raises(ValueError, match=name):
            Limits(**{name: value})


def test_depth_is_bounded_by_the_stack() -> None:
    assert Limits(depth=DEEPEST).depth == DEEPEST
    with pytest.raises(ValueError, match="overflow the stack"):
        Limits(depth=DEEPEST + 1)


def test_presets_take_changes() -> None:
    assert Limits.public(depth=10).depth == Limits.trusted(depth=10).depth == 10
    assert Limits.public() == Limits.public() and math.isinf(Limits().idle_seconds)
    with pytest.raises(TypeError):
        Limits.public(no_such_limit=1)


def test_every_ceiling_is_tested_somewhere() -> None:
    """By name, as an argument or as a case: in this file, beside the code that holds it, or in the corpus."""
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.rglob("*.py"))
    for field in dataclasses.fields(Limits):
        assert re.search(rf"\b{field.name}\b", text), field.name


@pytest.mark.parametrize("value", [1e7, math.inf, 2**53 + 1, 10**30, True, None, "100"], ids=repr)
def test_a_ceiling_that_is_counted_is_a_whole_number_on_both_builds(value: Any) -> None:
    for field in dataclasses.fields(Limits):
        if field.type == "int":
            with pytest.raises(ValueError, match=f"Limits.{field.name} must be a whole number"):
                Limits(**{field.name: value})


def test_the_largest_ceilings_serve_on_both_builds() -> None:
    class Echo(likewise.Root):
        def remote_echo(self, *args: Any) -> Any:
            return args

    counted = [field.name for field in dataclasses.fields(Limits) if field.type == "int" and field.name != "depth"]
    pair = Pair(Echo(), limits=Limits(**dict.fromkeys(counted, 2**53)))
    result = pair.client.root.callRemote("echo", "a", {(1, 2): {3}})
    pair.run()
    assert result.error is None and result.value == ("a", {(1, 2): {3}})


def test_a_time_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="idle_seconds must be positive"):
        Limits(idle_seconds=math.nan)
