"""Classes that read themselves: written and read once however they are nested, and checked where a peer sent them."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import banana, jelly, parts, pb
from tests.spread.ends import Logged, Pair

seen: list[Any] = []


class Own(pb.Copyable, pb.RemoteCopy):
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        seen.append(jellyList)
        self.inner = unjellier.unjelly(jellyList[1])
        return self


class Changing(pb.Copyable, pb.RemoteCopy):
    """Changes what it was given: what is read then is what it has put there."""

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        if isinstance(jellyList[1], list) and jellyList[1][0] == b"list":
            jellyList[1].append(5)
        self.inner = unjellier.unjelly(jellyList[1])
        return self


class MakesItsOwn(pb.Copyable, pb.RemoteCopy):
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        self.inner = unjellier.unjelly([b"list", jellyList[1], jellyList[1]])
        return self


class Asks(pb.Copyable, pb.RemoteCopy):
    """Notes who is said to ask, before and after its parts are read."""

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        before = unjellier.invoker.unserializingPerspective
        unjellier.unjelly(jellyList[1])
        seen.append((before, unjellier.invoker.unserializingPerspective))
        return self


class Sets(pb.Copyable, pb.RemoteCopy):
    """Sets what came by the stock means, past the check of a plain RemoteCopy."""

    def is_admin(self) -> bool:
        return False

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        if jellyList[0] == b"parts.Sets":
            self.setStateFor(unjellier, unjellier.unjelly(jellyList[1]))
            return self
        return jelly.setInstanceState(self, unjellier, jellyList)


for cls in (Own, Changing, MakesItsOwn, Asks, Sets):
    pb.setUnjellyableForClass(f"parts.{cls.__name__}", cls)
pb.setUnjellyableForClass("parts.Sets2", Sets)


class Root(pb.Root):
    def remote_take(self, *args: Any) -> Any:
        seen.append(args)


class Raw(pb.Root):
    """Reads its calls itself."""

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        return super().remoteMessageReceived(broker, message, args, kw)

    def remote_take(self, *args: Any, **kw: Any) -> Any:
        seen.append(args)


def send(*expressions: Any, root: Any = None, kw: Any = (b"dictionary",)) -> bytes:
    """The message that a server sends back for a call with these arguments."""
    seen.clear()
    pair = Pair(root or Root())
    call = [b"message", 1, b"root", b"take", 1, [b"tuple", *expressions], list(kw)]
    with Logged():
        pair.server.dataReceived(banana.encode(call))
    return b"".join(pair.server.transport.written)


def nested(tag: bytes, depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = [tag, inner]
    return inner


def test_each_level_gets_the_very_lists_that_the_level_around_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    begin = parts.WrittenParts._begin

    def counted(self: Any, items: Any) -> Any:
        made.append(0)
        return begin(self, items)

    monkeypatch.setattr(parts.WrittenParts, "_begin", counted)
    send(nested(b"parts.Own", 50, [b"list", *([b"list", 1],) * 1_000]))
    (top,) = seen.pop()
    lists = list(reversed(seen))
    assert len(lists) == 50 and len(made) == 50 + 1_001
    outermost = seen[0]
    for each in seen:
        assert each is outermost
        outermost = outermost[1]
    for _ in range(50):
        top = top.inner
    assert top == [[1]] * 1_000


def test_what_a_class_has_changed_is_read_as_it_is_now() -> None:
    send(nested(b"parts.Changing", 3, [b"list", 1, [b"tuple", 2]]), [b"parts.Own", [b"list", 7]])
    args = seen.pop()
    assert args[0].inner.inner.inner == [1, (2,), 5] and args[1].inner == [7]


def test_a_list_of_its_own_making_is_read_too() -> None:
    send(nested(b"parts.MakesItsOwn", 3, [b"parts.Own", [b"tuple", 1.5, b"x" * 70, -3, 2**100]]))
    (made,) = seen.pop()
    assert made.inner[1].inner[0].inner[1].inner == (1.5, b"x" * 70, -3, 2**100)


def test_large_strings_keep_their_places() -> None:
    strings = [bytes([65 + i]) * (65_536 + i) for i in range(6)]
    inner = [[b"parts.Own", strings[1]], [b"parts.Own", [b"list", *strings[2:4]]]]
    send([b"parts.Own", [b"list", strings[0], *inner, strings[4]]], strings[5])
    (own, last) = seen.pop()
    assert [own.inner[0], own.inner[1].inner, *own.inner[2].inner, own.inner[3], last] == strings


def test_numbers_of_references_reach_across_the_levels() -> None:
    shared = [b"reference", 1, [b"list", 1]]
    send([b"parts.Own", [b"list", shared, [b"parts.Own", [b"dereference", 1]]]], [b"dereference", 1])
    own, last = seen.pop()
    assert own.inner[0] is own.inner[1].inner is last


def test_writing_anew_over_and_over_is_refused() -> None:
    answer = send(nested(b"parts.MakesItsOwn", 40, [b"list", *[1] * 100]))
    assert b"InsecureJelly" in answer and b"read anew" in answer and not seen


def test_who_asks_is_known_again_after_a_nested_part() -> None:
    pair = Pair(Root())
    seen.clear()
    sexp = nested(b"parts.Asks", 3, [b"list"])
    pair.server.unserialize(sexp, "alice")
    assert seen == [("alice", "alice")] * 3 and pair.server.unserializingPerspective is None


STATES = [{"is_admin": 1}, {"__class__": 1}, {b"__dict__": 1}, {5: 5}]


def state(items: dict[Any, Any]) -> Any:
    keys = [[b"unicode", key.encode()] if isinstance(key, str) else key for key in items]
    return [b"dictionary", *([key, value] for key, value in zip(keys, items.values(), strict=True))]


@pytest.mark.parametrize("items", STATES, ids=repr)
@pytest.mark.parametrize("tag", [b"parts.Sets", b"parts.Sets2"])
@pytest.mark.parametrize("root", [Root, Raw])
def test_state_of_a_peer_is_checked_however_it_is_read(items: dict[Any, Any], tag: bytes, root: Any) -> None:
    assert b"InsecureJelly" in send([tag, state(items)], root=root()) and not seen
    assert b"answer" in send([tag, state({"fine": 1})], root=root()) or seen[0][0].fine == 1


class Plain:
    """Allowed by a taster."""

    def is_admin(self) -> bool:
        return False


@pytest.mark.parametrize("items", STATES, ids=repr)
def test_state_of_a_class_that_a_taster_allows_is_checked_too(items: dict[Any, Any]) -> None:
    security = jelly.SecurityOptions()
    security.allowInstancesOf(Plain)
    pair = Pair(None, server=pb.PBServerFactory(Raw(), security=security))
    tag = f"{__name__}.Plain".encode()
    seen.clear()
    with Logged():
        pair.server.dataReceived(
            banana.encode([b"message", 1, b"root", b"take", 1, [b"tuple", [tag, state(items)]], [b"dictionary"]])
        )
    assert b"InsecureJelly" in b"".join(pair.server.transport.written) and not seen
    with pytest.raises(jelly.InsecureJelly):
        jelly.unjelly([tag, state(items)], security)


def test_jelly_that_never_leaves_this_process_may_set_anything() -> None:
    made = jelly.unjelly([f"{__name__}.Plain".encode(), state({"is_admin": 1})])
    assert made.is_admin == 1


@pytest.mark.parametrize("key", [[b"unicode", b"_x"], 5, [b"tuple", 1]])
def test_keywords_are_names_for_who_reads_them_himself_too(key: Any) -> None:
    assert b"InsecureJelly" in send(root=Raw(), kw=(b"dictionary", [key, 1])) and not seen
    send(root=Raw(), kw=(b"dictionary", [b"x", 1]))
    assert seen == [()]


def test_wrong_arity_is_logged_in_short() -> None:
    class Nothing(Raw):
        def remote_take(self) -> None:  # type: ignore[override]
            return None

    sexp: Any = [b"list", [b"reference", 1, [b"list", 1, 2]]]
    for number in range(2, 41):
        sexp.append([b"reference", number, [b"list", [b"dereference", number - 1], [b"dereference", number - 1]]])
    pair = Pair(Nothing())
    with Logged() as logged:
        pair.server.dataReceived(banana.encode([b"message", 1, b"root", b"take", 1, [b"tuple", sexp], [b"dictionary"]]))
    assert b"TypeError" in b"".join(pair.server.transport.written)
    assert any("didn't accept <tuple> and {}" in line for line in logged.lines) and max(map(len, logged.lines)) < 500
