"""Tokens -> objects: every form and every refusal, cycles through everything, and what hashing may cost."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.jelly.decoder import Decoder
from likewise.jelly.plans import TAKER, Incoming
from likewise.jelly.registry import Registry
from likewise.limits import DEEPEST, Limits
from tests import sexp
from tests.jellies import LIMITS, frame_of, read, state, text, written


class Copy(likewise.RemoteCopy):
    pass


class Hooked(likewise.RemoteCopy):
    """Notes the state that its hook gets, as it is then."""

    def setCopyableState(self, state: Any) -> None:
        self.its_state = state
        self.repr_then = repr(state)


class Finished(likewise.RemoteCopy):
    def postUnjelly(self) -> None:
        self.finished_with = sorted(vars(self))


class Mirror(likewise.RemoteCache):
    pass


@likewise.copyable(name="frozen")
@dataclass(frozen=True)
class Frozen:
    a: Any = None


@likewise.copyable(name="slotted")
@dataclass(frozen=True, slots=True)
class Slotted:
    a: Any = None
    b: Any = None


class Made:
    def __init__(self, state: Any) -> None:
        self.state = state


def make_registry() -> Registry:
    registry = Registry(Frozen, Slotted)
    registry.setUnjellyableForClass("copy", Copy)
    registry.setUnjellyableForClass("a.Copy", Copy)
    registry.setUnjellyableForClass("hooked", Hooked)
    registry.setUnjellyableForClass("finished", Finished)
    registry.setUnjellyableForClass("mirror", Mirror)
    registry.setUnjellyableFactoryForClass("made", Made)
    return registry


REGISTRY = make_registry()


def got(jelly: Any, **limits: int) -> Any:
    return read(jelly, registry=REGISTRY, limits=Limits(**limits) if limits else LIMITS)


def refusal(jelly: Any, **limits: int) -> str:
    with pytest.raises(InsecureJelly) as caught:
        got(jelly, **limits)
    return str(caught.value)


# --- forms


@pytest.mark.parametrize(
    ("jelly", "value"),
    [
        ("(None)", None),
        ("(boolean true)", True),
        ("(boolean false)", False),
        ("5", 5),
        ("-5", -5),
        ("2.5", 2.5),
        ('"bytes"', b"bytes"),
        ("list", b"list"),
        ('(unicode "duck")', "duck"),
        ("(unicode list)", "list"),
        ('(unicode "")', ""),
        ("(list)", []),
        ("(list 1 (list 2))", [1, [2]]),
        ("(tuple)", ()),
        ("(tuple 1 (tuple))", (1, ())),
        ("(dictionary)", {}),
        ('(dictionary (1 2) ((unicode "a") (None)))', {1: 2, "a": None}),
        ("(dictionary ((tuple 1 2) 3) ((None) 4) ((boolean true) 5))", {(1, 2): 3, None: 4, True: 5}),
        ('(dictionary (2.5 6) ("raw" 7))', {2.5: 6, b"raw": 7}),
        ("(set 1 2 2)", {1, 2}),
        ("(set)", set()),
        ("(frozenset (tuple 1))", frozenset([(1,)])),
        ("(reference 1 5)", 5),
        ("(list (reference 7 (list 1)) (dereference 7))", [[1], [1]]),
        ("(list (reference 4294967296 (list 1)) (dereference 4294967296))", [[1], [1]]),
    ],
)
def test_a_form_is_read(jelly: str, value: Any) -> None:
    result = got(jelly)
    assert result == value and type(result) is type(value)


def test_long_numbers_and_strings_are_read() -> None:
    for value in (2**31, -(2**40), 2**447, b"x" * 200, "y" * 200, b"x" * 70_000, "é" * 40_000, [0] * 500, "z" * 20_000):
        assert got(written(value)) == value


def test_words_may_be_spelled_out() -> None:
    """As dialect none does, and as a peer may whose strings are no words."""
    spelled = sexp.encode(sexp.parse("(list (None) (tuple 1) (dictionary (1 2)) (set 3) (reference 1 (list)))"), "none")
    assert got(spelled) == [None, (1,), {1: 2}, {3}, []]


def test_padded_numbers_are_as_good_as_tight_ones() -> None:
    assert got(b"\x02\x00\x80\x08\x00\x87\x05\x00\x81") == [5]
    assert got(b"\x02\x00\x00\x80\x07\x00\x82unicode\x02\x00\x82hi") == "hi"
    assert got(b"\x02\x80\x07\x82unicode\x82") == ""
    assert got(b"\x02\x80\x07\x00\x82boolean\x04\x82true") is True
    assert got(b"\x02\x80\x07\x82boolean\x05\x00\x82false") is False
    assert got(b"\x02\x80\x05\x87\x02\x00\x80\x01\x81\x02\x81") == {1: 2}
    assert got(b"\x05" + b"\x00" * 20 + b"\x81") == 5
    assert got(b"\x01" + b"\x00" * 20 + b"\x80\x0b\x87") == ()


def test_a_padded_pair_of_a_state_is_as_good_as_a_tight_one() -> None:
    pair = b"\x02\x00\x80\x02\x80\x07\x82unicode\x01\x82a\x05\x81"
    for _ in range(3):
        assert vars(got(b"\x02\x80" + sexp.encode(b"a.Copy") + b"\x02\x80\x05\x87" + pair)) == {"a": 5}


def test_a_name_that_is_a_reference_is_not_taken_for_its_bytes() -> None:
    """What ``(dereference 1)`` means depends on the message, so no shape of a state may be learned from it."""
    registry = Registry()
    registry.setUnjellyableForClass("copy.by.reference", Copy)

    def value(name: str) -> Any:
        attributes = [b"dictionary", [[b"dereference", 1], 5]]
        jelly = [b"list", [b"reference", 1, text(name)], [b"copy.by.reference", attributes]]
        return read(jelly, registry=registry)[1]

    assert vars(value("first")) == {"first": 5}
    assert vars(value("second")) == {"second": 5}


@pytest.mark.parametrize(
    "jelly",
    [
        "(copy (dictionary))",
        "(copy (None))",
    ],
)
def test_a_copy_without_state_is_empty(jelly: str) -> None:
    assert vars(got(jelly)) == {}


def test_a_copy_gets_its_attributes_in_any_spelling() -> None:
    wanted = {"a": 1, "list": 2, "long" * 50: 3, "été": 4}
    jelly = [
        b"copy",
        [b"dictionary", [b"a", 1], [[b"unicode", b"list"], 2], [text("long" * 50), 3], ["été".encode(), 4]],
    ]
    for _ in range(3):  # the second time by the shape of the first
        assert vars(got(jelly)) == wanted
    assert vars(got([b"copy", [b"dictionary", [text("z"), 0], [text("a"), 1]]])) == {"z": 0, "a": 1}
    assert vars(got([b"copy", [b"reference", 1, state(a=1)]])) == {"a": 1}


def test_a_shared_state_is_shared_by_hooks_only() -> None:
    one, other = got([b"list", [b"hooked", [b"reference", 1, state(a=1)]], [b"hooked", [b"dereference", 1]]])
    assert one.its_state is other.its_state == {"a": 1}
    plain, same = got([b"list", [b"copy", [b"reference", 1, state(a=1)]], [b"copy", [b"dereference", 1]]])
    plain.a = 2
    assert same.a == 1


def test_of_an_attribute_that_comes_twice_the_last_counts() -> None:
    assert got([b"copy", [b"dictionary", [text("a"), 1], [text("a"), 2]]]).a == 2


def test_post_unjelly_runs_when_the_whole_jelly_has_been_read() -> None:
    inner = [b"reference", 1, [b"finished", state(a=1)]]
    one, other = got([b"list", [b"finished", state(other=inner)], [b"dereference", 1]])
    assert one.other is other
    assert one.finished_with == ["other"] and other.finished_with == ["a"]


def test_a_factory_may_make_what_wants_post_unjelly() -> None:
    registry = Registry()
    registry.setUnjellyableFactoryForClass("far", lambda state: Finished())
    assert read("(far (dictionary))", registry=registry).finished_with == []


def test_a_driver_may_take_part_in_decoding() -> None:
    registry = Registry()

    def take(decoder: Decoder, tag: bytes, count: int, reference: int | None) -> Any:
        return tag, count, reference, [decoder.value() for _ in range(count - 1)]

    registry.incoming[b"own"] = Incoming(TAKER, take)
    assert read('(list (own 1 (unicode "x")) (reference 3 (own)))', registry=registry) == [
        (b"own", 3, None, [1, "x"]),
        (b"own", 1, 3, []),
    ]


def test_two_jellies_of_one_frame_have_their_own_numbers() -> None:
    frame = frame_of(sexp.encode(sexp.parse("((reference 1 (list 1)) (dereference 1))")))
    decoder = Decoder(frame, REGISTRY, None, LIMITS)
    decoder.read_list()
    assert decoder.decode() == [1]
    with pytest.raises(InsecureJelly, match=r"dereference of 1, which nothing defines"):
        decoder.decode()


# --- refusals


@pytest.mark.parametrize(
    ("jelly", "why"),
    [
        ("()", "an empty list where a value must be"),
        ("(list ())", "an empty list where a value must be"),
        ("((list))", "a list where a type must be named"),
        ("(5)", "5 is not registered"),
        ("(2.5 1)", "2.5 is not registered"),
        ("(None 1)", "(None) takes nothing more"),
        ("(unicode)", "a malformed str or bool"),
        ("(unicode 5)", "a str must be spelled in bytes"),
        ("(unicode 2.5)", "a str must be spelled in bytes"),
        ("(unicode (list))", "a str must be spelled in bytes"),
        ('(unicode "a" "b")', "a malformed str or bool"),
        ("(boolean)", "a malformed str or bool"),
        ('(boolean "maybe")', "a malformed str or bool"),
        ("(boolean 1)", "a malformed str or bool"),
        ("(dictionary 1)", "an entry of a dictionary must be a pair"),
        ("(dictionary (1))", "an entry of a dictionary must be a pair"),
        ("(dictionary (1 2 3))", "an entry of a dictionary must be a pair"),
        ("(dictionary ())", "an entry of a dictionary must be a pair"),
        ("(dictionary ((list) 1))", "<list> can't be a dict key or a set member"),
        ("(dictionary ((tuple (dictionary)) 1))", "<tuple> can't be a dict key"),
        ("(set (set))", "<set> can't be a dict key or a set member"),
        ("(frozenset (list))", "<list> can't be"),
        ("(reference 1)", "takes a number and a value"),
        ("(reference a 1)", "takes a number and a value"),
        ("(reference -1 (list))", "takes a number and a value"),
        ("(reference 1 (list) 3)", "takes a number and a value"),
        ("(reference (list) (list))", "takes a number and a value"),
        ("(list (reference 1 (list)) (reference 1 (list)))", "reference 1 is defined twice"),
        ("(dereference 1)", "dereference of 1, which nothing defines"),
        ("(dereference)", "takes a number"),
        ("(dereference a)", "takes a number"),
        ("(dereference 1 2)", "takes a number"),
        ('(class "os.system")', "(class ...) is never accepted"),
        ('(function "os.system")', "(function ...) is never accepted"),
        ('(module "os")', "(module ...) is never accepted"),
        ("(instance a b)", "(instance ...) is never accepted"),
        ("(method a b c)", "(method ...) is never accepted"),
        ("(persistent 1)", "(persistent ...) is never accepted"),
        ("(remote 1)", "(remote ...) means nothing outside a connection"),
        ("(local 1)", "(local ...) means nothing outside a connection"),
        ("(cached 1)", "(cached ...) means nothing outside a connection"),
        ("(lcache root)", "(lcache ...) means nothing outside a connection"),
        ("(remote)", "(remote id) takes an id"),
        ("(remote 1 2)", "(remote id) takes an id"),
        ("(remote 0.5)", "(remote id) takes an id"),
        ("(lcache (list))", "(lcache id) takes an id"),
        ("(login 1)", "login is not registered"),
        ("(a.B (dictionary))", "a.B is not registered at the receiver"),
        ("(copy)", "takes the form (tag state)"),
        ("(copy 1 2 3)", "takes the form (tag state)"),
        ("(a.Copy 5)", "the state of Copy must be a dictionary"),
        ("(a.Copy (list))", "the state of Copy must be a dictionary"),
        ("(a.Copy (dictionary (5 1)))", "an attribute name must be a string"),
        ("(a.Copy (dictionary 5))", "an entry of a dictionary must be a pair"),
        ("(a.Copy (dictionary (a)))", "an entry of a dictionary must be a pair"),
        ('(a.Copy (dictionary ((unicode "__class__") 1)))', "is behaviour of"),
        ('(a.Copy (reference 1 (dictionary ("__class__" 1))))', "is behaviour of"),
        ("(a.Copy (reference 1 (dictionary (5 1))))", ""),
        ("(frozen (dictionary (b 1)))", "has no field b'b'"),
        ("(mirror (dictionary))", "takes the form (tag id state)"),
        ("(mirror 1 (dictionary))", "a cache needs a number for its id, and a connection"),
        ("(mirror a (dictionary))", "a cache needs a number for its id"),
        ("(made 1 2)", "takes the form (tag state)"),
    ],
)
def test_what_is_malformed_is_refused(jelly: str, why: str) -> None:
    assert why in refusal(jelly)


def test_text_that_is_not_utf_8_is_refused() -> None:
    assert "not UTF-8" in refusal([b"unicode", b"\xff"])
    assert "not UTF-8" in refusal(sexp.encode([b"unicode", b"\xff" * 300]))
    assert "not UTF-8" in refusal(b"\x02\x80\x07\x00\x82unicode\x01\x82\xff")
    assert "not UTF-8" in refusal([b"copy", [b"dictionary", [b"\xff", 1]]])


def test_peer_data_in_a_refusal_is_clipped() -> None:
    assert len(refusal([b"x" * 100_000, 1])) < 1_000
    assert len(refusal([b"frozen", [b"dictionary", [b"y" * 100_000, 1]]])) < 1_000
    assert len(refusal([b"dereference", 2**400])) < 300


def test_depth_may_be_used_up() -> None:
    for deep in (DEEPEST, 256) if likewise.is_compiled() else (256,):
        limits = {"depth": deep}
        lists: Any = [b"list"]
        references: Any = [b"list"]
        instances: Any = 5
        for n in range(deep - 2):
            lists = [b"list", lists]
            if n % 2:
                references = [b"reference", n, [b"list", references]]
            if n % 3 == 2:
                instances = [b"hooked", state(a=instances)]
        for jelly in (lists, references, [b"tuple", instances]):
            assert got(jelly, **limits)


def test_where_the_stack_of_python_ends_first_that_is_refused_like_the_ceiling() -> None:
    lists: Any = [b"list"]
    for _ in range(DEEPEST - 2):
        lists = [b"list", lists]
    if likewise.is_compiled():
        assert got(lists, depth=DEEPEST)
    else:
        assert "depth: nested deeper" in refusal(lists, depth=DEEPEST)


# --- cycles, and sharing of what can't exist before its parts


def test_cycles_lead_back_to_the_very_object() -> None:
    loop = got("(reference 1 (list (dereference 1)))")
    assert loop[0] is loop
    table = got("(reference 1 (dictionary (1 (dereference 1))))")
    assert table[1] is table
    copy = got([b"reference", 1, [b"copy", state(me=[b"dereference", 1])]])
    assert copy.me is copy
    hooked = got([b"reference", 1, [b"hooked", state(me=[b"dereference", 1])]])
    assert hooked.its_state["me"] is hooked


def test_a_cycle_through_a_tuple() -> None:
    outer = got("(reference 1 (tuple (list (dereference 1)) 5))")
    assert type(outer) is tuple and outer[0][0] is outer
    inner = got("(reference 1 (list (reference 2 (tuple (dereference 1) (list (dereference 2))))))")
    assert inner[0][0] is inner and inner[0][1][0] is inner[0]


def test_a_cycle_through_tuples_in_tuples() -> None:
    outer = got("(reference 1 (tuple (tuple 1 (tuple (list (dereference 1)))) 5))")
    assert outer[0][1][0][0] is outer
    deep = got("(reference 1 (tuple (list (tuple 7 (dereference 1)))))")
    assert deep[0][0] == (7, deep) and deep[0][0][1] is deep


def test_a_cycle_through_a_dict_key() -> None:
    outer = got([b"reference", 1, [b"tuple", [b"copy", state(d=[b"dictionary", [[b"dereference", 1], 5]])]]])
    ((key, value),) = outer[0].d.items()
    assert key is outer and value == 5
    again = [b"dereference", 1]
    both = got([b"reference", 1, [b"tuple", [b"copy", state(d=[b"dictionary", [again, again]])]]])
    assert both[0].d[both] is both


def test_a_cycle_through_a_set_and_a_frozenset() -> None:
    outer = got([b"reference", 1, [b"tuple", [b"copy", state(s=[b"set", 7, [b"dereference", 1]])]]])
    assert outer[0].s == {7, outer} and outer in outer[0].s
    frozen = got([b"reference", 1, [b"frozenset", [b"copy", state(s=[b"dereference", 1])]]])
    assert type(frozen) is frozenset and next(iter(frozen)).s is frozen
    nested = got([b"reference", 1, [b"tuple", [b"copy", state(s=[b"frozenset", [b"dereference", 1]])]]])
    assert nested[0].s == frozenset([nested])


def test_a_cycle_through_instances_with_hooks_postpones_the_hooks() -> None:
    outer = got([b"reference", 1, [b"tuple", [b"hooked", state(t=[b"dereference", 1])]]])
    assert outer[0].its_state["t"] is outer
    assert "Pending" not in outer[0].repr_then
    direct = got([b"reference", 1, [b"tuple", [b"hooked", [b"dereference", 1]]]])
    assert direct[0].its_state is direct
    frozen = got([b"reference", 1, [b"tuple", [b"frozen", state(a=[b"dereference", 1])]]])
    assert frozen[0].a is frozen


def test_a_hook_that_waited_does_not_keep_others_waiting() -> None:
    outer = got([b"reference", 1, [b"tuple", [b"hooked", state(t=[b"dereference", 1])], [b"hooked", state(x=5)]]])
    assert outer[1].its_state == {"x": 5}


def test_after_the_cycle_the_name_means_the_tuple() -> None:
    first, second = got("(list (reference 1 (tuple (list (dereference 1)))) (dereference 1))")
    assert first is second and first[0][0] is first


@pytest.mark.parametrize(
    "jelly",
    [
        "(reference 1 (tuple (dereference 1)))",
        "(reference 1 (frozenset (dereference 1)))",
        "(reference 1 (tuple (tuple 5 (frozenset (dereference 1)))))",
        "(list (reference 1 (tuple (reference 2 (tuple (dereference 1))))) (dereference 2))",
    ],
)
def test_what_contains_itself_by_way_of_nothing_mutable_is_refused(jelly: str) -> None:
    assert "by way of nothing mutable can't exist" in refusal(jelly)


def test_the_state_for_a_factory_may_not_lead_back_to_a_tuple_around_it() -> None:
    for inner in (state(t=[b"dereference", 1]), [b"dereference", 1], [b"list", [b"tuple", [b"dereference", 1]]]):
        assert "leads back to a tuple around it" in refusal([b"reference", 1, [b"tuple", [b"made", inner]]])
    made = got([b"reference", 1, [b"list", [b"made", [b"dereference", 1]]]])
    assert made[0].state is made


def test_what_a_factory_made_is_met_again_as_the_same() -> None:
    one, other = got([b"list", [b"reference", 1, [b"made", 5]], [b"dereference", 1]])
    assert one is other and one.state == 5
    assert "which nothing defines" in refusal([b"reference", 1, [b"made", [b"dereference", 1]]])


def test_a_state_may_not_be_what_leads_back_to_a_tuple_around_it() -> None:
    assert "must be a dictionary" in refusal([b"reference", 1, [b"tuple", [b"copy", [b"dereference", 1]]]])
    assert "attribute name must be a string" in refusal(
        [b"reference", 1, [b"tuple", [b"copy", [b"dictionary", [[b"dereference", 1], 1]]]]]
    )


def test_too_many_things_to_mend_are_refused() -> None:
    many = [b"reference", 1, [b"tuple", [b"list", *[[b"dereference", 1]] * 10_001]]]
    assert "too many tuples that lead back to themselves" in refusal(many)


def test_unhashable_parts_that_come_late_are_refused_all_the_same() -> None:
    for jelly in (
        "(reference 1 (tuple (list (frozenset (tuple (dereference 1) (list))))))",
        "(reference 1 (tuple (list (set (tuple (dereference 1) (list))))))",
        "(reference 1 (tuple (list (dictionary ((tuple (dereference 1) (list)) 5)))))",
        "(reference 1 (tuple (list (dictionary ((dereference 1) 5)))))",
    ):
        assert "can't be a dict key or a set member" in refusal(jelly)


def test_a_key_whose_hash_asks_for_what_is_not_there_yet_is_refused() -> None:
    for tag in (b"frozen", b"slotted"):
        for around in ([b"set", [b"dereference", 1]], [b"dictionary", [[b"tuple", [b"dereference", 1]], 5]]):
            assert "can't be a dict key or a set member" in refusal([b"reference", 1, [tag, state(a=around)]])


# --- work: what a hash may cost


MANY = 10**12  # of parts unfolded: for tests of what hashing alone may cost


def bomb(depth: int, around: str = "set") -> Any:
    """Tuples that share their parts: ``depth`` lines, 2**depth hashes."""
    inner: Any = [b"reference", 1, [b"tuple"]]
    for n in range(2, depth):
        inner = [b"reference", n, [b"tuple", inner, [b"dereference", n - 1]]]
    return [b"dictionary", [inner, 1]] if around == "dictionary" else [around.encode(), inner]


def instance_bomb(depth: int, tag: bytes) -> Any:
    inner: Any = [b"reference", 1, [tag, [b"dictionary"]]]
    for n in range(2, depth):
        inner = [b"reference", n, [tag, state(a=[b"tuple", inner, [b"dereference", n - 1]])]]
    return [b"set", inner]


def late_bomb(depth: int, around: bytes) -> Any:
    """The same, of tuples that can be built only in the end."""
    inner: Any = [b"reference", 2, [b"tuple", [b"dereference", 1]]]
    for n in range(3, depth):
        inner = [b"reference", n, [b"tuple", inner, [b"dereference", n - 1]]]
    keyed = [b"dictionary", [inner, 1]] if around == b"dictionary" else [around, inner]
    return [b"reference", 1, [b"tuple", [b"copy", state(a=[b"list", keyed])]]]


@pytest.mark.parametrize("around", ["set", "frozenset", "dictionary"])
def test_hash_work_bounds_tuples_that_share_their_parts(around: str) -> None:
    start = time.perf_counter()
    assert got(bomb(12, around))
    assert "hash_work: over 1000000 parts to hash" in refusal(bomb(28, around), unfolded_tuples=MANY)
    assert "hash_work: over 50 parts" in refusal(bomb(9, around), hash_work=50)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("tag", [b"frozen", b"slotted"])
def test_hash_work_bounds_instances_that_share_their_parts(tag: bytes) -> None:
    start = time.perf_counter()
    assert got(instance_bomb(8, tag))
    assert "hash_work" in refusal(instance_bomb(45, tag))
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("around", [b"set", b"frozenset", b"dictionary"])
def test_hash_work_bounds_what_is_built_in_the_end(around: bytes) -> None:
    start = time.perf_counter()
    assert got(late_bomb(10, around))
    assert "hash_work" in refusal(late_bomb(60, around), unfolded_tuples=MANY)
    assert time.perf_counter() - start < 5


def test_unfolded_tuples_bound_what_a_method_pays_that_only_looks_at_its_arguments() -> None:
    start = time.perf_counter()
    assert got([b"list", bomb(12, "tuple")])
    for jelly in (bomb(60, "list"), late_bomb(60, b"list")):
        assert "unfolded_tuples" in refusal(jelly)
    assert "unfolded_tuples" in refusal(bomb(9, "list"), unfolded_tuples=50)
    assert time.perf_counter() - start < 5


def test_a_tower_of_tuples_by_way_of_references_is_not_hashed() -> None:
    """It is as flat as a list on the wire, and hashing it recurses in C."""
    floors = [[b"reference", 0, [b"tuple", 5]]]
    floors += [[b"reference", n, [b"tuple", [b"dereference", n - 1]]] for n in range(1, 1_200)]
    assert "tuples, each within the next" in refusal([b"list", *floors, [b"set", [b"dereference", 1_199]]])


def test_hash_work_counts_long_tuples_once_for_each_use() -> None:
    keys = [[b"tuple", *range(100)] for _ in range(30)]
    assert len(got([b"set", *([b"tuple", n, key] for n, key in enumerate(keys))], hash_work=4_000)) == 30
    assert "hash_work" in refusal([b"set", *([b"tuple", n, key] for n, key in enumerate(keys))], hash_work=2_000)


def test_hash_work_is_one_budget_for_a_message() -> None:
    one = [b"set", *([b"tuple", n] for n in range(40))]
    assert got([b"list", one], hash_work=100)
    assert "hash_work" in refusal([b"list", one, one], hash_work=100)


def test_plain_keys_cost_nothing() -> None:
    wide = {**{n: n for n in range(500)}, **{f"n{n}": n for n in range(500)}, **{b"%d" % n: n for n in range(500)}}
    assert got(written(wide), hash_work=1, equal_hashes=1) == wide


COLLIDING = [n * (2**61 - 1) for n in range(1, 100)]


def test_equal_hashes_bound_keys_that_are_chosen_to_collide() -> None:
    assert len({hash(n) for n in COLLIDING}) == 1
    assert len(got([b"set", *COLLIDING[:64]])) == 64
    for jelly in (
        [b"set", *COLLIDING],
        [b"frozenset", *COLLIDING],
        [b"dictionary", *([n, 1] for n in COLLIDING)],
        [b"set", *([b"tuple", n] for n in COLLIDING)],
    ):
        assert "equal_hashes: over 64 keys of one container share a hash" in refusal(jelly)
    assert "equal_hashes: over 3" in refusal([b"set", *COLLIDING[:4]], equal_hashes=3)
    assert got([b"list", [b"set", *COLLIDING[:50]], [b"set", *COLLIDING[:50]]]), "each container has its own"


def test_equal_hashes_bound_what_is_built_in_the_end() -> None:
    late = [[b"tuple", [b"dereference", 1], n] for n in COLLIDING]
    for keyed in ([b"set", *late], [b"dictionary", *([each, 1] for each in late)], [b"frozenset", *late]):
        assert "equal_hashes" in refusal([b"reference", 1, [b"tuple", [b"copy", state(a=[b"list", keyed])]]])
