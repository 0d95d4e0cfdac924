"""Objects -> tokens: what is refused and where it lies, sharing, and Twisted's bytes."""

import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.jelly.encoder import Encoder
from likewise.wire.tokens import LARGEST_INT, LIKEWISE_1, PB, SIZE_LIMIT
from tests import sexp
from tests.jellies import read, written

HERE = __name__


@likewise.copyable
@dataclass
class Line:
    what: Any
    lock: Any = None


@likewise.copyable
@dataclass(slots=True)
class Slotted:
    what: Any


class Goose(likewise.Copyable):
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Stated(likewise.Copyable):
    """Says for itself what crosses."""

    def __init__(self, state: Any, tag: str | bytes = "far.Stated") -> None:
        self.its_state = state
        self.tag = tag

    def getStateToCopy(self) -> Any:
        return self.its_state

    def getTypeToCopy(self) -> str | bytes:
        return self.tag


def expression(value: Any, **options: Any) -> Any:
    (only,) = sexp.decode(written(value, **options))
    return only


def refusal(value: Any, **options: Any) -> NotSendable:
    with pytest.raises(NotSendable) as caught:
        written(value, **options)
    return caught.value


# --- what may not cross


class Text(str):
    pass


class Colour(IntEnum):
    RED = 1


class Plain:
    pass


class Called:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Text("x"), f"{HERE}.Text is a subclass of str, and only str itself crosses: convert it"),
        (Colour.RED, f"a member of the Enum {HERE}.Colour: put @likewise.copyable above the class"),
        (OrderedDict(a=1), "a collections.OrderedDict: send dict(x), which keeps the order, and where it"),
        (namedtuple("Point", "x y")(1, 2), "Point is a named tuple: put @likewise.copyable above the class"),
        (type("L", (list,), {})(), "L is a subclass of list"),
        (type("S", (set,), {})(), "L is a subclass of set".replace("L", "S")),
        (Plain(), f"an instance of {HERE}.Plain, which nothing allows to cross: make the class a @likewise.copyable"),
        (Plain, f"the class {HERE}.Plain: classes don't cross"),
        (int, "the class builtins.int"),
        (len, "a builtin_function_or_method: code doesn't cross"),
        (lambda: None, "a function: code doesn't cross"),
        (Plain().__init__, "code doesn't cross"),
        (Called(), "a Called: code doesn't cross"),
        (threading.Lock(), "a lock, which belongs to this process: leave it out"),
        (object(), "an instance of builtins.object"),
        (1j, "a complex: the peer speaks pb, and PB has no form for it; send (x.real, x.imag)"),
        (bytearray(b"x"), "a bytearray: the peer speaks pb, and PB has no form for it; send bytes(x)"),
        (PurePosixPath("a"), "a PurePosixPath: a path means something on this machine only; send str(x)"),
        (LARGEST_INT + 1, "at most 448"),
        ("\ud800", "a str that UTF-8 can't spell"),
        (Goose(**{"\ud800": 1}), "an attribute name that UTF-8 can't spell"),
        (likewise.Referenceable(), "crosses by reference, which means nothing outside a connection"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_may_not_cross_is_refused_with_a_remedy(value: Any, reason: str) -> None:
    assert reason in refusal(value).reason
    assert isinstance(refusal(value), InsecureJelly)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Plain(), ""),
        ([1, 2, Plain()], "[2]"),
        ((Plain(),), "[0]"),
        ({"a": [Plain()]}, "['a'][0]"),
        ({b"raw": Plain()}, "[b'raw']"),
        ({(1, 2): Plain()}, "[a tuple]"),
        ({Plain: 1}, "[a type]"),
        ({1: {None: {2.5: {True: Plain()}}}}, "[1][None][2.5][True]"),
        ({"k" * 50: Plain()}, "['" + "k" * 50 + "']"),
        ({Plain}, "[a member]"),
        (frozenset([Plain]), "[a member]"),
        (Line("x", threading.Lock()), ".lock"),
        ([Line([Line(1, Plain())])], "[0].what[0].lock"),
        (Slotted([Plain()]), ".what[0]"),
        (Goose(items=[0, 0, 0, Goose(lock=Plain())]), ".items[3].lock"),
        (Stated([Plain()]), "[0]"),
        (Stated({"a": {"b": Plain()}}), ".a['b']"),
    ],
)
def test_the_path_leads_to_it(value: Any, path: str) -> None:
    error = refusal(value)
    assert error.path == path
    assert str(error) == (f"{path}: {error.reason}" if path else error.reason)


