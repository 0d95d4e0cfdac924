"""What a peer says of an exception is taken only as far as it fits: the rest is left out, and class and text still tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import likewise
from likewise.jelly.registry import Registry
from likewise.objects.error_state import ARGS, FIELDS, ITSELF, carried_by, is_plain_data, written_alone
from likewise.objects.published import RemotePublished
from likewise.objects.rebuilt import Described, check_error, error_from, settleable
from tests.sexp import encode


@likewise.copyable(name="tests.Late")
@dataclass
class Late(likewise.Error):
    book: str
    days: int = 0


@likewise.copyable(name="tests.Loose", strict=False)
@dataclass
class Loose(likewise.Error):
    book: str




def came(kind: str, parts: dict[str, Any], registry: Registry = likewise.default_registry) -> BaseException:
    state = {"type": kind, "value": "as told", "carried": written_alone(parts)}
    return error_from(Described(state), (registry,))


def test_fields_make_the_exception_as_it_was() -> None:
    got = came("tests.Late", {FIELDS: written_alone({"book": "one", "days": 3})})
    assert type(got) is Late and (got.book, got.days) == ("one", 3)
    loose = came("tests.Loose", {FIELDS: written_alone({"book": 7})})
    assert type(loose) is Loose and loose.book == 7  # its class asked for no look at annotations


@pytest.mark.parametrize(
    "fields",
    [["no dictionary"], {1: "no name"}, {"days": 3}, {"book": "one", "days": "three"}, {"book": "one", "pages": 7}],
    ids=["a list", "a number for a name", "one is missing", "of another type", "one too many"],
)
def test_fields_that_do_not_fit_leave_class_and_text(fields: Any) -> None:
    got = came("tests.Late", {FIELDS: written_alone(fields)})
    assert type(got) is likewise.RemoteError and (got.type, got.text) == ("tests.Late", "as told")
    assert "not made again" in got.__notes__[0]


class Foreign:
    """Stands for a type of another package."""


def test_what_an_exception_has_in_it_is_walked_by_foreign_code_to_a_ceiling_of_its_own() -> None:
    """Many exceptions may come in one message, and each of them is read apart."""
    registry = Registry(Loose)
    registry.adopt(Foreign, to_state=lambda foreign: [], from_state=lambda state: Foreign(), name="tests.Foreign")
    shared = [b"reference", 1, [b"list", *range(1_000)]]
    again = [[b"dereference", 1]]
    for times, fits in ((10, True), (100, False)):
        book = [b"list", shared, [b"tests.Foreign", [b"list", *again * times]]]
        fields = encode([b"dictionary", [[b"unicode", b"book"], book]])
        got = came("tests.Loose", {FIELDS: fields}, registry)
        assert type(got) is (Loose if fits else likewise.RemoteError)


def test_what_came_in_place_of_an_exception_leaves_class_and_text() -> None:
    got = came("tests.Late", {ITSELF: written_alone(["no exception"])})
    assert type(got) is likewise.RemoteError and got.type == "tests.Late"


def test_more_bytes_than_an_error_may_have_are_not_read() -> None:
    got = came("builtins.ValueError", {ARGS: written_alone((bytes(300_000),))})
    assert isinstance(got, likewise.RemoteError) and got.remote_args is None


@pytest.mark.parametrize(
    "value, expected",
    [
        ((1, "two", [3.0, None], {"four": {5}}), True),
        ({"key": "value"}, True),
        (1 << 10_000, False),
        ([0] * 100_000, False),
        (dict.fromkeys(range(100_000)), False),
        (object(), False),
    ],
)
def test_plain_values_are_told_from_others_at_little_cost(value: Any, expected: bool) -> None:
    assert is_plain_data(value) is expected


def test_an_error_with_more_than_may_cross_is_told_without_it() -> None:
    error = ValueError("short")
    for number in range(40):
        error.add_note(f"note {number}")
    assert len(carried_by(error, "short")) < 100_000
    assert carried_by(ValueError("short"), "short") == b""


@pytest.mark.parametrize("made", [lambda: asyncio.CancelledError("why"), lambda: StopIteration("why")])
def test_what_no_future_takes_settles_a_call_as_an_error_that_names_it(made: Callable[[], BaseException]) -> None:
    error = made()
    got = settleable(error)
    assert type(got) is likewise.CallError and got.__cause__ is error and "why" in str(got)
    with pytest.raises(likewise.CallError):
        check_error(error)


def test_an_error_that_is_not_small_is_not_printed_to_see_whether_it_can_be() -> None:
    class Counting(ValueError):
        printed = 0

        def __str__(self) -> str:
            type(self).printed += 1
            return "printed"

    check_error(Counting("small"))
    assert Counting.printed
    Counting.printed = 0
    check_error(Counting(*range(100_000)))
    assert not Counting.printed


@pytest.mark.parametrize("fails", [False, True])
def test_who_asks_for_a_state_later_is_told_at_once(fails: bool) -> None:
    published = RemotePublished()
    told: list[Any] = []
    if fails:
        published._failed = ValueError("gone")
        published.isActivated = 0
        published.callWhenActivated(told.append)  # who gave no second function is told nothing
        published.callWhenActivated(told.append, told.append)
        assert [type(each) for each in told] == [ValueError]
    else:
        published.isActivated = 1
        published.callWhenActivated(told.append)
        assert told == [published]
