"""A session and its line are two things: the one goes on when the other is lost."""

from __future__ import annotations

import gc

import pytest

import likewise
from likewise.broker.link import Link
from likewise.broker.states import Side
from likewise.errors import ConnectionClosed, LocalProtocolError, RemoteProtocolError
from likewise.limits import Limits
from likewise.testing import Pair, Result
from likewise.wire.tokens import DIALECTS, LIKEWISE_1, PB
from tests.broker_objects import answer, pair


class Slow(likewise.Referenceable):
    def __init__(self, result: Result) -> None:
        self.result = result

    def remote_wait(self) -> Result:
        return self.result


@pytest.fixture(params=[LIKEWISE_1, PB], ids=["likewise-1", "pb"])
def joined(request: pytest.FixtureRequest) -> Pair:
    return pair(dialects=(request.param,))


def test_what_is_said_while_no_line_is_there_waits_for_the_next_one(joined: Pair) -> None:
    joined.lose_line()
    results = [joined.client.root.callRemote("echo", number) for number in range(3)]
    joined.run()
    assert not any(each.is_settled for each in results)
    joined.new_line()
    assert [each.value for each in results] == [0, 1, 2]


def test_a_call_that_runs_while_the_line_is_lost_is_answered_over_the_next(joined: Pair) -> None:
    running = Result()
    joined.server.broker.tables.name(b"slow", Slow(running))
    waiting = joined.client.broker.remote("slow").callRemote("wait")
    joined.lose_line()
    running.settle("at last")
    assert not waiting.is_settled
    joined.new_line()
    assert waiting.value == "at last"


def test_references_and_mirrors_outlive_a_line_and_are_given_back_over_the_next(joined: Pair) -> None:
    things, mirror = answer(joined, "things", 2), answer(joined, "pond")
    joined.lose_line()
    pong = things[1].callRemote("ping")
    joined.server.broker.tables.exported[b"root"].target.pond.observers.callRemote("see", 1)
    joined.new_line()
    assert pong.value == "pong" and mirror.seen == [1]
    joined.lose_line()
    del things, mirror, pong
    gc.collect()
    joined.new_line()
    joined.collect()
    assert joined.server.is_clean and joined.client.is_clean


def test_the_end_comes_to_a_session_without_a_line(joined: Pair) -> None:
    joined.lose_line()
    result = joined.client.root.callRemote("echo", 1)
    joined.cut()
    assert isinstance(result.error, ConnectionClosed)
    with pytest.raises(LocalProtocolError, match="has ended"):
        joined.client.broker.attach(Link(Side.CLIENT, DIALECTS, Limits()))


def test_a_session_has_one_line(joined: Pair) -> None:
    with pytest.raises(LocalProtocolError, match="has a line"):
        joined.client.broker.attach(Link(Side.CLIENT, DIALECTS, Limits()))


def test_a_session_speaks_one_dialect_for_all_its_lines() -> None:
    joined = pair(dialects=(LIKEWISE_1, PB))
    joined.lose_line()
    for end in joined.ends:
        end.dialects = (PB,)
    joined.new_line()
    assert isinstance(joined.server.reason, RemoteProtocolError) and "another dialect" in str(joined.server.reason)


def test_a_limit_that_was_lowered_holds_on_the_next_line(joined: Pair) -> None:
    broker = joined.server.broker
    broker.hold_to(broker.incoming.registry, Limits(list_items=20))
    joined.lose_line()
    joined.new_line()
    joined.client.root.callRemote("echo", [0] * 50)
    joined.run()
    assert not joined.server.is_open