def test_the_path_begins_with_the_argument() -> None:
    encoder = Encoder(None, None, 252)
    with pytest.raises(NotSendable) as caught:
        encoder.encode_arguments((1, Goose(items=[0, 0, 0, Goose(lock=Plain())])))
    assert caught.value.path == "args[1].items[3].lock"
    with pytest.raises(NotSendable) as caught:
        Encoder(None, None, 252).encode_keywords({"pond": {"duck": Plain()}})
    assert caught.value.path == "kwargs.pond['duck']"


def test_arguments_that_there_are_none_of_are_empty_jellies() -> None:
    encoder = Encoder(None, None, 252)
    encoder.encode_arguments(())
    encoder.encode_keywords({})
    assert sexp.decode(b"".join(encoder.written())) == [[b"tuple"], [b"dictionary"]]


def test_many_arguments_are_as_few() -> None:
    for count in (1, 63, 64, 200):
        encoder = Encoder(None, None, 252)
        encoder.encode_arguments(tuple(range(count)))
        assert sexp.decode(b"".join(encoder.written())) == [[b"tuple", *range(count)]]


# --- ceilings at the sender


def nested(levels: int) -> Any:
    value: Any = 5
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_nested_deeper_than_a_peer_accepts_is_refused() -> None:
    assert written(nested(20), depth=20)
    error = refusal(nested(21), depth=20)
    assert "limits.depth" in error.reason and error.path == "[0]" * 20


@pytest.mark.parametrize(
    ("value", "lists"),
    [
        ({"a": 1}, 2),
        ({"a": {"b": 1}}, 4),
        (Line(1), 3),
        (Goose(a=1), 3),
        (Stated({"a": 1}), 3),
        (Stated([1]), 2),
        (Slotted(1), 3),
    ],
)
def test_depth_counts_lists(value: Any, lists: int) -> None:
    assert written([value, value, value], depth=lists + 1)
    assert "limits.depth" in refusal([value], depth=lists).reason


def test_a_depth_that_is_left_is_given_back() -> None:
    assert written([nested(9)] * 50 + [[Line(1), {"a": 1}, Goose(a=1), Stated([1])]] * 50, depth=12)


