"""A change is written once for each view, and obeys the ceilings of each peer as a call alone does."""

from __future__ import annotations

from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1, PB
from tests.broker_objects import Pond, PondCache

CALLS: list[Any] = []


class Counted(likewise.Copyable):
    """Counts how often it is asked for its state."""

    def getStateToCopy(self) -> Any:
        CALLS.append(self)
        return {"text": "for all"}


class CountedFor(likewise.Copyable):
    def getStateToCopyFor(self, perspective: Any) -> Any:
        CALLS.append(perspective)
        return {"text": f"for {getattr(perspective, 'name', None)}"}


class TagFor(Counted):
    def getTypeToCopyFor(self, perspective: Any) -> Any:
        return "tests.fanout.Other" if getattr(perspective, "name", None) == "user 1" else "tests.fanout.TagFor"


class WritesItself(likewise.Copyable):
    """Looks at the perspective in a way of its own."""

    def jelly_into(self, encoder: Any) -> None:
        CALLS.append(encoder.perspective)
        encoder.write_copy(self, "tests.fanout.TagFor", {"text": f"for {encoder.perspective.name}"})


class Text(likewise.RemoteCopy):
    text: str


class Other(Text):
    pass


class Bomb(likewise.Copyable):
    def __init__(self, raised: BaseException, *names: str) -> None:
        self.raised, self.names = raised, names

    def getStateToCopyFor(self, perspective: Any) -> Any:
        if perspective.name in self.names:
            raise self.raised
        return {"text": "fine"}


class User(likewise.Avatar):
    def __init__(self, name: str, pond: Pond) -> None:
        self.name, self.pond = name, pond

    def perspective_pond(self) -> Pond:
        return self.pond


class Root(likewise.Root):
    def __init__(self, user: User) -> None:
        self.user = user

    def remote_user(self) -> User:
        return self.user


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass(Pond, PondCache)
for each in (Counted, CountedFor, Bomb):
    REGISTRY.setUnjellyableForClass(each, Text)
REGISTRY.setUnjellyableForClass("tests.fanout.TagFor", Text)
REGISTRY.setUnjellyableForClass("tests.fanout.Other", Other)


class Users:
    """So many users, each on a line of its own, who all follow one pond."""

    def __init__(self, count: int, one_avatar: bool = False, client_limits: Any = None, dialects: Any = None) -> None:
        self.pond = Pond()
        avatar = User("the only one", self.pond)
        self.pairs, self.mirrors = [], []
        for i in range(count):
            user = avatar if one_avatar else User(f"user {i}", self.pond)
            limits = (client_limits or {}).get(i)
            spoken = (dialects or {}).get(i, (LIKEWISE_1, PB))
            pair = Pair(Root(user), accept=REGISTRY, client_limits=limits, dialects=spoken)
            self.pairs.append(pair)
            avatar_here = self.ask(pair, pair.client.root, "user")
            self.mirrors.append(self.ask(pair, avatar_here, "pond"))
        CALLS.clear()

    @staticmethod
    def ask(pair: Pair, reference: Any, name: str) -> Any:
        result = reference.callRemote(name)
        pair.run()
        assert result.error is None, result.error
        return result.value

    def tell(self, *args: Any) -> None:
        try:
            self.pond.observers.callRemote("see", *args)
        finally:
            for pair in self.pairs:
                pair.run()

    @property
    def seen(self) -> list[Any]:
        return [each.seen for each in self.mirrors]


def test_fifty_users_see_what_was_written_once() -> None:
    users = Users(50)
    users.tell(Counted())
    assert len(CALLS) == 1 and [seen[0].text for seen in users.seen] == ["for all"] * 50


def test_peers_that_take_less_share_what_was_written_if_it_is_not_too_much() -> None:
    limits = {i: likewise.Limits(frame_items=10_000 + 100 * i) for i in range(1, 20)}
    users = Users(20, client_limits=limits)
    users.tell(Counted())
    assert len(CALLS) == 1 and [seen[0].text for seen in users.seen] == ["for all"] * 20
    CALLS.clear()
    with pytest.raises(likewise.NotSendable, match="of 20 observers were not told") as refused:
        users.tell([Counted(), [[0] * 9 for _ in range(1_000)]])
    untold = len(refused.value.untold)
    assert 1 < untold < 19 and len(CALLS) == 1 + untold, "written anew only to say what is wrong with it"
    assert [len(seen) for seen in users.seen] == [2] + [1] * untold + [2] * (19 - untold)


def test_what_a_hook_is_told_the_perspective_for_is_written_for_each() -> None:
    users = Users(5)
    for value in (CountedFor(), WritesItself()):
        users.tell([1, value])
        assert [each.name for each in CALLS] == [f"user {i}" for i in range(5)]
        assert [seen[-1][1].text for seen in users.seen] == [f"for user {i}" for i in range(5)]
        CALLS.clear()
    users.tell(TagFor())
    assert [type(seen[-1]) for seen in users.seen] == [Text, Other, Text, Text, Text]


def test_a_hook_that_was_put_on_one_object_alone_is_asked_for_each_too() -> None:
    users = Users(3)
    value: Any = Counted()
    value.getStateToCopyFor = lambda perspective: {"text": perspective.name}
    users.tell(value)
    assert [seen[0].text for seen in users.seen] == [f"user {i}" for i in range(3)]


def test_those_who_share_a_perspective_share_what_was_written_for_it() -> None:
    users = Users(4, one_avatar=True)
    users.tell(CountedFor())
    assert len(CALLS) == 1 and [seen[0].text for seen in users.seen] == ["for the only one"] * 4


