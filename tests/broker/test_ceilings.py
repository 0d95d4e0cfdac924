"""What the sender refuses so that no peer must, and what the tables refuse to hold."""

from __future__ import annotations

from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from tests import sexp
from tests.broker_objects import Calling, Pond, PondCache, Root, answer, pair, told


def test_a_call_too_many_is_refused_before_it_is_queued() -> None:
    joined = pair(client_limits=likewise.Limits(open_calls=2))
    waiting = [joined.client.root.callRemote("echo", i) for i in range(2)]
    with pytest.raises(likewise.TooManyCalls, match="open_calls"):
        joined.client.root.callRemote("echo", 3)
    joined.client.root.callRemoteOnly("note", "one way is no open call")
    joined.run()
    assert [each.value for each in waiting] == [0, 1] and joined.client.broker.unanswered == 0


@pytest.mark.parametrize(
    ("limits", "value", "text"),
    [
        (likewise.Limits(frame_bytes=5_000), ["x" * 100] * 60, "frame_bytes"),
        (likewise.Limits(frame_items=5_000), list(range(6_000)), "frame_items"),
    ],
)
def test_a_message_that_no_peer_would_take_is_refused_at_the_sender(limits: Any, value: Any, text: str) -> None:
    joined = pair(limits=limits)
    with pytest.raises(likewise.NotSendable, match=text):
        joined.client.root.callRemote("echo", value)
    assert answer(joined, "echo", 1) == 1


def test_shared_parts_that_make_a_message_too_deep_are_found_before_it_is_sent() -> None:
    joined = pair(limits=likewise.Limits(depth=40))
    deep: Any = []
    for _ in range(30):
        deep = [deep, deep]
    with pytest.raises(likewise.NotSendable, match="depth"):
        joined.client.root.callRemote("echo", deep)
    shallow: Any = []
    for _ in range(8):
        shallow = [shallow, shallow]
    assert answer(joined, "echo", shallow) == shallow


def test_an_answer_that_can_not_cross_fails_its_call_alone() -> None:
    joined = pair()
    root = joined.server.broker.tables.exported[b"root"].target
    root.remote_echo = lambda value=None: object()
    with pytest.raises(likewise.InsecureJelly, match="answer"):
        answer(joined, "echo", 1)
    root.remote_echo = lambda value=None: value
    assert answer(joined, "echo", 2) == 2


class Stateful(likewise.Error, likewise.Copyable):
    """An error that crosses as itself, with a state that can't."""

    def getStateToCopy(self) -> Any:
        return {"lock": object()}


def test_an_error_whose_state_can_not_cross_still_reaches_the_caller() -> None:
    joined = pair()
    root = joined.server.broker.tables.exported[b"root"].target

    def fail(value: Any = None) -> None:
        raise Stateful("as asked")

    root.remote_echo = fail
    with pytest.raises(likewise.RemoteError, match="Stateful: as asked") as raised:
        answer(joined, "echo")
    assert raised.value.check(Stateful) and "(its state can't be sent: " in raised.value.__notes__[0]


def test_calling_an_observer_that_is_leaving_gives_a_failed_result_and_raises_nothing() -> None:
    joined = pair()
    mirror = answer(joined, "pond")
    pond = joined.server.broker.tables.exported[b"root"].target.pond
    (observer,) = pond.observers
    refused = joined.server.broker.refused(likewise.ConnectionClosed("as asked"))
    assert isinstance(refused.error, likewise.ConnectionClosed)
    joined.cut()
    result = observer.callRemote("see", 1)
    observer.callRemoteOnly("see", 1)
    assert not observer.is_observing and mirror.seen == []
    with pytest.raises(likewise.ConnectionClosed):
        next(result.__await__())


@pytest.mark.parametrize("luid", [b"name", 2.5, 1 << 70])
def test_the_id_of_a_cache_is_a_small_number(luid: Any) -> None:
    joined = pair()
    told(joined, b"message", 1, b"root", b"keep", 0, [b"tuple", [name_of(Pond), luid, [b"dictionary"]]], [b"dictionary"])
    assert joined.server.broker.tables.exported[b"root"].target.kept is None
    assert joined.server.sizes["mirrors"] == 0


def name_of(cls: type) -> bytes:
    return f"{cls.__module__}.{cls.__name__}".encode()


def test_a_cache_that_is_here_already_is_not_begun_again() -> None:
    joined = pair()
    cache = [name_of(Pond), 7, [b"dictionary", [b"seen", [b"list"]]]]
    told(joined, b"message", 1, b"root", b"keep", 0, [b"tuple", cache], [b"dictionary"])
    kept = joined.server.broker.tables.exported[b"root"].target.kept
    assert isinstance(kept, PondCache)
    told(joined, b"message", 2, b"root", b"keep", 0, [b"tuple", cache], [b"dictionary"])
    assert joined.server.broker.tables.exported[b"root"].target.kept is kept


def test_more_mirrors_than_the_ceiling_are_not_held() -> None:
    joined = pair(limits=likewise.Limits(caches=2), client_limits=likewise.Limits())
    ponds = [Pond() for _ in range(3)]
    with pytest.raises(likewise.InsecureJelly, match="caches"):
        answer(joined, "keep", ponds)
    joined.collect()
    assert all(len(pond.observers) == 0 for pond in ponds)


def test_a_hook_that_ends_the_connection_ends_its_call() -> None:
    joined = pair()
    with pytest.raises(likewise.ConnectionClosed):
        joined.client.root.callRemote("keep", Calling(lambda: joined.client.lose()))


class Stubborn(likewise.RemoteCache):
    """Forgets to pass its end on, so its state is gone when the peer means it again."""

    seen: list[Any]

    def observe_see(self, value: Any) -> None:
        self.seen.append(value)

    def __del__(self) -> None:
        pass


def test_a_mirror_whose_class_hides_its_end_is_refused_with_the_reason() -> None:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Pond, Stubborn)
    joined = Pair(Root(), accept=registry)
    mirror = answer(joined, "pond")
    pond = joined.server.broker.tables.exported[b"root"].target.pond
    (observer,) = pond.observers
    change = observer.callRemote("see", 1)
    del mirror
    joined.run()
    assert change.is_settled
    joined.collect()
    assert len(pond.observers) == 0


def test_uncache_of_a_living_mirror_leaves_it_with_its_last_state() -> None:
    joined = pair()
    mirror = answer(joined, "pond")
    joined.client.take(sexp.encode([b"uncache", 1], "pb"))
    joined.run()
    assert mirror.seen == [] and joined.client.sizes["mirrors"] == 0
    with pytest.raises(likewise.NotSendable, match="ended"):
        joined.client.root.callRemote("echo", mirror)
