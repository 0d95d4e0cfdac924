"""Types of other packages that are adopted: they cross by a state, both ways, for the process or for one endpoint."""

from __future__ import annotations

import datetime
import enum
import fractions
import ipaddress
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1, PB, Dialect
from tests.jelly.foreigners import Echo, asked, echoed, refused, restored
from tests.sexp import encode


class Money:
    """Stands for a type of another package."""

    def __init__(self, cents: int, currency: str = "EUR") -> None:
        if cents < 0:
            raise ValueError("no negative amounts")
        self.cents = cents
        self.currency = currency

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((self.cents, self.currency))


class Coin(Money):
    pass


def to_state(money: Money) -> tuple[int, str]:
    return money.cents, money.currency


def from_state(state: tuple[int, str]) -> Money:
    return Money(*state)


@pytest.fixture
def clean() -> Iterator[None]:
    """The process-wide registry, as it was before."""
    with restored():
        yield


def registry(**options: Any) -> likewise.Registry:
    made = likewise.Registry()
    made.adopt(Money, **({"to_state": to_state, "from_state": from_state} | options))
    return made


def test_a_foreign_type_crosses_both_ways_once_it_is_adopted(clean: None) -> None:
    assert "likewise.adopt" in refused(Money(3))
    likewise.adopt(Money, to_state=to_state, from_state=from_state)
    assert echoed(Money(3)) == Money(3)
    assert echoed({"of": [Money(3), Money(4)]}) == {"of": [Money(3), Money(4)]}


def test_one_endpoint_may_adopt_it_and_the_others_know_nothing_of_it() -> None:
    assert echoed(Money(3), accept=registry()) == Money(3)
    assert "adopt" in refused(Money(3))
    assert "Money is not registered" in refused(Money(3), client_accept=registry(), accept=likewise.Registry())


def test_an_endpoint_s_own_adoption_goes_before_that_of_the_process(clean: None) -> None:
    likewise.adopt(Money, to_state=lambda money: 0, from_state=lambda state: Money(0), name="of.the.process")
    own = registry(name="own.Money")
    assert echoed(Money(3), accept=own) == Money(3)
    assert "of.the.process is not registered" in refused(Money(3), accept=own, client_accept=likewise.Registry())


def test_accept_takes_what_the_process_has_adopted(clean: None) -> None:
    likewise.adopt(Money, to_state=to_state, from_state=from_state)
    assert echoed(Money(3), accept=[Money]) == Money(3)
    assert "not registered" in refused(Money(3), accept=[])


def test_one_object_arrives_as_one_object_and_may_be_a_key() -> None:
    money = Money(3)
    first, second = echoed([money, money], accept=registry())
    assert first is second
    assert echoed({Money(1): "one"}, accept=registry()) == {Money(1): "one"}


def test_subclasses_are_meant_where_that_is_said() -> None:
    assert "Coin" in refused(Coin(3), accept=registry())
    with_them = registry(subclasses=True, state=list[int], to_state=lambda coin: [coin.cents], from_state=lambda s: Coin(*s))
    got = echoed(Coin(3), accept=with_them)
    assert type(got) is Coin and got == Coin(3)


@pytest.mark.parametrize("options", [{}, {"state": tuple[int, str], "to_state": lambda money: (money.cents, 1)}])
def test_a_state_of_another_type_is_refused_before_anything_is_made_of_it(options: Any) -> None:
    sender = registry(**({"to_state": lambda money: (b"many", 1)} | options))
    made: list[Any] = []
    receiver = registry(from_state=made.append, state=tuple[int, str], to_state=lambda money: 1)
    text = refused(Money(3), client_accept=sender, accept=receiver)
    assert "Money.state takes tuple[int, str], not" in text and not made


def test_the_state_of_a_function_that_is_a_class_is_of_that_class() -> None:
    own = likewise.Registry()
    own.adopt(ipaddress.IPv4Address, to_state=str, from_state=ipaddress.IPv4Address)
    assert echoed(ipaddress.IPv4Address("10.0.0.1"), accept=own) == ipaddress.IPv4Address("10.0.0.1")
    other = likewise.Registry()
    other.adopt(ipaddress.IPv4Address, to_state=int, from_state=ipaddress.IPv4Address)
    assert "takes str, not int" in refused(ipaddress.IPv4Address("10.0.0.1"), client_accept=other, accept=own)


def test_what_from_state_raises_fails_that_call_and_nothing_else() -> None:
    pair = Pair(Echo(), client_accept=registry(to_state=lambda money: (-1, "EUR")), accept=registry())
    with pytest.raises(likewise.InsecureJelly, match=r"from_state of .*Money refuses the state: ValueError: no negative"):
        asked(pair, Money(3))
    assert asked(pair, 3) == 3


