"""Values with a form of likewise-1, between two processes and in memory: type, value and identity arrive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import likewise
from likewise.errors import NotSendable
from likewise.testing import Pair
from likewise.wire.tokens import PB
from tests.jelly import rich
from tests.objects.value_server import Root, said_of
from tests.programs import running

SERVER = str(Path(__file__).with_name("value_server.py"))
PATIENCE = 30
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def across() -> Iterator[Ask]:
    """Calls of a server in another process, over a socket."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE)

    async def connect(port: str) -> likewise.Connection:
        return await likewise.connect(f"tcp://127.0.0.1:{port}", accept=rich.registry)

    async def call(connection: likewise.Connection, *args: Any) -> Any:
        return await connection.root.callRemote(*args)

    try:
        with running(SERVER) as program:
            connection = run(connect(program.port()))
            assert connection.dialect == "likewise-1"
            yield lambda *args: run(call(connection, *args))
            run(connection.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


def in_memory(*args: Any) -> Any:
    pair = Pair(Root(), accept=rich.registry)
    result = pair.client.root.callRemote(*args)
    pair.run()
    return result.value


@given(rich.values)
@settings(max_examples=300)
def test_a_value_arrives_in_another_process_and_comes_back_as_it_was(across: Ask, value: Any) -> None:
    assert rich.same(value, across("echo", value))
    assert across("says", value) == said_of(value)


@given(rich.values)
def test_so_it_does_in_memory(value: Any) -> None:
    assert rich.same(value, in_memory("echo", value))


IDENTICAL = [
    bytearray(b"x"),
    rich.Point(1.5, [2.5]),
    rich.Pair([], {}),
    rich.Fault("x", 1),
    *rich.Colour,
    rich.Access.READ | rich.Access.RUN,
]


@pytest.mark.parametrize("where", ["across", "in memory"])
@pytest.mark.parametrize("value", IDENTICAL, ids=lambda value: type(value).__name__)
def test_what_was_one_object_arrives_as_one(across: Ask, where: str, value: Any) -> None:
    is_one, (one, other) = (across if where == "across" else in_memory)("pair", [value, value])
    assert is_one and one is other and type(one) is type(value)


def test_a_named_tuple_that_leads_back_to_itself_does_so_there(across: Ask) -> None:
    one = rich.Pair([], 1)
    one.one.append(one)
    back = across("echo", one)
    assert type(back) is rich.Pair and back.one[0] is back


def test_an_exception_arrives_as_a_value(across: Ask) -> None:
    fault, again, unknown = across("failed")
    assert type(fault) is rich.Fault and fault is again
    assert fault.args == ("no seed", 7) and fault.__notes__ == ["try again tomorrow"]
    assert isinstance(unknown, likewise.RemoteError)
    assert unknown.type == "builtins.ValueError" and unknown.text == "not known there" and not unknown.traceback


def test_one_that_came_is_sent_on_as_what_it_was(across: Ask) -> None:
    unknown = across("failed")[2]
    back = across("echo", unknown)
    assert isinstance(back, likewise.RemoteError) and back.type == "builtins.ValueError" and back.text == "not known there"
    group = across("echo", ExceptionGroup("some", [rich.Fault("a"), rich.Fault("b")]))
    assert [type(each) for each in group.members] == [rich.Fault, rich.Fault]


def test_results_of_gather_arrive_as_they_are(across: Ask) -> None:
    async def fails() -> None:
        raise rich.Fault("late")

    async def gathered() -> list[Any]:
        return list(await asyncio.gather(fails(), asyncio.sleep(0, "done"), return_exceptions=True))

    fault, done = across("echo", asyncio.run(gathered()))
    assert type(fault) is rich.Fault and fault.args == ("late",) and done == "done"


def test_what_is_refused_leaves_the_connection_as_it_was(across: Ask) -> None:
    class Quiet(Exception):
        pass

    with pytest.raises(NotSendable, match=r"args\[0\]\[0\]: a PosixPath: a path means something on this machine only"):
        across("echo", [Path("/x")])
    assert across("echo", Quiet("as text")).text == "as text"
    assert across("echo", 1) == 1


def test_toward_a_peer_that_speaks_pb_the_call_fails_before_it_is_sent() -> None:
    pair = Pair(Root(), accept=rich.registry, client_dialects=(PB,))
    for value in (rich.Colour.RED, rich.Pair(1, 2), bytearray(b"x"), 1j, ValueError("x")):
        with pytest.raises(NotSendable, match=r"args\[0\]: .*: the peer speaks pb, and PB has no form for it; send "):
            pair.client.root.callRemote("echo", value)
    result = pair.client.root.callRemote("failed")
    pair.run()
    assert isinstance(result.error, likewise.RemoteError | NotSendable | likewise.InsecureJelly)
    assert "an exception: the peer speaks pb" in str(result.error)
