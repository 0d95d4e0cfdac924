"""The broker between two ends in memory: what is counted, refused, settled and given back."""

from __future__ import annotations

import gc
import itertools
import weakref
from typing import Any

import pytest

import likewise
from likewise.broker import messages
from likewise.broker.fanout import publish
from likewise.broker.names import check_keywords, method_name
from likewise.broker.states import Move, Side, State, following
from likewise.testing import Pair
from likewise.wire.tokens import NONE, PB, Dialect
from likewise.wire.writer import encode
from tests.broker_objects import Calling, Pond, Root, Thing, answer, pair, told

# --- names


def test_a_method_s_name_is_short_utf_8() -> None:
    assert method_name(b"ping", 10) == "ping"
    with pytest.raises(likewise.InsecureJelly, match="name_bytes"):
        method_name(b"x" * 11, 10)
    with pytest.raises(likewise.InsecureJelly, match="not UTF-8"):
        method_name(b"\xff\xfe", 10)


def test_keywords_are_public_short_and_come_once() -> None:
    assert check_keywords({b"one": 1, "two": 2}, 10) == {"one": 1, "two": 2}
    for odd in ({b"\xff": 1}, {5: 1}, {"_private": 1}, {b"one": 1, "one": 2}):
        with pytest.raises(likewise.InsecureJelly, match="keyword argument"):
            check_keywords(odd, 10)
    with pytest.raises(likewise.InsecureJelly, match="name_bytes"):
        check_keywords({"x" * 11: 1}, 10)


def test_a_name_that_no_peer_accepts_is_refused_at_the_sender() -> None:
    with pytest.raises(likewise.NotSendable, match=r"limits\.name_bytes"):
        messages.name_token("x" * 300, 256)
    assert messages.luid_token(b"root") == encode(b"root", PB)
    assert messages.luid_token(b"other") == encode(b"other", PB)


# --- states


def test_the_server_offers_once_and_the_client_chooses_once_behind_it() -> None:
    offered = following(State.GREETING, Side.SERVER, Move.OFFER)
    assert offered is not None and following(offered, Side.CLIENT, Move.CHOICE) is State.OPEN
    legal = {(State.GREETING, Side.SERVER, Move.OFFER), (offered, Side.CLIENT, Move.CHOICE)}
    for each in itertools.product(State, Side, Move):
        assert (following(*each) is not None) == (each in legal)


def test_a_client_that_speaks_nothing_offered_hangs_up() -> None:
    klingon = Dialect(b"klingon", True, 10, 10)
    joined = Pair(Root(), dialects=(klingon,), client_dialects=(PB,))
    assert not joined.client.is_open
    assert "no dialect" in str(joined.client.reason)


def test_in_dialect_none_the_words_are_spelled() -> None:
    joined = pair(dialects=(NONE,))
    assert answer(joined, "echo", [1, "two", None, True]) == [1, "two", None, True]
    assert joined.server.broker.dialect is NONE


# --- what is counted


def test_more_references_than_the_ceiling_are_refused_and_nothing_is_left() -> None:
    joined = pair(limits=likewise.Limits(references=5))
    assert len(answer(joined, "things", 5)) == 5
    joined.collect()
    with pytest.raises(likewise.InsecureJelly, match=r"limits\.references"):
        answer(joined, "things", 6)
    joined.collect()
    assert joined.server.sizes["exported"] == 0


def test_more_caches_than_the_ceiling_are_refused() -> None:
    joined = pair(limits=likewise.Limits(caches=2))
    held = [answer(joined, "new_pond") for _ in range(2)]
    with pytest.raises(likewise.InsecureJelly, match=r"limits\.caches"):
        answer(joined, "new_pond")
    assert len(held) == 2


def test_a_failed_message_leaves_the_tables_as_they_were_and_stops_its_observer() -> None:
    joined = pair()
    joined.run()
    pond, thing = Pond(), Thing()
    with pytest.raises(likewise.NotSendable, match=r"args\[2\]"):
        joined.client.root.callRemote("echo", pond, thing, object())
    assert joined.client.sizes == {"exported": 0, "observed": 0, "references": 0, "mirrors": 0}
    assert len(pond.stopped) == 1 and len(pond.observers) == 0


def test_what_a_refused_call_brought_is_given_back() -> None:
    joined = Pair(Root(), accept=likewise.Registry())
    joined.run()
    pond, thing = Pond(), Thing()
    with pytest.raises(likewise.InsecureJelly, match="not registered"):
        answer(joined, "echo", [pond, thing])
    joined.collect()
    assert joined.client.sizes["exported"] == 0 and joined.client.sizes["observed"] == 0
    assert len(pond.stopped) == 1


