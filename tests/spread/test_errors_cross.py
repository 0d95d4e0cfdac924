"""The one rule for exceptions where an end is likewise.spread, or a real Twisted client: by processes and sockets."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer
from twisted.python.failure import Failure

import likewise
from likewise.spread import pb
from tests.programs import ROOT, running
from tests.raised import ARRIVES, BASE, RAISED, REGISTERED, Overdue, Slotted, SoldOut, Unknown, describe
from tests.spread.ends import Logged, Pair

TWISTED = ROOT / "tests" / "interop" / "twisted_errors.py"
FROZEN_NEW = type(RAISED["frozen, two arguments"]())
REGISTRY = likewise.Registry(*REGISTERED, Overdue, Slotted, FROZEN_NEW)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running("-m", "tests.spread.error_server", cwd=ROOT, stdin=subprocess.PIPE) as program:
        line = program.line()
        assert line.startswith("READY ")
        yield int(line.split()[1])


def by_twisted(port: int, method: str, *names: str) -> list[dict[str, Any]]:
    """What a Twisted client sees of each."""
    with running(str(TWISTED), str(port), method, *names) as program:
        code, lines, errors = program.end(60)
    assert code == 0, errors
    return [json.loads(line) for line in lines]


def caught(port: int, method: str, *names: str) -> list[str]:
    """What an asyncio client of ours gets for each."""

    async def ask() -> list[str]:
        async with likewise.connect(f"tcp://127.0.0.1:{port}", accept=REGISTRY) as connection:
            results = [connection.root.callRemote(method, name) for name in names]
            got = await asyncio.wait_for(asyncio.gather(*results, return_exceptions=True), 20)
            return [describe(each) for each in got]  # type: ignore[arg-type]

    return asyncio.run(ask())


@pytest.mark.parametrize("method", ["fail", "later"])
def test_an_asyncio_caller_gets_of_a_spread_server_what_it_gets_of_its_like(port: int, method: str) -> None:
    assert dict(zip(RAISED, caught(port, method, *RAISED), strict=True)) == ARRIVES


class Root(likewise.Root):
    def remote_fail(self, name: str) -> None:
        raise RAISED[name]()


@pytest.fixture(scope="module")
def our_port() -> Iterator[int]:
    """The port of an asyncio server of ours, on a thread."""
    loop = asyncio.new_event_loop()

    async def serve() -> Any:
        return await likewise.serve(Root(), "tcp://127.0.0.1:0")

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(20)
    yield int(server.address.rpartition(":")[2])
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)


@pytest.mark.parametrize("server", ["spread", "asyncio"])
def test_a_twisted_client_reads_each_of_them(port: int, our_port: int, server: str) -> None:
    seen = by_twisted(port if server == "spread" else our_port, "fail", *RAISED)
    for (name, make), each in zip(RAISED.items(), seen, strict=True):
        raised = make()
        kinds = [kind for kind in type(raised).__mro__ if not kind.__module__.startswith("likewise.")]
        names = [f"{kind.__module__}.{kind.__name__}" for kind in kinds]
        assert each["type"] == names[0] and each["found"], name
        assert [parent for parent in each["parents"] if not parent.startswith("twisted.")] == names
        assert ("twisted.spread.pb.Error" in each["parents"]) is isinstance(raised, likewise.Error)
        if name not in ("no text", "surrogate"):
            assert each["text"] == str(raised)


def test_a_twisted_client_reads_failures_that_are_no_exception(port: int) -> None:
    """With Twisted on both sides the line is lost, or the call never settles."""
    base = by_twisted(port, "fail", *BASE)
    base += by_twisted(port, "later", *BASE)
    assert [each["type"] for each in base] == 2 * [
        "builtins.SystemExit",
        "asyncio.exceptions.CancelledError",
        "builtins.BaseExceptionGroup",
    ]
    assert all("builtins.BaseException" in each["parents"] and each["found"] for each in base)
    assert base[0]["text"] == "3" and base[1]["text"] == "stopped"
    (text,) = by_twisted(port, "deferred", "no such command")
    assert (text["type"], text["text"]) == ("builtins.str", "no such command")


def test_an_asyncio_caller_gets_failures_that_are_no_exception(port: int) -> None:
    assert caught(port, "deferred", "no such command") == ["RemoteError builtins.str: 'no such command' None"]
    exits = caught(port, "fail", *BASE)
    assert exits[0].startswith("RemoteError builtins.SystemExit: '3'") and "b (1 sub-exception)" in exits[2]


@pytest.mark.parametrize("method", ["relay", "relay_by_generator", "relay_by_deferred"])
def test_what_a_twisted_peer_raised_is_relayed_to_it_as_it_was(port: int, method: str) -> None:
    seen = by_twisted(port, method, "error", "key")
    assert [each["type"] for each in seen] == ["twisted.spread.pb.Error", "builtins.KeyError"]
    assert [each["text"] for each in seen] == ["error", "'key'"]
    assert "builtins.LookupError" in seen[1]["parents"]


# --- in memory: callers of likewise.spread


class SpreadRoot(pb.Root):
    def remote_fail(self, name: str) -> None:
        raise RAISED[name]()


class Relay(pb.Root):
    def __init__(self, behind: Any) -> None:
        self.behind = behind

    async def remote_fail(self, name: str) -> Any:
        return await self.behind.callRemote("fail", name)


@pytest.mark.parametrize("name", [name for name in RAISED if name not in ("frozen", "slots", "frozen, two arguments")])
@pytest.mark.parametrize("is_relayed", [False, True])
def test_a_spread_caller_gets_a_copied_failure_with_class_and_text(name: str, is_relayed: bool) -> None:
    raised = RAISED[name]()
    with Logged():
        behind = Pair(SpreadRoot(), at_once=True)
        failed = (Pair(Relay(behind.root)) if is_relayed else behind).ask("fail", name)
    assert isinstance(failed, pb.CopiedFailure) and failed.check(type(raised)) is type(raised)
    assert failed.parents[-1] == "builtins.object" and failed.type.decode() == failed.parents[0]
    if name not in ("no text", "surrogate"):
        assert failed.value == str(raised)


def test_awaited_it_is_a_remote_error_that_has_what_came_along() -> None:
    with Logged():
        errors = [Pair(SpreadRoot()).ask("fail", name).remote_error() for name in ("notes", "unknown", "group")]
    assert [type(each) for each in errors] == [pb.RemoteError] * 3
    assert errors[0].__notes__ == ["seen at the pond"] and errors[0].remote_args == ("duck",)
    assert errors[1].remote_args == ("not", [1, {"a": 2.5}]) and errors[1].check(Unknown)
    assert [each.type for each in errors[2].members[1:3]] == ["tests.raised.Unknown", "tests.raised.Overdue"]


@pytest.mark.parametrize("name", ["frozen", "slots", "frozen, two arguments"])
def test_a_copyable_dataclass_arrives_as_itself_here_too(name: str) -> None:
    with Logged():
        failed = Pair(SpreadRoot()).ask("fail", name)
    assert isinstance(failed, Failure) and describe(failed.value) == ARRIVES[name]
    assert failed.check(type(RAISED[name]()))


def test_what_is_accepted_by_likewises_own_registry_arrives_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(likewise.default_registry.exceptions, "tests.raised.SoldOut", SoldOut)
    with Logged():
        failed = Pair(SpreadRoot()).ask("fail", "two arguments")
    assert describe(failed.value) == ARRIVES["two arguments"]


@pytest.mark.parametrize(
    "kind",
    [pb.Error, pb.RemoteError, pb.PBConnectionLost, pb.DeadReferenceError, pb.ProtocolError, pb.NoSuchMethod],
)
def test_errors_of_spread_can_be_pickled_and_copied(kind: type) -> None:
    error = kind(b"a.B", "why", "tb") if kind is pb.RemoteError else kind("why")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind and again.args == error.args and vars(again) == vars(error)


@pytest.mark.parametrize(("what", "text"), [("text", "text"), (5, "5"), (["a"], "<list>"), (b"bytes", "bytes")])
def test_a_deferred_that_fails_with_anything_settles_the_call(what: Any, text: str) -> None:
    class Fails(pb.Root):
        def remote_now(self) -> Any:
            return defer.fail(what)

    with Logged():
        failed = Pair(Fails()).ask("now")
    assert failed.type == f"builtins.{type(what).__name__}".encode() and failed.check(str) is None
    assert failed.parents == [f"builtins.{type(what).__name__}", "builtins.object"]
    assert failed.value == text


class Jellied(pb.Error, pb.Copyable):
    """Crosses as itself, with a state that can't."""

    def getStateToCopy(self) -> Any:
        return {"lock": lambda: None}


def test_an_error_whose_state_can_not_cross_is_told_by_class_and_text() -> None:
    class Fails(pb.Root):
        def remote_now(self) -> Any:
            raise Jellied("as asked")

    with Logged():
        failed = Pair(Fails()).ask("now")
    assert isinstance(failed, pb.CopiedFailure) and failed.check(Jellied) and failed.value == "as asked"
    assert "(its state can't be sent: " in failed.remote_error().__notes__[0]
