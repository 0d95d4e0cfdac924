"""Who owns an original decides who follows it: an observer can be ended, and its mirror says so."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1, NONE, PB
from tests import sexp
from tests.broker_objects import Calling, Pond, PondCache, Root, answer, registry, told

heard: list[Any] = []


class Told(PondCache):
    def mirror_ended(self, because: str) -> None:
        heard.append((self, because))


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    heard.clear()


def following(*dialects: Any, **changes: Any) -> tuple[Pair, Root, Any]:
    known = registry()
    known.setUnjellyableForClass(Pond, Told)
    root = Root()
    joined = Pair(root, accept=known, dialects=dialects or (LIKEWISE_1,), **changes)
    return joined, root, answer(joined, "pond")


@pytest.mark.parametrize("dialect", [LIKEWISE_1, PB, NONE])
def test_an_ended_mirror_stays_as_it_is_says_so_and_another_one_follows(dialect: Any) -> None:
    joined, root, mirror = following(dialect)
    (observer,) = root.pond.observers
    root.pond.observers.callRemote("see", "before")
    assert mirror.ended_because is None
    observer.end("you left the room")
    assert not observer.is_observing and root.pond.stopped == [observer] and len(root.pond.observers) == 0
    observer.callRemoteOnly("see", "after")
    observer.end("again")
    joined.run()
    reason = "you left the room" if dialect is LIKEWISE_1 else "the owner of the original has ended this mirror"
    assert mirror.seen == ["before"] and mirror.ended_because == reason and heard == [(mirror, reason)]
    assert joined.server.sizes["observed"] == joined.client.sizes["mirrors"] == 0
    with pytest.raises(likewise.NotSendable, match="ended"):
        joined.client.root.callRemote("echo", mirror)
    again = answer(joined, "pond")
    assert again is not mirror and again.ended_because is None and again.seen == []
    root.pond.observers.callRemote("see", "new")
    joined.run()
    assert (mirror.seen, again.seen) == (["before"], ["new"])
    del mirror
    heard.clear()
    joined.collect()
    assert again.seen == ["new"] and len(root.pond.observers) == 1, "the end of the old one is not the end of the new one"


def test_a_release_that_crosses_with_the_end_is_no_fault() -> None:
    joined, root, mirror = following(limits=likewise.Limits(faults=1))
    for _ in range(5):
        assert answer(joined, "pond") is mirror  # six counts, each of which is given back
    for _ in range(8):
        (observer,) = root.pond.observers
        del mirror
        gc.collect()
        observer.end("crossing")  # while the releases are under way
        joined.run()
        mirror = answer(joined, "pond")
    assert joined.server.is_open and mirror.ended_because is None
    told(joined, b"decache", 12_345)
    told(joined, b"decache", 12_345)
    told(joined, b"decache", 12_345)
    assert not joined.server.is_open, "what nobody ended may not be given back"


def test_a_call_that_names_an_original_whose_mirror_has_ended_meanwhile_fails_alone() -> None:
    joined, root, mirror = following()
    (observer,) = root.pond.observers
    result = joined.client.root.callRemote("echo", mirror)
    observer.end()
    joined.run()
    assert isinstance(result.error, likewise.InsecureJelly) and "its mirror was ended here" in str(result.error)
    assert answer(joined, "echo", 5) == 5
    assert mirror.ended_because == "the owner of the original has ended this mirror"


def test_the_end_of_the_connection_is_the_end_of_its_mirrors() -> None:
    joined, root, mirror = following()
    joined.cut(likewise.LikewiseError("the line was cut"))
    assert heard == [(mirror, mirror.ended_because)]
    assert mirror.ended_because == "the connection has ended: the line was cut"
    assert len(root.pond.observers) == 0


def test_what_never_followed_says_so_too() -> None:
    import copy

    _, _, mirror = following()
    assert copy.copy(mirror).ended_because == PondCache().ended_because == "it is no mirror, but a copy of one"
    assert copy.copy(mirror).failed_changes == 0


def test_a_mirror_can_be_ended_while_it_is_being_written() -> None:
    class Hasty(Pond):
        def getTypeToCopy(self) -> str:
            return f"{Pond.__module__}.Pond"

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> Any:
            state = super().getStateToCacheAndObserveFor(perspective, observer)
            observer.end("not you")
            return state

    joined, root, first = following()
    root.pond = Hasty()
    mirror = answer(joined, "pond")
    assert mirror.seen == [] and mirror.ended_because == "not you" and len(root.pond.observers) == 0
    # ... and where the message can't be written after all, the peer hears nothing of it
    root.remote_echo = lambda value=None: [root.pond, object()]  # type: ignore[method-assign]
    with pytest.raises(likewise.InsecureJelly):
        answer(joined, "echo")
    assert len(root.pond.observers) == 0 and joined.server.is_open and joined.client.is_open
    assert joined.client.sizes["mirrors"] == 1 and first.ended_because is None


@pytest.mark.parametrize("text", ["x" * 5_000, "\ud800", "uncache", "\u20ac" * 5_000])
def test_a_reason_is_bounded_text_whatever_it_is(text: str) -> None:
    joined, root, mirror = following()
    (observer,) = root.pond.observers
    observer.end(text)
    joined.run()
    assert mirror.ended_because and len(mirror.ended_because) <= 500


def test_a_reason_from_a_peer_is_bounded_too() -> None:
    joined, _, mirror = following()
    joined.client.take(sexp.encode([b"uncache", 1, b"\xff" * 100_000], "pb"))
    joined.run()
    assert len(mirror.ended_because) == 500 and joined.client.is_open
    for wrong in ([b"uncache", 1, 5], [b"uncache", 1, [b"list"]], [b"uncache", [b"list"], b"why"]):
        joined, _, mirror = following()
        joined.client.take(sexp.encode(wrong, "pb"))
        joined.run()
        assert not joined.client.is_open and mirror.ended_because is not None


def test_a_reason_means_nothing_to_a_peer_that_speaks_pb() -> None:
    joined, _, mirror = following(PB)
    joined.client.take(sexp.encode([b"uncache", 1, b"why"], "pb"))
    joined.run()
    assert not joined.client.is_open and mirror.ended_because.startswith("the connection has ended")


def test_a_hook_of_a_mirror_that_raises_keeps_the_others_from_nothing() -> None:
    class Raising(Told):
        def mirror_ended(self, because: str) -> None:
            super().mirror_ended(because)
            raise GeneratorExit

    known = registry()
    known.setUnjellyableForClass(Pond, Raising)
    joined = Pair(Root(), accept=known)
    mirrors = [answer(joined, "new_pond") for _ in range(3)]
    ended: list[Any] = []
    joined.client.notifyOnDisconnect(ended.append)
    joined.cut()
    assert [mirror for mirror, _ in heard] == mirrors and ended == [joined.client]
    assert [doing for doing, _ in joined.client.reports] == ["running mirror_ended"] * 3


class Failing(PondCache):
    def observe_break(self, value: Any = None) -> None:
        raise ValueError("as asked")


def test_a_mirror_counts_the_changes_that_it_could_not_take() -> None:
    known = registry()
    known.setUnjellyableForClass(Pond, Failing)
    root = Root()
    joined = Pair(root, accept=known)
    mirror = answer(joined, "pond")
    (observer,) = root.pond.observers
    changes: list[tuple[str, Any]] = [("see", 1), ("break", 1), ("missing", 1), ("see", Calling(lambda: None))]
    joined.client.broker.hold_to(registry_without_copies(), joined.client.broker.limits)
    for name, value in changes:
        root.pond.observers.callRemote(name, value)
    joined.run()
    assert mirror.seen == [1] and mirror.failed_changes == 3 and mirror.ended_because is None
    assert observer.failures == 0, "a one-way call has no answer"
    answers = [root.pond.observers.callRemoteForAnswers(name, value)[observer] for name, value in changes]
    joined.run()
    assert [each.error is None for each in answers] == [True, False, False, False]
    assert mirror.failed_changes == 6 and observer.failures == 3
    assert ("keeping a mirror up to date", likewise.NoSuchMethod) in [
        (doing, type(error)) for doing, error in joined.client.reports
    ], "where the error goes to a publisher that need not look, the mirror's end says it"
    joined.cut()
    assert mirror.failed_changes == 6


def registry_without_copies() -> likewise.Registry:
    return likewise.Registry()


def test_how_far_a_connection_lags_can_be_read() -> None:
    async def main() -> None:
        root = Root()
        known = registry()
        async with likewise.serve(root, "tcp://127.0.0.1:0", accept=known) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            connection = await likewise.connect(server.address, accept=known)
            mirror = await connection.root.callRemote("pond")
            (observer,) = root.pond.observers
            assert observer.queued_bytes == 0
            root.pond.observers.callRemote("see", b"x" * 100_000)
            assert observer.queued_bytes // 1_000 == 100, "in this turn nothing has left"
            while observer.queued_bytes:
                await asyncio.sleep(0.001)
            # somebody who reads nothing
            writer.write(sexp.encode(b"pb", "none") + sexp.encode([b"version", 6], "pb"))
            writer.write(sexp.encode([b"message", 1, b"root", b"pond", 1, [b"tuple"], [b"dictionary"]], "pb"))
            async with asyncio.timeout(10):
                while len(root.pond.observers) < 2:
                    await asyncio.sleep(0.001)
            (slow,) = [each for each in root.pond.observers if each is not observer]
            for _ in range(100):
                root.pond.observers.callRemote("see", b"x" * 100_000)
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                while len(mirror.seen) < 101:
                    await asyncio.sleep(0.001)
            assert slow.queued_bytes > 1_000_000 and slow.connection.queued_bytes == slow.queued_bytes
            slow.connection.abort()
            async with asyncio.timeout(10):
                while slow.is_observing:
                    await asyncio.sleep(0.001)
            assert slow.queued_bytes == 0
            writer.close()
            await connection.close()
            assert connection.queued_bytes == 0

    asyncio.run(asyncio.wait_for(main(), 30))