def test_a_reference_or_mirror_of_another_connection_means_nothing_here() -> None:
    one, other = pair(), pair()
    (thing,) = answer(one, "things", 1)
    pond = answer(one, "pond")
    other.run()
    for stranger in (thing, pond):
        with pytest.raises(likewise.NotSendable, match="another connection"):
            other.client.root.callRemote("echo", stranger)
    assert answer(one, "echo", thing) is thing
    assert answer(one, "echo", pond) is pond


def test_only_the_latest_released_objects_are_remembered() -> None:
    joined = pair()
    joined.run()
    tables = joined.server.broker.tables
    for _ in range(50):
        tables.release(tables.export(Thing()))
    assert tables.just_released is not None and len(tables.just_released) == 32


# --- hooks that call


def test_what_a_hook_sends_goes_behind_the_message_it_is_in() -> None:
    joined = pair()
    joined.run()
    root = joined.client.root
    result = root.callRemote("keep", Calling(lambda: root.callRemoteOnly("note", "from the hook")))
    root.callRemoteOnly("note", "after")
    joined.run()
    assert result.is_settled and joined.server.broker.tables.exported[b"root"].target.kept.ok
    assert joined.server.broker.tables.exported[b"root"].target.heard == ["from the hook", "after"]


def test_what_a_hook_sent_goes_out_even_if_its_message_can_not() -> None:
    joined = pair()
    joined.run()
    root = joined.client.root
    with pytest.raises(likewise.NotSendable, match=r"args\[0\].lock"):
        root.callRemote("keep", Calling(lambda: root.callRemoteOnly("note", "still"), fails=True))
    joined.run()
    assert joined.server.broker.tables.exported[b"root"].target.heard == ["still"]


def test_a_hook_may_publish_while_its_message_is_written() -> None:
    joined = pair()
    mirror = answer(joined, "pond")
    pond = joined.server.broker.tables.exported[b"root"].target.pond
    server_side = joined.server.broker.tables.exported[b"root"].target
    server_side.remote_echo = lambda value=None: Calling(lambda: pond.observers.callRemote("see", 1))
    assert answer(joined, "echo").ok
    joined.run()
    assert mirror.seen == [1]


# --- published changes


def test_a_large_change_reaches_our_own_ends_and_is_refused_for_a_twisted_one_alone() -> None:
    ours, theirs = pair(), pair(dialects=(PB, NONE))
    pond = Pond()
    mirrors = []
    for joined in (ours, theirs):
        joined.server.broker.tables.exported[b"root"].target.pond = pond
        mirrors.append(answer(joined, "pond"))
    with pytest.raises(likewise.NotSendable, match="655,360"):
        pond.observers.callRemote("see", b"x" * 700_000)
    pond.observers.callRemote("see", b"y" * 70_000)
    for joined in (ours, theirs):
        joined.run()
    assert [len(each) for each in mirrors[0].seen] == [700_000, 70_000]
    assert [len(each) for each in mirrors[1].seen] == [70_000]


def test_an_observer_whose_connection_has_ended_is_passed_over() -> None:
    one, other = pair(), pair()
    pond = Pond()
    mirrors = []
    for joined in (one, other):
        joined.server.broker.tables.exported[b"root"].target.pond = pond
        mirrors.append(answer(joined, "pond"))
    members = tuple(pond.observers)
    one.cut()
    publish(members, "see", (1,), {})
    other.run()
    assert mirrors[1].seen == [1] and len(pond.stopped) == 1


def test_observers_go_on_without_the_session_that_came_first_and_keep_none_alive() -> None:
    one, other = pair(), pair()
    pond = Pond()
    mirrors = []
    for joined in (one, other):
        joined.server.broker.tables.exported[b"root"].target.pond = pond
        mirrors.append(answer(joined, "pond"))
    first = weakref.ref(one.server)  # which its session holds
    one.cut()
    mirrors[0] = None
    del joined, one
    gc.collect()
    pond.observers.callRemote("see", 1)
    other.run()
    assert mirrors[1].seen == [1] and first() is None


# --- odd messages


def test_a_call_before_the_greeting_is_our_own_fault() -> None:
    joined = Pair(Root(), greet=False)
    with pytest.raises(likewise.LocalProtocolError, match="no dialect"):
        joined.client.broker.call(b"root", "echo", (), {})