@pytest.mark.parametrize("made", [None, Coin(1), "Money"])
def test_from_state_has_to_return_the_type_that_was_adopted(made: Any) -> None:
    assert "from_state of" in refused(Money(3), accept=registry(from_state=lambda state: made))


def test_a_from_state_that_recurses_without_end_fails_the_call() -> None:
    def without_end(state: Any) -> Any:
        return without_end(state)

    assert "RecursionError" in refused(Money(3), accept=registry(from_state=without_end))


def test_what_to_state_raises_or_returns_in_vain_is_told_to_the_sender_with_the_path() -> None:
    def raises(money: Money) -> Any:
        raise ValueError("not today")

    async def waits(money: Money) -> Any:
        return 1

    for function, text in (
        (raises, r"args\[0\]\[1\]: to_state of .*Money raised ValueError: not today"),
        (lambda money: waits(money), r"to_state of .*Money is async"),
        (lambda money: money, "returned the object itself"),
        (lambda money: [object()], r"args\[0\]\[1\]\.to_state\(\)\[0\]"),
    ):
        with pytest.raises(likewise.NotSendable, match=text):
            echoed([1, Money(3)], accept=registry(to_state=function))


def test_a_state_that_leads_back_to_what_is_around_it_is_refused() -> None:
    """Whoever makes an object looks at the state at once: more could be put into it behind its back."""
    held: list[Any] = []
    held.append(Money(3))
    own = registry(to_state=lambda money: held, from_state=lambda state: Money(1))
    assert "leads back to what it is part of" in refused(held, accept=own)


class Bag:
    pass


def test_a_state_that_leads_back_by_way_of_something_that_is_whole_is_refused_too() -> None:
    seen: list[Any] = []
    own = likewise.Registry()
    own.adopt(Bag, to_state=lambda bag: 1, from_state=lambda state: seen.append(state) or Bag(), name="a.Bag")
    by_way: Any = [b"reference", 2, [b"list", [b"dereference", 1]]]
    wire = [b"reference", 1, [b"list", by_way, [b"a.Bag", [b"dereference", 2]], b"more"]]
    with pytest.raises(likewise.InsecureJelly, match="leads back to what it is part of"):
        read(wire, own)
    assert not seen
    inside = [b"a.Bag", [b"reference", 1, [b"list", [b"dereference", 1]]]]
    with pytest.raises(likewise.InsecureJelly, match="leads back to what it is part of"):
        read(inside, own)
    around = [b"list", [b"reference", 1, [b"list", 1, 2]], [b"a.Bag", [b"list", [b"dereference", 1], [b"dereference", 1]]]]
    read(around, own)
    assert seen == [[[1, 2], [1, 2]]] and seen[0][0] is seen[0][1]


def test_numbers_of_references_begin_anew_in_the_keywords_of_a_call() -> None:
    own = registry()
    one: list[Any] = []
    pair = Pair(Keywords(), accept=own)
    result = pair.client.root.callRemote("both", one, one, money=Money(3), again=[one, one])
    pair.run()
    assert result.error is None and result.value == Money(3)


class Keywords(likewise.Root):
    def remote_both(self, *args: Any, money: Money, again: Any) -> Money:
        assert args[0] is args[1] and again[0] is again[1]
        return money


def read(expression: Any, own: likewise.Registry, **limits: int) -> Any:
    from likewise.jelly.decoder import Decoder
    from likewise.wire.framer import Framer
    from likewise.wire.tokens import LIKEWISE_1

    framer = Framer(likewise.Limits())
    framer.speak(LIKEWISE_1)
    framer.feed(encode(expression))
    frame = framer.next_frame()
    assert frame is not None
    return Decoder(frame, own, None, likewise.Limits(**limits)).decode()


def bomb(levels: int) -> Any:
    """Lists of two, each twice in the next: 2**levels at each use, in few bytes."""
    parts: list[Any] = [[b"reference", 1, [b"list"]]]
    for number in range(2, levels + 2):
        parts.append([b"reference", number, [b"list", *[[b"dereference", number - 1]] * 2]])
    return parts


