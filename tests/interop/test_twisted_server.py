"""
Our asyncio client against a real Twisted server, as two processes: every flavour in both directions.

One server serves all tests of this module, one after another. Its surface is described in SURFACE.md.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import likewise
from tests.interop import likewise_server as peer
from tests.interop.likewise_server import Frog, Newt, Pond, PondCache, Stranger, Toad, describe, outcome
from tests.interop.processes import Serving, twisted_server
from tests.interop.surface import UNSENDABLE, VALUES

TIMEOUT = 20.0

Body = Callable[[likewise.Connection, likewise.RemoteReference], Awaitable[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with twisted_server() as serving:
        yield serving
        assert serving.leave() == (0, [f"READY {serving.port}"], "")


@pytest.fixture
def crossing(server: Serving, monkeypatch: pytest.MonkeyPatch) -> Callable[[Body], None]:
    """Runs a test's body on a new connection; afterwards the server holds nothing of it, and our tables are empty."""
    # A logged failure is kept by pytest, with its traceback, and that holds the mirror whose method raised.
    monkeypatch.setattr(logging.getLogger("likewise"), "disabled", True)

    def run(body: Body) -> None:
        async def whole() -> None:
            async with asyncio.timeout(TIMEOUT), connected(server.port) as connection:
                assert connection.dialect == "pb"
                await body(connection, connection.root)
                gc.collect(1)
                await eventually(lambda: sum(connection._broker.tables.sizes().values()), 0)
                assert connection._broker.unanswered == 0 and connection.is_open

        asyncio.run(whole())

    return run


def connected(port: int) -> likewise.connect:
    return likewise.connect(f"tcp://127.0.0.1:{port}", accept=peer.ADMITTED)


async def eventually(read: Callable[[], Any], wanted: Any, within: float = 5.0) -> None:
    """Until it is so, here or there: what a collector or a lost peer sets off has no fixed time."""
    async with asyncio.timeout(within):
        while True:
            got = read()
            if isinstance(got, Awaitable):
                got = await got
            if got == wanted:
                return
            await asyncio.sleep(0.002)


async def nobody_observes(root: likewise.RemoteReference) -> int:
    """Wait until the client before us has left; how many observers have stopped so far."""
    await eventually(lambda: root.callRemote("observers"), 0)
    stopped: int = await root.callRemote("stopped")
    return stopped


class MyThing(peer.Thing):
    def __init__(self) -> None:
        self.pings: list[Any] = []

    def remote_ping(self, x: Any) -> list[Any]:
        self.pings.append(x)
        return ["my pong", x]

    async def remote_slow(self, x: Any) -> Any:
        await asyncio.sleep(0.001)
        return x