def test_sizes_that_a_twisted_peer_refuses_are_refused_first() -> None:
    big = SIZE_LIMIT + 1
    assert "a byte string of 655,361 bytes" in refusal([b"x" * big]).reason
    assert "a str of 655,361 bytes" in refusal(["x" * big]).reason
    assert "a list of 655,361 items" in refusal([0] * SIZE_LIMIT).reason
    assert "a dict of 655,361 items" in refusal(dict.fromkeys(range(SIZE_LIMIT))).reason
    assert len(written([0] * (SIZE_LIMIT - 1))) > SIZE_LIMIT
    assert len(written(b"x" * big, dialect=LIKEWISE_1)) > big
    assert len(written("é" * (SIZE_LIMIT // 2))) > SIZE_LIMIT


# --- sharing


def test_what_is_met_twice_is_written_once() -> None:
    shared = [1]
    assert expression([shared, shared, shared]) == sexp.parse(
        "(list (reference 1 (list 1)) (dereference 1) (dereference 1))"
    )


def test_numbers_are_given_in_the_order_in_which_things_are_met_again() -> None:
    a, b = [1], [2]
    assert expression([a, b, b, a]) == sexp.parse(
        "(list (reference 2 (list 1)) (reference 1 (list 2)) (dereference 1) (dereference 2))"
    )


def test_a_cycle_is_written() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert expression(loop) == sexp.parse("(reference 1 (list (dereference 1)))")
    assert (back := read(written(loop)))[0] is back


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, Line])
def test_containers_and_objects_are_shared_values_are_not(kind: Any) -> None:
    one, other = kind((1,)), kind([1])
    assert expression([one, one])[1][:2] == [b"reference", 1]
    assert expression([one, other]) == [b"list", expression(one), expression(other)]
    text, number = "long enough to be no word", 10**40
    assert expression([text, text, number, number, None, None])[1:3] == [[b"unicode", text.encode()]] * 2


def test_state_made_on_the_way_is_kept_until_the_message_is_written() -> None:
    class Fleeting(likewise.Copyable):
        def getStateToCopy(self) -> Any:
            return {"made": [object.__hash__(self)]}  # freed at once, its address used again, were it not kept

    back = expression([Fleeting() for _ in range(200)])
    assert all(item[0] == f"{HERE}.Fleeting".encode() for item in back[1:])


def test_one_state_for_two_objects_is_one_state() -> None:
    state = {"a": 1}
    assert expression([Stated(state), Stated(state)]) == sexp.parse(
        '(list (far.Stated (reference 1 (dictionary ((unicode "a") 1)))) (far.Stated (dereference 1)))'
    )


def test_an_object_met_again_is_not_asked_again() -> None:
    asked = []

    class Asked(likewise.Copyable):
        def getStateToCopy(self) -> Any:
            asked.append(self)
            return {}

    one = Asked()
    written([one, one])
    assert asked == [one]


# --- forms


def test_a_word_of_the_vocabulary_goes_as_its_number_wherever_it_stands() -> None:
    assert written("None") == b"\x02\x80\x07\x82unicode\x01\x87"
    assert written(b"uncache") == b"\x1f\x87"
    assert written({"list": b"tuple"}) == sexp.encode([b"dictionary", [[b"unicode", b"list"], b"tuple"]])


def test_hooks_say_what_crosses_and_to_whom() -> None:
    class Hooked(likewise.Copyable):
        def getStateToCopyFor(self, perspective: Any) -> Any:
            return {"for": perspective}

        def getTypeToCopyFor(self, perspective: Any) -> str:
            return f"type.for.{perspective}"

    assert expression(Hooked(), perspective="ada") == sexp.parse(
        '(type.for.ada (dictionary ((unicode "for") (unicode "ada"))))'
    )


@pytest.mark.parametrize("state", [None, 5, [1], "text", (1, 2), {1: 2}])
def test_a_hook_may_return_any_state(state: Any) -> None:
    tag, its_state = expression(Stated(state, b"far.Stated"))
    assert tag == b"far.Stated"
    assert its_state == expression(state)


def test_an_attribute_name_that_is_no_str_is_written_as_it_is() -> None:
    assert expression(Stated({1: 2, "a": 3}))[1] == sexp.parse('(dictionary (1 2) ((unicode "a") 3))')


def test_long_attribute_names_and_wide_states_are_as_short_ones() -> None:
    wide = {f"name_{n}" + "x" * (n % 200): n for n in range(300)}
    assert read(written(Line(1))).what == 1
    assert expression(Stated(wide))[1] == [b"dictionary", *([[b"unicode", name.encode()], n] for name, n in wide.items())]


def test_a_subclass_of_a_copyable_without_hooks_may_have_some() -> None:
    class Loud(Goose):
        def getStateToCopy(self) -> Any:
            return {"said": "honk"}

    assert expression([Goose(a=1), Loud(a=1), Goose(a=2)])[1:] == [
        [f"{HERE}.Goose".encode(), sexp.parse('(dictionary ((unicode "a") 1))')],
        [f"{HERE}.Loud".encode(), sexp.parse('(dictionary ((unicode "said") (unicode "honk")))')],
        [f"{HERE}.Goose".encode(), sexp.parse('(dictionary ((unicode "a") 2))')],
    ]


def test_large_strings_stay_pieces_of_their_own() -> None:
    large = b"x" * 70_000
    encoder = Encoder(None, None, 252, PB)
    encoder.encode([large, "y" * 70_000])
    assert any(piece is large for piece in encoder.written())


def test_a_container_that_its_own_items_change_is_refused() -> None:
    class Growing(likewise.Copyable):
        def __init__(self, around: Any) -> None:
            self.around = around

        def getStateToCopy(self) -> Any:
            self.around.append(7)
            return {}

    around: list[Any] = []
    around.append(Growing(around))
    assert "changed while it was written" in refusal([around, 5]).reason
