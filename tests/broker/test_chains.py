"""Copies that hold one another, deep: as deep as Twisted takes them, and beyond that the error says what to do."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import likewise
from likewise.testing import Pair
from tests.broker_objects import Root, answer


class Link(likewise.Copyable, likewise.RemoteCopy):
    next: Any = None
    previous: Any = None


@likewise.copyable(name="tests.chains.Step")
@dataclasses.dataclass
class Step:
    next: Any = None


likewise.setUnjellyableForClass(Link, Link)


def chain(cls: Any, count: int, is_double: bool = False) -> Any:
    made: Any = None
    for _ in range(count):
        link = cls()
        link.next = made
        if is_double and made is not None:
            made.previous = link
        made = link
    return made


def length(value: Any) -> int:
    count = 0
    while value is not None:
        value, count = value.next, count + 1
    return count


@pytest.mark.parametrize(
    ("cls", "is_double"), [(Link, False), (Step, False), pytest.param(Link, True, marks=pytest.mark.skipif(
        not likewise.is_compiled(), reason="under pytest the recursion limit of Python is nearly used up"))],
)  # fmt: skip
def test_a_chain_of_120_copies_crosses_both_ways(cls: Any, is_double: bool) -> None:
    assert length(answer(Pair(Root()), "echo", chain(cls, 120, is_double))) == 120


def test_a_longer_one_is_refused_with_the_depth_and_the_remedy() -> None:
    with pytest.raises(likewise.NotSendable) as caught:
        answer(Pair(Root()), "echo", chain(Link, 180))
    text = str(caught.value)
    if likewise.is_compiled() or "lists deep" in text:
        assert "limits.depth" in text and "a copy in a copy takes three" in text and "higher depth at both ends" in text
    else:
        assert "recursion limit" in text
