"""A real Twisted PB client that runs named scenarios against a server which offers what SURFACE.md lists.

    python twisted_client.py PORT SCENARIO...  exit code 0 or 1, for each a line of JSON: scenario, ok, saw (and error)
    python twisted_client.py PORT --all        all of them
    python twisted_client.py --list            the names of all scenarios
    python twisted_client.py --faults          JSON: scenarios that fail where the server is Twisted, and why

Each scenario has connections of its own. They compare what they see with what was there before, so one server may
serve them all, one after another. Each is over within 20 seconds, one way or the other.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import twisted_server as peer
from surface import UNSENDABLE, VALUES, Plain
from twisted.internet import defer, reactor
from twisted.python import log
from twisted.spread import banana, pb
from twisted_server import describe, outcome

TIMEOUT = 20.0

# Against a Twisted server these fail by Twisted's own fault. Against any other they have to pass.
FAULTS_OF_TWISTED = {
    "copyable_own_friend_sent": "a RemoteCopy that refers to itself arrives holding a _Dereference",
    "answer_unsendable_int_too_large": "an answer that banana refuses ends the connection, not the call",
    "answer_unsendable_bytes_too_long": "an answer that banana refuses ends the connection, not the call",
    "answer_unsendable_function": "jelly writes its name as a str, banana refuses that, the connection ends",
    "answer_unsendable_plain_instance": "a plain instance goes out silently as `unpersistable`",
    "answer_unsendable_int_subclass": "a subclass of int goes out silently as `unpersistable`",
    "answer_unsendable_str_subclass": "a subclass of str goes out silently as `unpersistable`",
    "answer_unsendable_list_subclass": "a subclass of list goes out silently as `unpersistable`",
    "chapter_pond_with_ten_observers": "stoppedObserving gets a new observer whose == compares brokers by <",
    "reference_sent_twice_is_one_object": "it makes a new RemoteReference, equal but not the same, each time",
    "reference_sent_comes_home_unkept": "its decref goes out before the answer `local`, which finds nothing",
    "cacheable_sent_comes_home_unkept": "the same with `decache` and `lcache`; the connection ends",
    "unknown_command": "the reply didNotUnderstand holds a str, banana refuses it, and the connection ends",
    "unknown_references_released": "a decref, decache or answer with an unknown number ends the connection",
}


class Peer:
    """One connection to the server."""

    def __init__(self, root: pb.RemoteReference) -> None:
        self.root = root
        self.broker = root.broker
        self.gone: defer.Deferred[None] = defer.Deferred()
        self.broker.notifyOnDisconnect(lambda: self.gone.callback(None))

    def call(self, method: str, *args: Any, **kw: Any) -> defer.Deferred[Any]:
        return self.root.callRemote(method, *args, **kw)

    async def failure(self, method: str, *args: Any, **kw: Any) -> Any:
        """The Failure that the call ends in."""
        failures: list[Any] = []
        answer = await self.call(method, *args, **kw).addErrback(failures.append)
        assert failures, f"{method} answered {answer!r} and should have failed"
        return failures[0]

    async def error(self, method: str, *args: Any, **kw: Any) -> list[str]:
        return peer.seen(await self.failure(method, *args, **kw))

    def references(self) -> int:
        return len(self.broker.localObjects)

    def close(self) -> defer.Deferred[None]:
        if not self.broker.disconnected:
            self.broker.transport.loseConnection()
        return self.gone


class Here:
    """What a scenario is given."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.peers: list[Peer] = []
        self.expected: tuple[str, ...] = ()

    async def connect(self) -> Peer:
        factory = pb.PBClientFactory()
        reactor.connectTCP("127.0.0.1", self.port, factory)
        self.peers.append(Peer(await factory.getRootObject()))
        return self.peers[-1]

    def expect_logged(self, *names: str) -> None:
        """What this side's own methods raise; Twisted logs it. Anything else logged is a failure."""
        self.expected += names