def test_after_the_end_calls_fail_and_callbacks_run_at_once() -> None:
    joined = pair()
    joined.run()
    waiting = joined.client.root.callRemote("echo", 1)
    ran: list[str] = []
    joined.client.broker.notify_on_disconnect(lambda: ran.append("told"))
    kept = lambda: ran.append("taken back")  # noqa: E731  # it is taken back by identity
    joined.client.broker.notify_on_disconnect(kept)
    joined.client.broker.dont_notify_on_disconnect(kept)
    joined.client.broker.dont_notify_on_disconnect(kept)
    joined.cut(OSError("the cable"))
    assert isinstance(waiting.error, likewise.ConnectionClosed) and "the cable" in str(waiting.error)
    with pytest.raises(likewise.ConnectionClosed):
        joined.client.root.callRemote("echo", 1)
    joined.client.broker.notify_on_disconnect(lambda: ran.append("late"))
    assert ran == ["told", "late"]


@pytest.mark.parametrize(
    "message",
    [
        (b"answer", 99, 1),
        (b"error", 99, 1),
        (b"decref", 99),
        (b"decache", 99),
        (b"uncache", 99),
        (b"decref", b"root"),
        (b"odd",),
    ],
)
def test_what_no_honest_peer_sends_is_borne_until_there_is_too_much_of_it(message: tuple[Any, ...]) -> None:
    joined = pair(limits=likewise.Limits(faults=3))
    joined.run()
    for _ in range(3):
        told(joined, *message)
    assert joined.server.is_open and answer(joined, "echo", 1) == 1
    told(joined, *message)
    assert not joined.server.is_open and "faults" in str(joined.server.reason)


@pytest.mark.parametrize(
    "message",
    [
        (b"message", 1, b"root", b"echo"),
        (b"message", b"x", b"root", b"echo", 1, [b"tuple"], [b"dictionary"]),
        (b"message", 1, 2.5, b"echo", 1, [b"tuple"], [b"dictionary"]),
        (b"answer", 1),
        (b"decref", 1, 2),
        (b"version", 5),
        (b"version", 6, 6),
        (),
        ([b"list"], 1),
    ],
)
def test_a_malformed_message_ends_the_connection(message: tuple[Any, ...]) -> None:
    joined = pair()
    joined.run()
    told(joined, *message)
    assert not joined.server.is_open and isinstance(joined.server.reason, likewise.RemoteProtocolError)


@pytest.mark.parametrize(
    ("luid", "args", "kwargs", "text"),
    [
        (777, [b"tuple"], [b"dictionary"], "Invalid Object ID"),
        (b"root", [b"list"], [b"dictionary"], "a tuple and a dictionary"),
        (b"root", [b"tuple"], [b"tuple"], "a tuple and a dictionary"),
        (b"root", [b"tuple", [b"local", 9]], [b"dictionary"], "no object of ours"),
        (b"root", [b"tuple", [b"lcache", 9]], [b"dictionary"], "no Cacheable of ours"),
        (b"root", [b"tuple", [b"cached", 9]], [b"dictionary"], "no cache 9"),
        (b"root", [b"tuple"], [b"dictionary", [b"_x", 1]], "keyword"),
    ],
)
def test_a_broken_call_ends_that_call_alone(luid: Any, args: Any, kwargs: Any, text: str) -> None:
    joined = pair()
    joined.run()
    result = joined.client.root.callRemote("echo", 1)  # request 1; the server is told of it in our own words
    joined.client.broker.data_to_send()
    told(joined, b"message", 1, luid, b"echo", 1, args, kwargs)
    assert text in str(result.error)
    assert joined.server.is_open and answer(joined, "echo", 5) == 5


def test_didnotunderstand_is_only_noted() -> None:
    joined = pair()
    joined.run()
    told(joined, b"didNotUnderstand", b"frobnicate")
    told(joined, b"didNotUnderstand")
    assert joined.server.is_open


def test_why_a_connection_ended_keeps_nothing_of_what_was_being_read() -> None:
    joined = pair()
    joined.server.take(b"\x07\x80" + encode(b"x" * 60_000, PB) + b"\xff")
    reason = joined.server.broken_by
    assert reason is not None and reason.__traceback__ is not None
    joined.run()
    assert joined.server.reason is reason
    assert reason.__traceback__ is None  # its frames would hold the last chunk, in a cycle that only the collector ends
