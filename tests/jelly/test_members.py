"""Enums: a member goes by its name, and is the member of that name where it arrives."""

from __future__ import annotations

import enum
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly, NotSendable
from likewise.jelly import members
from likewise.jelly.registry import Registry, default_registry
from likewise.wire.tokens import LIKEWISE_1
from tests import sexp
from tests.jellies import read, written
from tests.jelly.rich import Access, Bits, Colour, Level, Word, registry


def crossed(value: Any) -> Any:
    return read(written(value, dialect=LIKEWISE_1), registry=registry)


@pytest.mark.parametrize(
    ("member", "jelly"),
    [
        (Colour.RED, "(rich.Colour RED)"),
        (Colour.AZURE, "(rich.Colour BLUE)"),
        (Level.HIGH, "(rich.Level HIGH)"),
        (Word.NONE, "(rich.Word NONE)"),
        (Access.READ, "(rich.Access READ)"),
        (Access.READ | Access.RUN, '(rich.Access "READ|RUN")'),
        (Access(0), '(rich.Access "")'),
        (Access.ALL, "(rich.Access ALL)"),
        (Bits.A | Bits.C, '(rich.Bits "A|C")'),
    ],
    ids=str,
)
def test_it_goes_by_its_name(member: Any, jelly: str) -> None:
    data = written(member, dialect=LIKEWISE_1)
    assert data == sexp.encode(sexp.parse(jelly))
    assert read(data, registry=registry) is member


def test_an_old_name_of_a_member_is_known() -> None:
    assert read("(rich.Colour AZURE)", registry=registry) is Colour.BLUE


def test_its_value_may_be_another_at_each_end() -> None:
    class There(enum.Enum):
        RED = "ff0000"

    likewise.copyable(name="there.Colour")(There)
    here = Registry()
    here.setUnjellyableForClass("there.Colour", Colour)
    assert read(written(There.RED, dialect=LIKEWISE_1), registry=here) is Colour.RED


@pytest.mark.parametrize(
    ("jelly", "text"),
    [
        ("(rich.Colour PURPLE)", "rich.Colour has no member b'PURPLE'"),
        ("(rich.Colour red)", "no member"),
        ("(rich.Colour 1)", "no member 1"),
        ('(rich.Colour "")', "no member"),
        ('(rich.Colour "RED|BLUE")', "no member"),
        ("(rich.Colour (unicode RED))", "no member 'RED'"),
        ("(rich.Colour __class__)", "no member"),
        ("(rich.Colour _missing_)", "no member"),
        ("(rich.Colour (tuple 1 2))", "no member <tuple>"),
        ("(rich.Level 1)", "no member 1"),
        ("(rich.Level LOW HIGH)", "takes the form"),
        ('(rich.Access "READ|PURPLE")', "no member b'PURPLE'"),
        ('(rich.Access "READ|")', "no member b''"),
        ('(rich.Access "|")', "no member"),
        ("(rich.Access 3)", "no member 3"),
    ],
)
def test_who_is_no_member_is_refused(jelly: str, text: str) -> None:
    with pytest.raises(InsecureJelly) as caught:
        read(jelly, registry=registry)
    assert text in str(caught.value)


def test_a_name_of_a_megabyte_is_neither_split_nor_shown() -> None:
    for tag in (b"rich.Colour", b"rich.Access"):
        for name in (b"x" * 1_000_000, b"|" * 1_000_000, b"READ|" * 200_000):
            with pytest.raises(InsecureJelly) as caught:
                read([tag, name], registry=registry)
            assert len(str(caught.value)) < 400


def test_only_what_was_registered_is_looked_up() -> None:
    class Quiet(enum.Enum):
        ONE = 1

    with pytest.raises(NotSendable, match=r"put @likewise\.copyable above the class, or send its \.value or \.name"):
        written(Quiet.ONE, dialect=LIKEWISE_1)
    with pytest.raises(InsecureJelly, match=r"rich\.Colour is not registered"):
        read("(rich.Colour RED)", registry=Registry())
    with pytest.raises(InsecureJelly, match="not registered"):
        read("(enum.FlagBoundary STRICT)")


def test_an_endpoint_may_know_it_by_another_name() -> None:
    there = Registry()
    there.accept(Colour, "paint.Colour")
    assert read("(paint.Colour RED)", registry=there) is Colour.RED


def test_bits_that_are_no_members_stay_at_home() -> None:
    with pytest.raises(NotSendable, match=r"rich\.Bits with bits that are no members: send \.value"):
        crossed(Bits(2))
    with pytest.raises(NotSendable, match="bits that are no members"):
        crossed(Bits.A | Bits(4))


def test_an_enum_may_say_what_its_members_are_equal_to() -> None:
    class Odd(enum.Enum):
        A = [1, 2]  # nobody can hash that
        B = "b"

        def __eq__(self, other: object) -> bool:
            raise AssertionError("nobody is to be compared")

        __hash__ = None  # type: ignore[assignment]

        @classmethod
        def _missing_(cls, value: object) -> Any:
            raise AssertionError("nobody is to be made up")

    likewise.copyable(name="test.Odd")(Odd)
    assert read(written([Odd.A, Odd.B], dialect=LIKEWISE_1), registry=Registry(Odd))[0] is Odd.A
    with pytest.raises(InsecureJelly, match="has no member"):
        read("(test.Odd C)", registry=Registry(Odd))
    with pytest.raises(InsecureJelly, match="can't be a dict key or a set member"):
        read("(set (test.Odd A))", registry=Registry(Odd))


def test_combinations_of_flags_are_counted_for_python_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    many = enum.Flag("many", [f"F{n}" for n in range(60)])  # type: ignore[misc]
    likewise.copyable(name="test.many")(many)
    known = Registry(many)
    monkeypatch.setattr(members, "FLAG_COMBINATIONS", 5)
    one = read('(test.many "F0|F1")', registry=known)
    assert one is many.F0 | many.F1
    for n in range(2, 6):
        read(f'(test.many "F0|F{n}")', registry=known)
    before = len(many._value2member_map_)
    with pytest.raises(InsecureJelly, match=r"over 5 different combinations of the members of test\.many"):
        read('(test.many "F7|F8|F9")', registry=known)
    assert len(many._value2member_map_) == before
    assert read('(test.many "F1|F0")', registry=known) is one, "what came before is still taken"
    assert read("(test.many F50)", registry=known) is many.F50, "and so are the members themselves"


def test_what_can_not_go_by_its_name_is_refused_when_it_is_registered() -> None:
    with pytest.raises(TypeError, match="Empty has no members"):
        likewise.copyable(enum.Enum("Empty", []))  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"a member that can't go by its name: 'a\|b'"):
        likewise.copyable(enum.Flag("Odd", ["a|b"]))  # type: ignore[misc]


def test_two_of_one_name_are_told_apart_when_they_are_registered() -> None:
    def made(qualname: str) -> Any:
        kind = enum.Enum("Kind", ["A"], module="test.twice", qualname=qualname)  # type: ignore[misc]
        return kind

    first = likewise.copyable(made("Order.Kind"))
    with pytest.raises(TypeError, match=r"travels as 'test\.twice\.Kind' already"):
        likewise.copyable(made("Invoice.Kind"))
    likewise.copyable(made("Order.Kind"))  # the same definition run again replaces it
    assert read("(test.twice.Kind A)", registry=default_registry) is not first.A


def test_a_member_may_be_shared_and_a_key_of_a_large_dict() -> None:
    table = {(Colour.RED, n): Colour.BLUE for n in range(300)} | {Colour.RED: 1, Level.LOW: 2, Word.SOME: 3}
    assert crossed(table) == table