Scenario = Callable[[Here, Peer], Awaitable[Any]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


def same(got: Any, wanted: Any) -> Any:
    assert type(got) is type(wanted) and got == wanted, f"{got!r} and not {wanted!r}"
    return got


def sleep(seconds: float) -> defer.Deferred[None]:
    d: defer.Deferred[None] = defer.Deferred()
    reactor.callLater(seconds, d.callback, None)
    return d


async def eventually(read: Callable[[], Any], wanted: Any, within: float = 5.0) -> Any:
    """Read, here or there, until it is so: what a collector or a lost peer sets off has no fixed time."""
    deadline = reactor.seconds() + within
    while True:
        got = read()
        if inspect.isawaitable(got):
            got = await got
        if got == wanted:
            return got
        assert reactor.seconds() < deadline, f"still {got!r} and not {wanted!r} after {within} s"
        await sleep(0.005)


async def stays(read: Callable[[], Any], wanted: Any) -> None:
    """It is so now, and after a few round trips."""
    for _ in range(3):
        got = read()
        same(await got if inspect.isawaitable(got) else got, wanted)


class MyThing(peer.Thing):
    def __init__(self) -> None:
        self.pings: list[Any] = []

    def remote_ping(self, x: Any) -> list[Any]:
        self.pings.append(x)
        return ["my pong", x]


# --- basic values ---------------------------------------------------------------------------------


def _value_scenario(name: str) -> None:
    async def value(here: Here, there: Peer) -> Any:
        wanted = describe(VALUES[name]())
        sent = await there.call("describe", VALUES[name]())
        assert sent == wanted, f"sent {wanted[:300]}, arrived as {sent[:300]}"
        received = describe(await there.call("give", name))
        assert received == wanted, f"received {received[:300]} and not {wanted[:300]}"
        echoed = describe(await there.call("echo", VALUES[name]()))
        assert echoed == wanted, f"echoed {echoed[:300]} and not {wanted[:300]}"
        return wanted if len(wanted) < 300 else f"{wanted[:300]}..."

    SCENARIOS[f"value_{name}"] = value


for _name in VALUES:
    _value_scenario(_name)


@scenario
async def several_values_in_one_call(here: Here, there: Peer) -> Any:
    """Positional and keyword arguments are two graphs: what is shared stays shared inside each."""
    inner = [1]
    args, kw = await there.call("args", inner, (inner,), k=inner, m={"in": inner})
    assert args[0] is args[1][0] and kw["k"] is kw["m"]["in"]
    assert type(args) is tuple and args == ([1], ([1],)) and kw == {"k": [1], "m": {"in": [1]}}
    return [describe(args), describe(kw)]


@scenario
async def same_object_twice(here: Here, there: Peer) -> Any:
    value: list[Any] = []
    same(await there.call("same_twice", value, value), True)
    same(await there.call("same_twice", [], []), False)
    value.append(value)
    same(await there.call("same_twice", value, value[0]), True)
    return None


@scenario
async def keyword_arguments(here: Here, there: Peer) -> Any:
    args, kw = await there.call("args", 1, "two", name="n", self_=None, key=[3], **{"cl\u00e9": 4})
    same(args, (1, "two"))
    same(kw, {"name": "n", "self_": None, "key": [3], "cl\u00e9": 4})
    same(await there.call("args"), ((), {}))
    return describe(kw)


@scenario
async def too_large_int_is_refused_here(here: Here, there: Peer) -> Any:
    """Twisted raises at once and sends nothing; the connection and its numbering live on."""
    here.expect_logged("PBConnectionLost")  # Twisted goes on waiting for the answers of these calls
    for value in (2**448, -(2**448), b"x" * 655_361, "x" * 655_361):
        try:
            await there.call("echo", value)
        except banana.BananaError:
            pass
        else:
            raise AssertionError("it was sent")
    return same(await there.call("echo", 2**448 - 1), 2**448 - 1) % 1000


def _unsendable_scenario(name: str) -> None:
    async def unsendable(here: Here, there: Peer) -> Any:
        saw = await there.error("give", name)
        assert saw[0] != "twisted.spread.pb.PBConnectionLost", "the connection was lost"
        same(await there.call("echo", "still here"), "still here")
        return saw

    SCENARIOS[f"answer_unsendable_{name}"] = unsendable


for _name in UNSENDABLE:
    _unsendable_scenario(_name)


# --- by copy --------------------------------------------------------------------------------------


@scenario
async def copyable_received(here: Here, there: Peer) -> Any:
    frog = await there.call("frog", "Kermit", legs=3)
    assert type(frog) is peer.Frog
    return same(frog.__dict__, {"name": "Kermit", "legs": 3, "seen_by": None})


@scenario
async def copyable_sent(here: Here, there: Peer) -> Any:
    saw = await there.call("frog_fields", peer.Frog("Kermit", 3, bag={"flies": [b"f", (1, 2.5)]}))
    same(saw, {"name": "Kermit", "legs": 3, "bag": {"flies": [b"f", (1, 2.5)]}, "seen_by": None})
    return describe(saw)


@scenario
async def copyable_round_trip(here: Here, there: Peer) -> Any:
    frog = peer.Frog("Kermit", inside=[peer.Frog("Tad", 0)])
    back = await there.call("echo", frog)
    assert type(back) is peer.Frog and back is not frog and not hasattr(back, "secret")
    return same(
        describe(back),
        "Frog{inside: list[Frog{legs: int 0, name: str 'Tad', seen_by: None}], legs: int 4, "
        "name: str 'Kermit', seen_by: None}",
    )


@scenario
async def copyables_nested_and_shared(here: Here, there: Peer) -> Any:
    got = await there.call("frogs_shared")
    frog = got["left"]
    assert type(frog) is peer.Frog and got["right"] is frog
    assert got["home"].inside[0] is frog and got["home"].inside[1] == ("deep", frog)
    mine = peer.Frog("Mine")
    same(await there.call("same_twice", mine, mine), True)
    same(await there.call("same_twice", mine, peer.Frog("Mine")), False)
    return same(
        await there.call("describe", [mine, {"k": mine}]),
        "list[#1=Frog{legs: int 4, name: str 'Mine', seen_by: None}, dict{str 'k': #1}]",
    )


@scenario
async def copyable_in_own_list(here: Here, there: Peer) -> Any:
    """A cycle by way of a list, which Twisted resolves."""
    frog = await there.call("frog_in_own_list")
    assert type(frog) is peer.Frog and frog.friends[0] is frog and len(frog.friends) == 1
    mine = peer.Frog("Mine")
    mine.friends = [mine]
    return same(await there.call("is_in_own_list", mine), True)


@scenario
async def copyable_own_friend_sent(here: Here, there: Peer) -> Any:
    """An object that refers to itself arrives whole."""
    mine = peer.Frog("Mine")
    mine.friend = mine
    return same(await there.call("is_own_friend", mine), True)


@scenario
async def copyable_by_factory(here: Here, there: Peer) -> Any:
    toad = await there.call("toad", 12)
    assert type(toad) is peer.FactoryToad
    same(toad.state, {"warts": 12})
    return same(await there.call("toad_state", peer.Toad(13)), {"warts": 13})


@scenario
async def copyable_with_own_tag_and_list_state(here: Here, there: Peer) -> Any:
    newt = await there.call("newt", 1, 2)
    assert type(newt) is peer.Newt
    same(newt.spots, [1, 2])
    return same(await there.call("newt_spots", peer.Newt(3, 4)), [3, 4])


def _is_insecure_jelly(saw: list[str], names: str) -> list[str]:
    same(saw[0], "twisted.spread.jelly.InsecureJelly")
    assert names in saw[1], f"{names} is not named in {saw[1]!r}"
    return saw


@scenario
async def copyable_unregistered_sent(here: Here, there: Peer) -> Any:
    """The server refuses it; the connection lives on."""
    saw = _is_insecure_jelly(await there.error("echo", peer.Stranger()), "interop.Stranger")
    _is_insecure_jelly(await there.error("echo", [1, {"k": (peer.Stranger(),)}]), "interop.Stranger")
    same(await there.call("echo", 1), 1)
    return saw


@scenario
async def copyable_unregistered_received(here: Here, there: Peer) -> Any:
    """This side refuses it, and the server hears why. (In an answer, Twisted would lose the connection.)"""
    here.expect_logged("InsecureJelly")
    mine = MyThing()
    kind, *saw = await there.call("send_stranger", mine)
    same(kind, "error")
    _is_insecure_jelly(saw, "interop.Stranger")
    same(mine.pings, [])
    same(await there.call("call", mine, 1), ["my pong", 1])
    return saw


@scenario
async def plain_instance_sent(here: Here, there: Peer) -> Any:
    """Twisted writes `unpersistable`: it may arrive as a mark of that, or be refused, and nothing worse."""
    saw = await outcome(there.call("describe", Plain()))
    assert saw[0] == "error" or saw[1] == "Unpersistable", saw
    same(await there.call("echo", 1), 1)
    return saw


@scenario
async def class_sent(here: Here, there: Peer) -> Any:
    saw = await there.error("echo", int)
    same(saw[0], "twisted.spread.jelly.InsecureJelly")
    same(await there.call("echo", 1), 1)
    return saw


# --- by cache -------------------------------------------------------------------------------------


async def _pond_alone(there: Peer) -> int:
    """Wait until nobody observes the pond (an earlier client may just be leaving). How many have stopped?"""
    await eventually(lambda: there.call("observers"), 0)
    return await there.call("stopped")


@scenario
async def cacheable_received(here: Here, there: Peer) -> Any:
    stopped = await _pond_alone(there)
    pond = await there.call("pond")
    assert type(pond) is peer.PondCache
    before = await there.call("ducks")
    same(pond.ducks, before)
    same(await there.call("observers"), 1)
    same(await there.call("change", "add", "ugly"), len(before) + 1)
    same(pond.ducks, [*before, "ugly"])  # the update came before the answer
    same(await there.call("change", "remove", "ugly"), len(before))
    same(pond.ducks, before)
    saw = same(pond.heard, [["add", "ugly"], ["remove", "ugly"]])
    same(await there.call("stopped"), stopped)
    del pond
    gc.collect()
    await eventually(lambda: there.call("stopped"), stopped + 1)
    same(await there.call("observers"), 0)
    await eventually(lambda: len(there.broker.locallyCachedObjects), 0)  # `uncache` came
    return saw


@scenario
async def cacheable_received_again_after_release(here: Here, there: Peer) -> Any:
    stopped = await _pond_alone(there)
    numbers = []
    for turn in range(3):
        pond = await there.call("pond")
        numbers.append(pond.luid)
        await there.call("change", "add", "turn")
        same(pond.heard, [["add", "turn"]])
        await there.call("change", "remove", "turn")
        del pond
        gc.collect()
        await eventually(lambda: there.call("observers"), 0)
        same(await there.call("stopped"), stopped + turn + 1)
    assert len(set(numbers)) == 3, numbers
    return "three numbers"


@scenario
async def cacheable_received_twice(here: Here, there: Peer) -> Any:
    """Sent again while it is held: one state, one observer, and the end only with the last holder."""
    stopped = await _pond_alone(there)
    one = await there.call("pond")
    two = await there.call("pond")
    assert one.__dict__ is two.__dict__
    same(await there.call("observers"), 1)
    await there.call("change", "add", "ugly")
    same(two.heard, [["add", "ugly"]])
    del one
    gc.collect()
    await stays(lambda: there.call("stopped"), stopped)
    await there.call("change", "remove", "ugly")
    same(two.heard, [["add", "ugly"], ["remove", "ugly"]])
    del two
    gc.collect()
    await eventually(lambda: there.call("stopped"), stopped + 1)
    return None


@scenario
async def cacheable_received_twice_in_one_message(here: Here, there: Peer) -> Any:
    stopped = await _pond_alone(there)
    first = await there.call("pond_twice")
    assert first[0] is first[1]
    second = await there.call("pond_twice")
    assert {id(pond.__dict__) for pond in first + second} == {id(first[0].__dict__)}
    same(await there.call("observers"), 1)
    del first
    gc.collect()
    await stays(lambda: there.call("stopped"), stopped)
    del second
    gc.collect()
    await eventually(lambda: there.call("stopped"), stopped + 1)
    return None


@scenario
async def cacheable_received_goes_home(here: Here, there: Peer) -> Any:
    await _pond_alone(there)
    pond = await there.call("pond")
    same(await there.call("is_my_pond", pond), True)
    same(await there.call("is_my_pond", [pond]), False)
    same(await there.call("same_twice", pond, pond), True)
    assert (await there.call("echo", pond)).__dict__ is pond.__dict__
    return same(await there.call("describe", [pond]), "list[own Pond]")


@scenario
async def cacheable_observer_gets_answers(here: Here, there: Peer) -> Any:
    """An observer's callRemote is a call like any other: it has an answer, or an error."""
    here.expect_logged("ValueError", "AttributeError")
    await _pond_alone(there)
    pond = await there.call("pond")
    count = len(pond.ducks)
    same(await there.call("change_and_wait", "add", "ugly"), [["answer", count + 1]])
    same(await there.call("change_and_wait", "remove", "ugly"), [["answer", count]])
    same(await there.call("change_and_wait", "explode", "bang"), [["error", "builtins.ValueError", "bang"]])
    saw = await there.call("change_and_wait", "nosuch", "x")
    same(saw[0][:2], ["error", "builtins.AttributeError"])
    return saw


@scenario
async def cacheable_received_by_two(here: Here, there: Peer) -> Any:
    """Two connections follow the pond; one leaves, the other misses nothing."""
    stopped = await _pond_alone(there)
    other = await here.connect()
    mine, theirs = await there.call("pond"), await other.call("pond")
    same(await there.call("observers"), 2)
    await there.call("change", "add", "a")
    await other.call("nothing")  # the update was written to that connection before this answer
    same(mine.heard, [["add", "a"]])
    same(theirs.heard, [["add", "a"]])
    await other.close()
    await eventually(lambda: there.call("stopped"), stopped + 1)
    same(await there.call("observers"), 1)
    await there.call("change", "remove", "a")
    same(mine.heard, [["add", "a"], ["remove", "a"]])
    return same(theirs.heard, [["add", "a"]])


@scenario
async def chapter_pond_with_ten_observers(here: Here, there: Peer) -> Any:
    """The documentation's own pattern: observers come, and go in any order; nobody misses a change."""
    await eventually(lambda: there.call("chapter_observers"), 0)
    others = [await here.connect() for _ in range(10)]
    ponds = [await one.call("chapter_pond") for one in others]
    for leaver in (4, 9, 0):
        await others[leaver].close()
    await eventually(lambda: there.call("chapter_observers"), 7)
    ponds[5] = None
    gc.collect()
    await eventually(lambda: there.call("chapter_observers"), 6)
    await there.call("chapter_add", "late")
    for number in (1, 2, 3, 6, 7, 8):
        await others[number].call("nothing")
        assert ponds[number].ducks[-1] == "late", number
    return 6


@scenario
async def cacheable_sent(here: Here, there: Peer) -> Any:
    pond = peer.Pond("mine")
    same(await there.call("take_pond", pond), 1)
    same(len(pond.observers), 1)
    same(await there.call("pond_ducks"), ["mine"])
    same(await defer.gatherResults(pond.change("add", "new")), [2])
    same(await there.call("pond_ducks"), ["mine", "new"])
    pond.change("remove", "mine")
    pond.change("add", "last")
    same(await there.call("pond_ducks"), ["new", "last"])  # in order, ahead of the call
    saw = same(await there.call("pond_heard"), [["add", "new"], ["remove", "mine"], ["add", "last"]])
    same(pond.stopped, 0)
    await there.call("drop_pond")
    await eventually(lambda: pond.stopped, 1)
    same(pond.observers, [])
    same(len(there.broker.remotelyCachedObjects), 0)
    pond.change("add", "unseen")
    same(await there.call("echo", 1), 1)
    return saw


@scenario
async def cacheable_sent_again_after_release(here: Here, there: Peer) -> Any:
    pond = peer.Pond("mine")
    for turn in range(3):
        await there.call("take_pond", pond)
        pond.change("add", str(turn))
        same(await there.call("pond_heard"), [["add", str(turn)]])
        await there.call("drop_pond")
        await eventually(lambda: pond.stopped, turn + 1)
    return same(pond.ducks, ["mine", "0", "1", "2"])


@scenario
async def cacheable_sent_twice(here: Here, there: Peer) -> Any:
    pond = peer.Pond("mine")
    same(await there.call("take_pond", pond), 1)
    same(await there.call("take_pond", pond), 2)
    same(len(pond.observers), 1)
    same(await there.call("drop_one_pond"), 1)
    await stays(lambda: there.call("nothing"), None)
    same(pond.stopped, 0)
    pond.change("add", "new")
    same(await there.call("pond_ducks"), ["mine", "new"])
    await there.call("drop_pond")
    await eventually(lambda: pond.stopped, 1)
    same(await there.call("same_twice", pond, pond), True)
    await eventually(lambda: pond.stopped, 2)
    return None


@scenario
async def cacheable_sent_comes_home(here: Here, there: Peer) -> Any:
    pond = peer.Pond("mine")
    await there.call("take_pond", pond)
    assert await there.call("pond_back") is pond
    assert await there.call("echo", pond) is pond
    back = await there.call("echo", [pond, {"k": pond}])
    assert back[0] is pond and back[1]["k"] is pond
    await there.call("drop_pond")
    await eventually(lambda: pond.stopped, 1)
    return None


@scenario
async def cacheable_sent_and_its_observer_fails(here: Here, there: Peer) -> Any:
    pond = peer.Pond("mine")
    await there.call("take_pond", pond)
    saw = [await outcome(pond.change("explode", "bang")[0]), await outcome(pond.change("nosuch", "x")[0])]
    assert saw[0][:2] == ["error", "builtins.ValueError"] and "bang" in saw[0][2], saw
    same(saw[1][0], "error")
    pond.change("add", "new")
    same(await there.call("pond_ducks"), ["mine", "new"])
    await there.call("drop_pond")
    await eventually(lambda: pond.stopped, 1)
    return saw


@scenario
async def cacheables_end_with_the_connection(here: Here, there: Peer) -> Any:
    """The server's observer ends when this connection does, and so does ours."""
    stopped = await _pond_alone(there)
    other = await here.connect()
    theirs = await other.call("pond")
    mine = peer.Pond("mine")
    await other.call("take_pond", mine)
    same(await there.call("observers"), 1)
    await other.close()
    same(mine.stopped, 1)
    await eventually(lambda: there.call("stopped"), stopped + 1)
    same(await there.call("observers"), 0)
    return len(theirs.ducks)


# --- by reference ---------------------------------------------------------------------------------


@scenario
async def reference_received(here: Here, there: Peer) -> Any:
    thing = await there.call("thing")
    assert type(thing) is pb.RemoteReference
    same(await thing.callRemote("ping", [1, (2,)]), ["pong", [1, (2,)]])
    other = await there.call("thing")
    assert other != thing
    same(await other.callRemote("ping", None), ["pong", None])
    return await there.call("describe", [MyThing()])


@scenario
async def reference_received_goes_home(here: Here, there: Peer) -> Any:
    thing = await there.call("same_thing")
    same(await there.call("is_same_thing", thing), True)
    same(await there.call("is_mine", await there.call("thing")), True)
    same(await there.call("is_same_thing", await there.call("thing")), False)
    same(await there.call("is_mine", MyThing()), False)
    same(await there.call("same_twice", thing, thing), True)
    assert await there.call("echo", thing) == thing
    return same(await there.call("describe", {"k": thing}), "dict{str 'k': own Thing}")


@scenario
async def reference_received_is_counted(here: Here, there: Peer) -> Any:
    before = await there.call("live_references")
    one, two = await there.call("same_thing"), await there.call("same_thing")
    assert one == two
    same(await there.call("live_references"), before + 1)
    del one
    gc.collect()
    await stays(lambda: there.call("live_references"), before + 1)
    same(await two.callRemote("ping", 1), ["pong", 1])
    del two
    gc.collect()
    await eventually(lambda: there.call("live_references"), before)
    many = await there.call("things", 5)
    same(await there.call("live_references"), before + 1)
    last = many.pop()
    del many
    gc.collect()
    await stays(lambda: there.call("live_references"), before + 1)
    same(await last.callRemote("ping", 2), ["pong", 2])
    del last
    gc.collect()
    await eventually(lambda: there.call("live_references"), before)
    return before


@scenario
async def references_received_and_dropped(here: Here, there: Peer) -> Any:
    before = await there.call("live_references")
    things = [await there.call("thing") for _ in range(20)]
    same(await there.call("live_references"), before + 20)
    del things[::2]
    gc.collect()
    await eventually(lambda: there.call("live_references"), before + 10)
    assert [await thing.callRemote("ping", 1) for thing in things] == [["pong", 1]] * 10
    things.clear()
    gc.collect()
    return await eventually(lambda: there.call("live_references"), before)


@scenario
async def reference_sent(here: Here, there: Peer) -> Any:
    """The server calls back while our call is pending."""
    before = there.references()
    mine = MyThing()
    saw = same(await there.call("call", mine, {"x": [1]}), ["my pong", {"x": [1]}])
    same(mine.pings, [{"x": [1]}])
    gc.collect()
    await eventually(there.references, before)
    return saw


@scenario
async def reference_sent_is_kept_and_dropped(here: Here, there: Peer) -> Any:
    before = there.references()
    mine = MyThing()
    same(await there.call("keep", mine), 1)
    same(await there.call("keep", mine), 2)
    same(await there.call("keep", MyThing()), 3)
    same(there.references(), before + 2)
    await there.call("call_kept", 1)
    same(mine.pings, [])
    back = await there.call("kept")
    assert back[0] is mine and back[1] is mine and back[2] is not mine and type(back[2]) is MyThing
    same(back[2].pings, [1])
    same(there.references(), before + 2)
    await there.call("drop")
    return await eventually(there.references, before)


@scenario
async def reference_sent_comes_home(here: Here, there: Peer) -> Any:
    before = there.references()
    mine = MyThing()
    await there.call("keep", mine)
    assert await there.call("echo", mine) is mine
    back = await there.call("echo", [mine, (mine, {"k": mine})])
    assert back[0] is mine and back[1][0] is mine and back[1][1]["k"] is mine
    await there.call("drop")
    return await eventually(there.references, before)


@scenario
async def reference_sent_twice_is_one_object(here: Here, there: Peer) -> Any:
    before = there.references()
    mine = MyThing()
    same(await there.call("same_twice", mine, MyThing()), False)
    same(await there.call("same_twice", mine, mine), True)
    return await eventually(there.references, before)


@scenario
async def reference_sent_comes_home_unkept(here: Here, there: Peer) -> Any:
    """The answer that brings it home must not be overtaken by the decref of the server's only reference."""
    before = there.references()
    mine = MyThing()
    assert await there.call("echo", mine) is mine
    back = await there.call("echo", [mine, (mine,)])
    assert back[0] is mine and back[1][0] is mine
    return await eventually(there.references, before)


@scenario
async def cacheable_sent_comes_home_unkept(here: Here, there: Peer) -> Any:
    """The same for `decache`."""
    pond = peer.Pond("mine")
    assert await there.call("echo", pond) is pond
    await eventually(lambda: pond.stopped, 1)
    return None


@scenario
async def calls_inside_calls(here: Here, there: Peer) -> Any:
    """We answer the server's call only when a call of ours to the server has been answered, eight deep."""

    class Digger(pb.Referenceable):
        def remote_ping(self, depth: int) -> Any:
            return there.call("call", self, depth - 1) if depth else "bottom"

    return same(await there.call("call", Digger(), 8), "bottom")


@scenario
async def unknown_object_called(here: Here, there: Peer) -> Any:
    saw = await outcome(there.broker._sendMessage(b"", None, 9999, b"ping", (1,), {}))
    same(saw[0], "error")
    same(await there.call("echo", 1), 1)
    return saw


# --- told who calls -------------------------------------------------------------------------------


@scenario
async def avatar_and_viewpoint(here: Here, there: Peer) -> Any:
    ada, bob = await there.call("enter", "Ada"), await there.call("enter", "Bob")
    same(await ada.callRemote("whoami"), "Ada")
    same(await bob.callRemote("whoami"), "Bob")
    same(await ada.callRemote("args", 1, k=[2]), ((1,), {"k": [2]}))
    of_ada, of_bob = await ada.callRemote("doc"), await bob.callRemote("doc")
    assert of_ada != of_bob
    same(await of_ada.callRemote("whoami"), "Ada")
    same(await of_bob.callRemote("whoami"), "Bob")
    assert await ada.callRemote("doc") == of_ada
    return same(await of_ada.callRemote("args", 1, "two", k=3), ("Ada", (1, "two"), {"k": 3}))


@scenario
async def viewable_without_a_perspective(here: Here, there: Peer) -> Any:
    return same(await (await there.call("doc")).callRemote("whoami"), None)


@scenario
async def viewable_sent(here: Here, there: Peer) -> Any:
    doc = peer.Doc()
    return same(await there.call("call", doc, "x"), ["viewed", None, "x"])


@scenario
async def copyable_state_for_a_perspective(here: Here, there: Peer) -> Any:
    frog = await (await there.call("enter", "Ada")).callRemote("frog")
    same((await there.call("frog")).seen_by, None)
    return same(frog.__dict__, {"name": "Fred", "legs": 4, "seen_by": "Ada"})


@scenario
async def avatar_and_viewpoint_without_such_a_method(here: Here, there: Peer) -> Any:
    ada = await there.call("enter", "Ada")
    doc = await ada.callRemote("doc")
    saw = [await outcome(ada.callRemote("nosuch")), await outcome(doc.callRemote("nosuch"))]
    for kind, name, _ in saw:
        assert kind == "error"
        assert name in ("builtins.AttributeError", "twisted.spread.flavors.NoSuchMethod"), name
    return saw


@scenario
async def viewpoints_are_released(here: Here, there: Peer) -> Any:
    before = await there.call("live_references")
    ada = await there.call("enter", "Ada")
    doc = await ada.callRemote("doc")
    same(await there.call("live_references"), before + 2)
    same(await doc.callRemote("whoami"), "Ada")
    del ada, doc
    gc.collect()
    return await eventually(lambda: there.call("live_references"), before)


# --- errors ---------------------------------------------------------------------------------------


@scenario
async def error_known(here: Here, there: Peer) -> Any:
    failure = await there.failure("raise_pb_error", "as planned")
    same(peer.seen(failure), ["interop.KnownError", "as planned"])
    assert failure.check("interop.KnownError") and failure.check(pb.Error), failure.parents
    assert not failure.check(ValueError)
    return [peer.seen(failure), failure.parents]


@scenario
async def error_unknown(here: Here, there: Peer) -> Any:
    failure = await there.failure("raise_value_error", "unforeseen")
    kind, text = peer.seen(failure)
    same(kind, "builtins.ValueError")
    assert "unforeseen" in text, text
    assert failure.check(ValueError) and failure.check(Exception), failure.parents
    assert not failure.check(pb.Error)
    assert "File " not in failure.traceback, "a traceback crossed"
    try:
        await there.call("raise_value_error", "unforeseen")
    except pb.RemoteError as caught:
        same(caught.remoteType, b"builtins.ValueError")
    return [kind, text, failure.traceback]


@scenario
async def error_jellyable(here: Here, there: Peer) -> Any:
    failure = await there.failure("raise_jellyable", "all of me", 42)
    assert type(failure.value) is peer.JellyError, failure.value
    return same([failure.value.text, failure.value.code], ["all of me", 42])


@scenario
async def error_later(here: Here, there: Peer) -> Any:
    same(await there.error("raise_later", "known", "late"), ["interop.KnownError", "late"])
    kind, text = await there.error("raise_later", "value", "late")
    assert kind == "builtins.ValueError" and "late" in text
    failure = await there.failure("raise_later", "jelly", "late")
    assert type(failure.value) is peer.JellyError
    return same([failure.value.text, failure.value.code], ["late", 7])


@scenario
async def error_no_such_method(here: Here, there: Peer) -> Any:
    saw = await there.error("nosuch", 1)
    same(saw[0], "twisted.spread.flavors.NoSuchMethod")
    assert "nosuch" in saw[1], saw
    thing = await there.call("thing")
    same((await outcome(thing.callRemote("nosuch")))[:2], ["error", saw[0]])
    return saw


@scenario
async def error_wrong_arguments(here: Here, there: Peer) -> Any:
    saw = [await there.error("nothing", 1), await there.error("echo"), await there.error("echo", y=1)]
    assert [kind for kind, _ in saw] == ["builtins.TypeError"] * 3, saw
    return saw


@scenario
async def error_of_ours_is_told_there(here: Here, there: Peer) -> Any:
    """What the server sees when our methods fail."""
    here.expect_logged("ValueError", "TypeError", "NoSuchMethod")
    mine = MyThing()
    known = await there.call("call_and_catch", mine, "fail_known", "as planned")
    same(known, ["interop.KnownError", "as planned"])
    unknown = await there.call("call_and_catch", mine, "fail", "unforeseen")
    same(unknown, ["builtins.ValueError", "unforeseen"])
    jelly = await there.call("call_and_catch", mine, "fail_jelly", "all of me", 42)
    same(jelly, ["interop.JellyError", "all of me"])
    nosuch = await there.call("call_and_catch", mine, "nosuch")
    same(nosuch[0], "twisted.spread.flavors.NoSuchMethod")
    wrong = await there.call("call_and_catch", mine, "ping")
    same(wrong[0], "builtins.TypeError")
    fine = await there.call("call_and_catch", mine, "ping", 1)
    same(fine, ["no error", "list[str 'my pong', int 1]"])
    return [known, unknown, jelly, nosuch, wrong]


@scenario
async def error_of_ours_comes_back(here: Here, there: Peer) -> Any:
    """The server calls us inside our call and lets the failure pass: it stays what it was."""
    here.expect_logged("ValueError")

    class Failing(pb.Referenceable):
        def remote_ping(self, kind: str) -> None:
            raise peer.ERRORS[kind]("far away")

    known = await there.failure("call", Failing(), "known")
    same(peer.seen(known), ["interop.KnownError", "far away"])
    assert known.check("interop.KnownError") and known.check(pb.Error), known.parents
    unknown = await there.failure("call", Failing(), "value")
    same(peer.seen(unknown), ["builtins.ValueError", "far away"])
    assert unknown.check(ValueError) and not unknown.check(pb.Error), unknown.parents
    jelly = await there.failure("call", Failing(), "jelly")
    return same([type(jelly.value), jelly.value.text, jelly.value.code], [peer.JellyError, "far away", 7])


# --- calls and answers ----------------------------------------------------------------------------


@scenario
async def answers_come_when_they_are_ready(here: Here, there: Peer) -> Any:
    order: list[Any] = []
    calls = [there.call("later", seconds, seconds) for seconds in (0.15, 0.0, 0.05)]
    for call in calls:
        call.addCallback(order.append)
    await defer.gatherResults(calls)
    return same(order, [0.0, 0.05, 0.15])


@scenario
async def many_calls_in_flight(here: Here, there: Peer) -> Any:
    order: list[int] = []
    calls = [there.call("echo", number).addCallback(lambda x: order.append(x) or x) for number in range(500)]
    same(await defer.gatherResults(calls), list(range(500)))
    same(order, list(range(500)))
    same(len(there.broker.waitingForAnswers), 0)
    return len(order)


@scenario
async def calls_without_an_answer(here: Here, there: Peer) -> Any:
    await there.call("notes")
    for number in range(5):
        assert there.call("note", [number], pbanswer=False) is None
    there.call("nosuch", pbanswer=False)
    there.call("raise_value_error", "nobody hears", pbanswer=False)
    there.call("raise_later", "value", "nobody hears", pbanswer=False)
    there.call("echo", peer.Stranger(), pbanswer=False)
    there.call("give", "int_1", pbanswer=False)
    same(await there.call("notes"), [[0], [1], [2], [3], [4]])
    same(len(there.broker.waitingForAnswers), 0)
    return same(await there.call("echo", 1), 1)


@scenario
async def connection_closed_by_the_server(here: Here, there: Peer) -> Any:
    """Every call settles."""
    other = await here.connect()
    pending = outcome(other.call("later", 30.0))
    told: list[Any] = []
    other.root.notifyOnDisconnect(told.append)
    leaving = outcome(other.call("goodbye"))
    saw = await pending
    # A server that closes in order has cancelled the call, and may still have said so.
    same((saw[0], saw[1] in ("twisted.spread.pb.PBConnectionLost", "likewise.errors.CallError")), ("error", True))
    await leaving
    await other.gone
    await eventually(lambda: told, [other.root])
    try:
        other.call("nothing")
    except pb.DeadReferenceError:
        pass
    else:
        raise AssertionError("a call was accepted")
    return same(await there.call("echo", 1), 1)


@scenario
async def unknown_command(here: Here, there: Peer) -> Any:
    there.broker.sendCall(b"gibberish", 1, [b"two"])
    same(await there.call("echo", 1), 1)
    there.broker.sendCall(b"didNotUnderstand", b"gibberish")
    return same(await there.call("echo", 2), 2)


@scenario
async def unknown_references_released(here: Here, there: Peer) -> Any:
    there.broker.sendCall(b"decref", 9999)
    there.broker.sendCall(b"decache", 9999)
    there.broker.sendCall(b"answer", 9999, [b"None"])
    return same(await there.call("echo", 1), 1)


# --- running --------------------------------------------------------------------------------------


class Run:
    """One scenario, over connections of its own."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.here = Here(port)
        self.result: dict[str, Any] = {"scenario": name, "ok": False, "saw": None}
        self.logged: list[tuple[str, str]] = []
        self.body: defer.Deferred[None] | None = None
        self.why = ""

    async def run(self) -> dict[str, Any]:
        log.addObserver(self._watch)
        self.body = defer.ensureDeferred(self._body())
        timer = reactor.callLater(TIMEOUT, self._give_up, f"not over after {TIMEOUT:.0f} s")
        try:
            await self.body
            self.result["ok"] = True
        except BaseException as caught:
            self.result["error"] = self.why or "".join(traceback.format_exception(caught))
        self.body = None
        if timer.active():
            timer.cancel()
        await defer.gatherResults([one.close() for one in self.here.peers])
        self.here.peers.clear()
        await sleep(0)  # the reactor lets go of the connections, too
        gc.collect()  # failures that nobody looked at are logged when they are collected
        log.removeObserver(self._watch)
        unexpected = [entry for entry in self.logged if entry[0] not in self.here.expected]
        if unexpected and self.result["ok"]:
            self.result.update(ok=False, error=f"logged here: {unexpected}")
        return self.result

    async def _body(self) -> None:
        there = await self.here.connect()
        lost = "the connection was lost"
        there.broker.notifyOnDisconnect(lambda: reactor.callLater(1.0, self._give_up, lost))
        self.result["saw"] = await SCENARIOS[self.name](self.here, there)

    def _give_up(self, why: str) -> None:
        if self.body is not None:
            self.why = why
            self.body.cancel()

    def _watch(self, event: dict[str, Any]) -> None:
        if event.get("isError") and event.get("failure") is not None:
            self.logged.append((event["failure"].type.__name__, event["failure"].getErrorMessage()))


def run(port: int, names: list[str]) -> bool:
    """Run these one after another and print a line for each; whether all went well."""
    went_well = []

    async def all_of_them() -> None:
        for name in names:
            result = await Run(port, name).run()
            went_well.append(result["ok"])
            print(json.dumps(result, default=repr), flush=True)

    log.startLoggingWithObserver(lambda event: None, setStdout=False)
    reactor.callWhenRunning(lambda: defer.ensureDeferred(all_of_them()).addBoth(lambda _: reactor.stop()))
    reactor.run()
    return len(went_well) == len(names) and all(went_well)


def main() -> int:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("port", type=int, nargs="?")
    parser.add_argument("scenario", nargs="*")
    parser.add_argument("--all", action="store_true", help="run every scenario")
    parser.add_argument("--list", action="store_true", help="print the names of all scenarios")
    parser.add_argument("--faults", action="store_true", help="print FAULTS_OF_TWISTED as JSON")
    options = parser.parse_args()

    if options.list:
        print("\n".join(SCENARIOS))
        return 0
    if options.faults:
        print(json.dumps(FAULTS_OF_TWISTED, indent=1))
        return 0
    names = list(SCENARIOS) if options.all else options.scenario
    if options.port is None or not names or not SCENARIOS.keys() >= set(names):
        parser.error("a port, and --all or scenarios of --list, are needed")
    return 0 if run(options.port, names) else 1


if __name__ == "__main__":
    sys.exit(main())