def test_lists_in_lists_that_are_shared_are_not_handed_on_where_they_would_be_walked_without_end() -> None:
    own = registry(state=list, to_state=lambda money: [], from_state=lambda state: Money(0), name="a.Money")
    read([b"list", *bomb(5), [b"a.Money", [b"list", [b"dereference", 6]]]], own)
    with pytest.raises(likewise.InsecureJelly, match="rebuilt_bytes"):
        read([b"list", *bomb(40), [b"a.Money", [b"list", [b"dereference", 41]]]], own)
    for inside in ([b"a.Money", [b"list", *bomb(40)]],):  # all of it within the state
        with pytest.raises(likewise.InsecureJelly, match="rebuilt_bytes"):
            read(inside, own)


def test_many_objects_may_share_an_object_that_was_made_but_not_a_large_list() -> None:
    own = registry(state=list, to_state=lambda money: [], from_state=lambda state: Money(0), name="a.Money")
    shared = [b"reference", 1, [b"a.Money", [b"list", *range(100)]]]
    read([b"list", shared, *[[b"a.Money", [b"list", [b"dereference", 1]]]] * 1_000], own, rebuilt_bytes=20_000)
    large = [b"reference", 1, [b"list", *range(100)]]
    with pytest.raises(likewise.InsecureJelly, match="rebuilt_bytes"):
        read([b"list", large, *[[b"a.Money", [b"list", [b"dereference", 1]]]] * 1_000], own, rebuilt_bytes=20_000)


# --- what can't be adopted


@pytest.mark.parametrize("cls", [int, float, str, dict, bytes, type(None)])
def test_what_crosses_as_it_is_is_not_adopted(cls: type) -> None:
    with pytest.raises(TypeError, match="crosses as it is"):
        likewise.Registry().adopt(cls, to_state=repr, from_state=repr)


@pytest.mark.parametrize("dialect", [PB, LIKEWISE_1], ids=["pb", "likewise-1"])
@pytest.mark.parametrize("value", [uuid.UUID(int=5), fractions.Fraction(1, 3), bytearray(b"x"), 1j])
def test_what_is_adopted_goes_so_though_it_has_a_form_of_its_own(value: Any, dialect: Dialect) -> None:
    """Who adopts it has said how it goes, and to a peer that speaks pb there is no other way."""
    seen: list[Any] = []
    own = likewise.Registry()
    own.adopt(type(value), to_state=lambda value: [1, 2], from_state=lambda state: seen.append(state) or value)
    got = echoed({"of": [value]}, accept=own, client_dialects=(dialect,))["of"][0]
    assert got == value and seen == [[1, 2], [1, 2]]


def test_what_has_a_form_comes_in_by_that_form_from_who_has_not_adopted_it() -> None:
    own = likewise.Registry()
    own.adopt(uuid.UUID, to_state=str, from_state=uuid.UUID)
    root = Echo()
    pair = Pair(root, accept=own, client_accept=likewise.Registry())
    with pytest.raises(likewise.InsecureJelly, match=r"uuid\.UUID is not registered"):
        asked(pair, uuid.UUID(int=5))  # it came in, and what goes back is what the server has adopted
    assert root.got == uuid.UUID(int=5)


def test_a_base_that_is_adopted_with_its_subclasses_leaves_them_the_forms_that_they_have() -> None:
    own = likewise.Registry(Hue)
    seen: list[Any] = []
    for base in (enum.Enum, datetime.tzinfo):
        own.adopt(base, to_state=lambda value: 1, from_state=lambda state: seen.append(state), subclasses=True)
    assert echoed([Hue.RED, datetime.UTC], accept=own) == [Hue.RED, datetime.UTC] and not seen
    assert "from_state of" in refused(datetime.UTC, accept=own, client_dialects=(PB,)) and seen == [1]


class Lost(Exception):
    """One that takes along what it is about."""


class Losing(likewise.Root):
    def remote_lose(self) -> None:
        raise Lost(uuid.UUID(int=5))


def test_what_an_error_was_made_with_comes_along_whatever_is_adopted(clean: None) -> None:
    likewise.adopt(uuid.UUID, to_state=str, from_state=uuid.UUID)
    pair = Pair(Losing(), accept=likewise.Registry(Lost))
    result = pair.client.root.callRemote("lose")
    pair.run()
    assert type(result.error) is Lost and result.error.args == (uuid.UUID(int=5),)


@likewise.copyable
class Hue(enum.Enum):
    RED = 1


def test_what_is_copyable_is_not_adopted_nor_the_other_way_round(clean: None) -> None:
    with pytest.raises(TypeError, match=r"Hue is @likewise\.copyable: there is nothing to adopt"):
        likewise.Registry().adopt(Hue, to_state=str, from_state=Hue)

    class Tone(enum.Enum):
        LOW = 1

    likewise.adopt(Tone, to_state=to_state, from_state=from_state)
    with pytest.raises(TypeError, match="Tone is adopted already"):
        likewise.copyable(Tone)