TOO_MUCH = {
    "frame_items": ([[0] * 999 for _ in range(1_001)], likewise.Limits()),
    "list_items": ([0] * 4_000_000, likewise.Limits()),
    "string_bytes": (b"x" * 100_001, likewise.Limits(string_bytes=100_000)),
    "frame_bytes": ([b"x" * 60_000, b"y" * 60_000], likewise.Limits(frame_bytes=100_000)),
}


@pytest.mark.parametrize("limit", TOO_MUCH)
def test_a_published_value_over_a_ceiling_is_refused_and_costs_nobody_the_connection(limit: str) -> None:
    value, limits = TOO_MUCH[limit]
    users = Users(2, client_limits={0: limits, 1: limits})
    (observer, _) = users.pond.observers
    with pytest.raises(likewise.NotSendable, match=limit) as alone:
        observer.callRemote("see", value)
    with pytest.raises(likewise.NotSendable, match="2 of 2 observers were not told") as refused:
        users.tell(value)
    assert refused.value.untold == tuple(users.pond.observers)
    assert refused.value.reason.startswith(alone.value.reason) or limit == "frame_bytes"
    users.tell("fine")
    assert users.seen == [["fine"]] * 2 and all(pair.client.is_open for pair in users.pairs)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def shared(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value, value]
    return value


@pytest.mark.parametrize("value", [[0] * 5_000, [b"x" * 3_000] * 2, nested(40), shared(20), b"x" * 5_000], ids=range(5))
def test_who_takes_less_is_not_told_and_the_others_are(value: Any) -> None:
    small = likewise.Limits(frame_items=4_000, frame_bytes=5_500, string_bytes=4_000, depth=30)
    users = Users(5, client_limits={1: small, 3: small})
    observers = list(users.pond.observers)
    with pytest.raises(likewise.NotSendable, match="2 of 5 observers were not told") as refused:
        users.tell(value)
    assert refused.value.untold == (observers[1], observers[3])
    assert [len(seen) for seen in users.seen] == [1, 0, 1, 0, 1]
    users.tell("fine")
    assert [len(seen) for seen in users.seen] == [2, 1, 2, 1, 2] and all(pair.client.is_open for pair in users.pairs)


def test_what_is_too_large_for_pb_goes_to_those_who_speak_likewise_1() -> None:
    users = Users(3, dialects={1: (PB,)})
    observers = list(users.pond.observers)
    with pytest.raises(likewise.NotSendable, match=r"speaks pb takes at most 655,360.*1 of 3 observers") as refused:
        users.tell(b"x" * 655_361)
    assert refused.value.untold == (observers[1],) and [len(seen) for seen in users.seen] == [1, 0, 1]


def test_what_a_hook_raises_for_one_perspective_keeps_no_other_from_being_told() -> None:
    users = Users(4)
    with pytest.raises(ValueError, match="as asked") as raised:
        users.tell(Bomb(ValueError("as asked"), "user 0", "user 2"))
    assert raised.value.__notes__ == ["2 of 4 observers were not told"]
    assert [len(seen) for seen in users.seen] == [0, 1, 0, 1]
    with pytest.raises(GeneratorExit):
        users.tell(Bomb(GeneratorExit(), "user 1"))
    assert [len(seen) for seen in users.seen] == [1, 1, 1, 2]
    with pytest.raises(KeyboardInterrupt):
        users.tell(Bomb(KeyboardInterrupt(), "user 0"))


class Thing(likewise.Referenceable):
    pass


def test_what_belongs_to_one_connection_is_written_for_each_and_fails_for_one_alone() -> None:
    small = likewise.Limits(frame_items=4_000)
    users = Users(3, client_limits={1: small})
    users.tell(Thing())
    with pytest.raises(likewise.NotSendable, match="1 of 3 observers were not told"):
        users.tell([Thing(), [0] * 5_000])
    assert [len(seen) for seen in users.seen] == [2, 1, 2]
    assert [pair.server.sizes["exported"] for pair in users.pairs] == [2, 1, 2], "and nothing was counted"


def test_a_hook_that_ends_one_connection_is_no_error_of_the_others() -> None:
    users = Users(3)

    class Ends(likewise.Copyable):
        def getTypeToCopy(self) -> str:
            return "tests.fanout.TagFor"

        def getStateToCopyFor(self, perspective: Any) -> Any:
            if perspective.name == "user 1":
                users.pairs[1].cut()
            return {"text": perspective.name}

    users.tell([Thing(), Ends()])
    assert [len(seen) for seen in users.seen] == [1, 0, 1]


def test_only_observers_can_be_told() -> None:
    observers = likewise.Observers()
    pair = Pair(likewise.Root())
    with pytest.raises(TypeError, match="call a RemoteReference by itself"):
        observers.add(pair.client.root)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        observers.add(None)  # type: ignore[arg-type]
    assert len(observers) == 0
    observers.callRemote("see", 1)


def test_answers_fail_for_who_can_not_be_told_and_come_from_the_others() -> None:
    small = likewise.Limits(frame_items=4_000)
    users = Users(3, client_limits={0: small})
    observers = list(users.pond.observers)
    answers = users.pond.observers.callRemoteForAnswers("see", [0] * 5_000)
    for pair in users.pairs:
        pair.run()
    assert list(answers) == observers
    assert [type(each.error) for each in answers.values()] == [likewise.NotSendable, type(None), type(None)]
    assert [len(seen) for seen in users.seen] == [0, 1, 1]
    with pytest.raises(likewise.NotSendable):
        users.pond.observers.callRemoteForAnswers("see", object())