# --- values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALUES)
def test_a_value_crosses_both_ways(name: str, crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        wanted = describe(VALUES[name]())
        assert await root.callRemote("describe", VALUES[name]()) == wanted
        assert describe(await root.callRemote("give", name)) == wanted
        assert describe(await root.callRemote("echo", VALUES[name]())) == wanted

    crossing(body)


def test_what_is_shared_stays_shared_in_arguments_and_in_keywords(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        inner = [1]
        args, kw = await root.callRemote("args", inner, (inner,), k=inner, m={"in": inner})
        assert args[0] is args[1][0] and kw["k"] is kw["m"]["in"]
        assert (args, kw) == (([1], ([1],)), {"k": [1], "m": {"in": [1]}})
        assert await root.callRemote("same_twice", inner, inner) is True
        assert await root.callRemote("same_twice", [], []) is False

    crossing(body)


def test_keyword_arguments_of_any_name(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        keywords: dict[str, Any] = {"name": "n", "self_": None, "key": [3], "cl\u00e9": 4, "luid": 5, "method": 6}
        assert await root.callRemote("args", 1, "two", **keywords) == ((1, "two"), keywords)
        assert await root.callRemote("args") == ((), {})
        assert await root.remoteMethod("args")(1, k=2) == ((1,), {"k": 2})

    crossing(body)


@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_may_not_cross_is_refused_before_it_is_sent(name: str, crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        with pytest.raises(likewise.NotSendable) as raised:
            root.callRemote("echo", [1, {"k": UNSENDABLE[name]()}])
        assert raised.value.path == "args[0][1]['k']"
        assert await root.callRemote("echo", 1) == 1

    crossing(body)


@pytest.mark.parametrize("name", ["plain_instance", "int_subclass", "str_subclass", "list_subclass"])
def test_what_twisted_could_not_send_arrives_as_a_mark_of_it(name: str, crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        mark = await root.callRemote("give", name)
        assert isinstance(mark, likewise.Unpersistable) and "deemed insecure" in mark.reason

    crossing(body)


# --- by copy ----------------------------------------------------------------------------------------------------


def test_a_copyable_crosses_both_ways(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        frog = await root.callRemote("frog", "Kermit", legs=3)
        assert type(frog) is Frog and frog.__dict__ == {"name": "Kermit", "legs": 3, "seen_by": None}
        there = await root.callRemote("frog_fields", Frog("Kermit", 3, bag={"flies": [b"f", (1, 2.5)]}))
        assert there == {"name": "Kermit", "legs": 3, "bag": {"flies": [b"f", (1, 2.5)]}, "seen_by": None}
        back = await root.callRemote("echo", Frog("Kermit", inside=[Frog("Tad", 0)]))
        assert describe(back) == (
            "Frog{inside: list[Frog{legs: int 0, name: str 'Tad', seen_by: None}], legs: int 4, "
            "name: str 'Kermit', seen_by: None}"
        )

    crossing(body)


def test_copyables_nested_shared_and_cyclic(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        got = await root.callRemote("frogs_shared")
        frog = got["left"]
        assert type(frog) is Frog and got["right"] is frog
        assert got["home"].inside[0] is frog and got["home"].inside[1] == ("deep", frog)
        mine = Frog("Mine")
        assert await root.callRemote("same_twice", mine, mine) is True
        assert await root.callRemote("describe", [mine, {"k": mine}]) == (
            "list[#1=Frog{legs: int 4, name: str 'Mine', seen_by: None}, dict{str 'k': #1}]"
        )
        in_list = await root.callRemote("frog_in_own_list")
        assert type(in_list) is Frog and in_list.friends[0] is in_list
        narcissus = await root.callRemote("frog_own_friend")  # Twisted sends it well, and could not read it
        assert type(narcissus) is Frog and narcissus.friend is narcissus
        mine.friends = [mine]
        assert await root.callRemote("is_in_own_list", mine) is True

    crossing(body)


def test_copyables_by_factory_and_with_a_tag_of_their_own(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        toad = await root.callRemote("toad", 12)
        assert type(toad) is peer.FactoryToad and toad.state == {"warts": 12}
        assert await root.callRemote("toad_state", Toad(13)) == {"warts": 13}
        newt = await root.callRemote("newt", 1, 2)
        assert type(newt) is Newt and newt.spots == [1, 2]
        assert await root.callRemote("newt_spots", Newt(3, 4)) == [3, 4]

    crossing(body)


def test_a_class_that_is_not_registered_fails_one_call_whoever_receives_it(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        with pytest.raises(likewise.InsecureJelly, match=r"interop\.Stranger"):
            await root.callRemote("echo", [1, (Stranger(),)])
        with pytest.raises(likewise.InsecureJelly, match=r"setUnjellyableForClass\('interop\.Stranger'"):
            await root.callRemote("stranger")
        mine = MyThing()
        kind, name, text = await root.callRemote("send_stranger", mine)
        assert (kind, name) == ("error", "twisted.spread.jelly.InsecureJelly")
        assert "interop.Stranger" in text and mine.pings == []
        assert await root.callRemote("call", mine, 1) == ["my pong", 1]

    crossing(body)


# --- by cache ---------------------------------------------------------------------------------------------------


def test_a_mirror_follows_twisted_s_original_until_it_is_dropped(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        stopped = await nobody_observes(root)
        pond = await root.callRemote("pond")
        assert type(pond) is PondCache
        before = await root.callRemote("ducks")
        assert pond.ducks == before and await root.callRemote("observers") == 1
        assert await root.callRemote("change", "add", "ugly") == len(before) + 1
        assert pond.ducks == [*before, "ugly"]  # the change came before the answer
        await root.callRemote("change", "remove", "ugly")
        assert pond.ducks == before and pond.heard == [["add", "ugly"], ["remove", "ugly"]]
        assert await root.callRemote("stopped") == stopped
        del pond
        gc.collect(1)
        await eventually(lambda: root.callRemote("stopped"), stopped + 1)
        assert await root.callRemote("observers") == 0
        await eventually(lambda: connection._broker.tables.sizes()["mirrors"], 0)  # `uncache` came

    crossing(body)


def test_a_mirror_received_again_is_the_same_object(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        stopped = await nobody_observes(root)
        pond = await root.callRemote("pond")
        assert await root.callRemote("pond") is pond
        one, two = await root.callRemote("pond_twice")
        assert one is pond and two is pond
        assert await root.callRemote("observers") == 1
        del one, two, pond
        gc.collect(1)
        await eventually(lambda: root.callRemote("stopped"), stopped + 1)
        again = await root.callRemote("pond")
        await root.callRemote("change", "add", "late")
        await root.callRemote("change", "remove", "late")
        assert again.heard == [["add", "late"], ["remove", "late"]]

    crossing(body)


def test_a_mirror_sent_home_is_the_original(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        pond = await root.callRemote("pond")
        assert await root.callRemote("is_my_pond", pond) is True
        assert await root.callRemote("is_my_pond", [pond]) is False
        assert await root.callRemote("echo", pond) is pond
        assert await root.callRemote("describe", [pond]) == "list[own Pond]"

    crossing(body)


def test_an_observer_at_twisted_gets_our_mirror_s_answers_and_errors(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        await nobody_observes(root)
        pond = await root.callRemote("pond")
        count = len(pond.ducks)
        assert await root.callRemote("change_and_wait", "add", "ugly") == [["answer", count + 1]]
        assert await root.callRemote("change_and_wait", "remove", "ugly") == [["answer", count]]
        assert await root.callRemote("change_and_wait", "explode", "bang") == [["error", "builtins.ValueError", "bang"]]
        ((kind, name, _),) = await root.callRemote("change_and_wait", "nosuch", "x")
        assert (kind, name) == ("error", "twisted.spread.flavors.NoSuchMethod")

    crossing(body)


def test_twisted_s_mirror_follows_our_original_until_it_is_dropped(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        pond = Pond("mine")
        for turn in range(2):
            assert await root.callRemote("take_pond", pond) == 1
            assert await root.callRemote("take_pond", pond) == 2
            assert len(pond.observers) == 1
            (answer,) = pond.change("add", "new")
            assert await answer == len(pond.ducks)
            pond.change("remove", "new")
            pond.change("add", f"last {turn}")
            assert await root.callRemote("pond_ducks") == pond.ducks  # in order, ahead of the call
            assert await root.callRemote("pond_heard") == [["add", "new"], ["remove", "new"], ["add", f"last {turn}"]]
            assert await root.callRemote("drop_one_pond") == 1
            await root.callRemote("nothing")
            assert pond.stopped == turn
            await root.callRemote("drop_pond")
            await eventually(lambda turn=turn: pond.stopped, turn + 1)
            assert pond.observers == []
        assert pond.ducks == ["mine", "last 0", "last 1"]

    crossing(body)


def test_twisted_s_mirror_comes_home_as_our_original(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        pond = Pond("mine")
        await root.callRemote("take_pond", pond)
        assert await root.callRemote("pond_back") is pond
        back = await root.callRemote("echo", [pond, {"k": pond}])
        assert back[0] is pond and back[1]["k"] is pond
        await root.callRemote("drop_pond")
        await eventually(lambda: pond.stopped, 1)
        assert await root.callRemote("echo", pond) is pond  # it sends `decache` first, and the answer that names it then
        await eventually(lambda: pond.stopped, 2)

    crossing(body)


def test_twisted_s_mirror_fails_and_the_publisher_goes_on(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        pond = Pond("mine")
        await root.callRemote("take_pond", pond)
        (exploding,), (missing,) = pond.change("explode", "bang"), pond.change("nosuch", "x")
        assert await outcome(exploding) == ["error", "builtins.ValueError", "bang"]
        assert (await outcome(missing))[0] == "error"
        pond.change("add", "new")
        assert await root.callRemote("pond_ducks") == ["mine", "new"]
        await root.callRemote("drop_pond")
        await eventually(lambda: pond.stopped, 1)

    crossing(body)


def test_caches_end_with_their_connection_in_both_directions(
    server: Serving, crossing: Callable[[Body], None]
) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        stopped = await nobody_observes(root)
        mine = Pond("mine")
        async with connected(server.port) as other:
            theirs = await other.root.callRemote("pond")
            await other.root.callRemote("take_pond", mine)
            assert await root.callRemote("observers") == 1
        assert mine.stopped == 1 and mine.observers == []
        await eventually(lambda: root.callRemote("stopped"), stopped + 1)
        assert theirs.ducks == await root.callRemote("ducks")

    crossing(body)


# --- by reference -----------------------------------------------------------------------------------------------


def test_references_of_twisted_are_called_sent_home_and_counted(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        before = await root.callRemote("live_references")
        thing = await root.callRemote("same_thing")
        assert type(thing) is likewise.RemoteReference
        assert await thing.callRemote("ping", [1, (2,)]) == ["pong", [1, (2,)]]
        assert await root.callRemote("same_thing") is thing
        assert await root.callRemote("things", 3) == [thing] * 3
        assert await root.callRemote("is_same_thing", thing) is True
        assert await root.callRemote("is_mine", await root.callRemote("thing")) is True
        assert await root.callRemote("echo", [thing, {"k": thing}]) == [thing, {"k": thing}]
        assert await root.callRemote("describe", {"k": thing}) == "dict{str 'k': own Thing}"
        gc.collect(1)
        await eventually(lambda: root.callRemote("live_references"), before + 1)
        del thing
        gc.collect(1)
        await eventually(lambda: root.callRemote("live_references"), before)

    crossing(body)


def test_references_of_ours_are_called_kept_and_dropped(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        mine, held = MyThing(), connection._broker.tables
        assert await root.callRemote("call", mine, {"x": [1]}) == ["my pong", {"x": [1]}]
        assert mine.pings == [{"x": [1]}]
        await eventually(lambda: held.sizes()["exported"], 0)
        assert [await root.callRemote("keep", each) for each in (mine, mine, MyThing())] == [1, 2, 3]
        assert held.sizes()["exported"] == 2
        assert await root.callRemote("call_kept", 1) == ["my pong", 1] and len(mine.pings) == 1
        one, two, other = await root.callRemote("kept")
        assert one is mine and two is mine and type(other) is MyThing and other.pings == [1]
        await root.callRemote("drop")
        await eventually(lambda: held.sizes()["exported"], 0)

    crossing(body)


def test_a_reference_of_ours_comes_home_as_the_object(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        mine = MyThing()
        assert await root.callRemote("echo", mine) is mine  # unkept: `decref` comes before the answer that names it
        back = await root.callRemote("echo", [mine, (mine, {"k": mine})])
        assert back[0] is mine and back[1][0] is mine and back[1][1]["k"] is mine
        await root.callRemote("keep", mine)
        assert await root.callRemote("kept") == [mine]
        await root.callRemote("drop")

    crossing(body)


def test_calls_inside_calls_eight_deep(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        class Digger(likewise.Referenceable):
            async def remote_ping(self, depth: int) -> Any:
                return await root.callRemote("call", self, depth - 1) if depth else "bottom"

        assert await root.callRemote("call", Digger(), 8) == "bottom"

    crossing(body)


# --- told who calls ---------------------------------------------------------------------------------------------


def test_avatars_and_views_know_who_calls(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        ada, bob = await root.callRemote("enter", "Ada"), await root.callRemote("enter", "Bob")
        assert [await each.callRemote("whoami") for each in (ada, bob)] == ["Ada", "Bob"]
        of_ada, of_bob = await ada.callRemote("doc"), await bob.callRemote("doc")
        assert of_ada is not of_bob and await ada.callRemote("doc") is of_ada
        assert [await each.callRemote("whoami") for each in (of_ada, of_bob)] == ["Ada", "Bob"]
        assert await of_ada.callRemote("args", 1, "two", k=3) == ("Ada", (1, "two"), {"k": 3})
        assert await (await root.callRemote("doc")).callRemote("whoami") is None
        assert (await ada.callRemote("frog")).seen_by == "Ada"
        assert (await root.callRemote("frog")).seen_by is None

    crossing(body)


def test_twisted_calls_a_view_of_ours(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        doc, visitor = peer.Doc(), peer.Visitor("Ada", peer.Doc())
        assert await root.callRemote("call", doc, "x") == ["viewed", None, "x"]
        view = likewise.ViewPoint(visitor, doc)
        assert await root.callRemote("call", view, "x") == ["viewed", "Ada", "x"]
        assert await root.callRemote("call_and_catch", visitor, "whoami") == ["no error", "str 'Ada'"]
        assert await root.callRemote("keep", view) == 1
        assert (await root.callRemote("kept"))[0] is view
        await root.callRemote("drop")

    crossing(body)


# --- errors -----------------------------------------------------------------------------------------------------


def test_errors_of_twisted_known_and_unknown(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        for method, args in (("raise_value_error", ("bang",)), ("raise_later", ("value", "bang"))):
            with pytest.raises(likewise.RemoteError) as unknown:
                await root.callRemote(method, *args)
            error = unknown.value
            assert (error.type, error.text, error.traceback) == ("builtins.ValueError", "bang", "")
            assert error.check(ValueError) and not error.check(KeyError) and error.id > 0
        for method, args in (("raise_pb_error", ("planned",)), ("raise_later", ("known", "planned"))):
            with pytest.raises(likewise.RemoteError) as known:
                await root.callRemote(method, *args)
            assert (known.value.type, known.value.text) == ("interop.KnownError", "planned")
            assert known.value.check("twisted.spread.pb.Error")
        with pytest.raises(peer.JellyError) as jellied:
            await root.callRemote("raise_jellyable", "all of me", 42)
        assert (jellied.value.text, jellied.value.code) == ("all of me", 42)
        with pytest.raises(likewise.NoSuchMethod, match="nosuch"):
            await root.callRemote("nosuch", 1)
        with pytest.raises(likewise.RemoteError) as wrong:
            await root.callRemote("nothing", 1)
        assert wrong.value.check(TypeError)

    crossing(body)


def test_an_error_class_that_is_registered_is_raised_as_itself(server: Serving) -> None:
    async def whole() -> None:
        address = f"tcp://127.0.0.1:{server.port}"
        async with asyncio.timeout(TIMEOUT), likewise.connect(address, accept=[peer.KnownError]) as connection:
            with pytest.raises(peer.KnownError, match=r"^planned$"):
                await connection.root.callRemote("raise_pb_error", "planned")

    asyncio.run(whole())


def test_errors_of_ours_at_twisted(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        async def caught(method: str, *args: Any) -> Any:
            return await root.callRemote("call_and_catch", MyThing(), method, *args)

        assert await caught("fail_known", "as planned") == ["interop.KnownError", "as planned"]
        assert await caught("fail", "unforeseen") == ["builtins.ValueError", "unforeseen"]
        assert await caught("fail_jelly", "all of me", 42) == ["interop.JellyError", "all of me"]
        assert (await caught("nosuch"))[0] == "twisted.spread.flavors.NoSuchMethod"
        assert (await caught("ping"))[0] == "builtins.TypeError"
        assert await caught("ping", 1) == ["no error", "list[str 'my pong', int 1]"]
        assert await caught("slow", 1) == ["no error", "int 1"]

    crossing(body)


# --- calls and answers ------------------------------------------------------------------------------------------


def test_answers_come_when_they_are_ready(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        order: list[float] = []

        async def later(seconds: float) -> None:
            order.append(await root.callRemote("later", seconds, seconds))

        await asyncio.gather(*map(later, (0.15, 0.0, 0.05)))
        assert order == [0.0, 0.05, 0.15]
        assert await asyncio.gather(*(root.callRemote("echo", number) for number in range(500))) == list(range(500))

    crossing(body)


def test_calls_without_an_answer(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        await root.callRemote("notes")
        for number in range(5):
            root.callRemoteOnly("note", [number])
        root.callRemoteOnly("nosuch")
        root.callRemoteOnly("raise_later", "value", "nobody hears")
        root.callRemoteOnly("echo", Stranger())
        assert connection._broker.unanswered == 0
        assert await root.callRemote("notes") == [[0], [1], [2], [3], [4]]

    crossing(body)


def test_a_call_that_is_given_up_leaves_the_connection_good(crossing: Callable[[Body], None]) -> None:
    async def body(connection: likewise.Connection, root: likewise.RemoteReference) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await root.callRemote("later", 0.1, "too late")
        assert await root.callRemote("echo", 1) == 1
        await eventually(lambda: connection._broker.unanswered, 0)  # its answer came, and was nobody's

    crossing(body)


def test_every_call_settles_when_twisted_closes_the_connection(server: Serving) -> None:
    async def whole() -> None:
        async with asyncio.timeout(TIMEOUT), connected(server.port) as connection:
            told: list[Any] = []
            connection.root.notifyOnDisconnect(told.append)
            connection.notifyOnDisconnect(told.append)
            pending = connection.root.callRemote("later", 30.0)
            leaving = connection.root.callRemote("goodbye")
            with pytest.raises(likewise.ConnectionClosed):
                await pending
            await asyncio.wait([leaving])
            await connection.wait_closed()
            assert connection in told and len(told) == 2 and not connection.is_open
            with pytest.raises(likewise.ConnectionClosed):
                connection.root.callRemote("nothing")

    asyncio.run(whole())


def test_shutdown_ends_the_server_s_process() -> None:
    async def whole(port: int) -> None:
        async with asyncio.timeout(TIMEOUT), connected(port) as connection:
            assert await connection.root.callRemote("shutdown") is None
            await connection.wait_closed()

    with twisted_server() as serving:
        asyncio.run(whole(serving.port))
        assert serving.program.end() == (0, [f"READY {serving.port}"], "")