def test_the_name_of_a_form_of_likewise_s_own_is_taken() -> None:
    with pytest.raises(TypeError, match=r"'likewise\.UUID' means something else already"):
        registry(name="likewise.UUID")


def test_neither_is_what_likewise_has_another_way_for() -> None:
    class Mine(likewise.Copyable):
        pass

    with pytest.raises(TypeError, match="crosses as it is"):
        likewise.Registry().adopt(Mine, to_state=repr, from_state=repr)
    with pytest.raises(TypeError, match="no class"):
        likewise.Registry().adopt("Money", to_state=repr, from_state=repr)  # type: ignore[arg-type]


async def waits(state: Any) -> Any:
    return state


@pytest.mark.parametrize("options", [{"to_state": waits}, {"from_state": waits}, {"to_state": None}, {"from_state": 3}])
def test_the_functions_are_functions_and_not_async(options: Any) -> None:
    with pytest.raises(TypeError, match=r"is async|is no function"):
        registry(**options)


def test_a_name_is_one_type_s() -> None:
    own = registry(name="a.name")
    with pytest.raises(TypeError, match="already"):
        own.adopt(Coin, to_state=to_state, from_state=from_state, name="a.name")
    with pytest.raises(TypeError, match="adopted"):
        own.setUnjellyableFactoryForClass("a.name", from_state)
    taken = likewise.Registry()
    taken.setUnjellyableFactoryForClass("a.name", from_state)
    with pytest.raises(TypeError, match="means something else already"):
        taken.adopt(Money, to_state=to_state, from_state=from_state, name="a.name")
    for word in ("list", "reference", "decimal", ""):
        if word:
            with pytest.raises(TypeError, match="word of the wire"):
                registry(name=word)


def test_a_type_is_adopted_once_and_running_the_same_lines_again_is_the_same() -> None:
    own = registry()
    own.adopt(Money, to_state=to_state, from_state=from_state)
    with pytest.raises(TypeError, match="adopted here already"):
        own.adopt(Money, to_state=to_state, from_state=from_state, name="another.name")
    with pytest.raises(TypeError, match="adopted here already"):
        own.adopt(Money, to_state=lambda money: 1, from_state=from_state)


def test_a_registry_that_serves_an_endpoint_adopts_nothing_more() -> None:
    own = likewise.Registry()
    Pair(Echo(), accept=own)
    with pytest.raises(RuntimeError, match="serves an endpoint already"):
        own.adopt(Money, to_state=to_state, from_state=from_state)


# --- where else it holds


def test_a_field_and_an_argument_may_be_annotated_with_it(clean: None) -> None:
    import dataclasses

    likewise.adopt(Money, to_state=to_state, from_state=from_state)

    @likewise.copyable(name="tests.foreign.Bill")
    @dataclasses.dataclass
    class Bill:
        total: Money

    assert echoed(Bill(Money(3))) == Bill(Money(3))
    assert "Bill.total takes Money, not" in refused(Bill("much"))  # type: ignore[arg-type]


def test_what_is_published_to_many_is_written_once_unless_an_endpoint_has_its_own(clean: None) -> None:
    likewise.adopt(Money, to_state=to_state, from_state=from_state)
    for own in (None, registry(name="own.Money")):
        got = told_of(Money(3), own)
        assert got == [Money(3), Money(3)]


class Board(likewise.Cacheable):
    def __init__(self) -> None:
        self.observers = likewise.Observers()

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.add(observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.discard(observer)


class BoardMirror(likewise.RemoteCache):
    told: Any = None

    def observe_set(self, value: Any) -> None:
        self.told = value


def told_of(value: Any, own: likewise.Registry | None) -> list[Any]:
    class Serving(likewise.Root):
        def remote_board(self) -> Board:
            return board

    board = Board()
    mirrors = []
    pairs = []
    for number in range(2):
        accept = own if own is not None and number else likewise.Registry(Money)
        if accept is not own or not own.is_closed:
            accept.setUnjellyableForClass(Board, BoardMirror)
        pair = Pair(Serving(), accept=accept)
        result = pair.client.root.callRemote("board")
        pair.run()
        pairs.append(pair)
        mirrors.append(result.value)
    board.observers.callRemote("set", value)
    for pair in pairs:
        pair.run()
    return [mirror.told for mirror in mirrors]


def test_a_peer_that_speaks_pb_takes_it_as_a_name_with_a_state() -> None:
    assert echoed(Money(3), accept=registry(), dialects=(PB,)) == Money(3)
