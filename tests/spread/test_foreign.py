"""Types of other packages under Twisted's API: they cross as they do under ours, and what is refused says what to send."""

from __future__ import annotations

import fractions
import ipaddress
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pydantic
import pytest

import likewise
import likewise.adapters.numpy
from likewise.spread import jelly, pb
from tests.jelly.foreigners import restored
from tests.spread.ends import Logged, Pair


@pytest.fixture(autouse=True)
def adopted() -> Iterator[None]:
    with restored():
        likewise.adopt(ipaddress.IPv6Address, to_state=str, from_state=ipaddress.IPv6Address)
        likewise.adapters.numpy.register()
        yield


@likewise.copyable
class Named(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1)


class Root(pb.Root):
    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_type(self, value: Any) -> str:
        return type(value).__name__


def test_an_adopted_type_crosses() -> None:
    pair = Pair(Root())
    address = ipaddress.IPv6Address("::1")
    assert pair.ask("echo", [address]) == [address]
    assert pair.ask("type", address) == "IPv6Address"
    assert jelly.unjelly(jelly.jelly(address)) == address


def test_a_model_is_made_by_its_constructor_and_what_that_refuses_fails_the_call() -> None:
    pair = Pair(Root())
    assert pair.ask("echo", Named(name="ann")) == Named(name="ann")
    with Logged():
        failure = pair.ask("echo", Named.model_construct(name=""))
    assert "Named refuses what came for it: ValidationError: name: String should have at least 1 character" in str(failure)
    assert pair.ask("echo", 3) == 3


@pytest.mark.parametrize("size", [10, 500_000])
def test_an_array_crosses(size: int) -> None:
    array = np.arange(size, dtype=np.uint8)
    assert np.array_equal(Pair(Root()).ask("echo", array), array)


def test_a_mark_that_goes_out_for_what_can_t_is_logged_with_what_to_send() -> None:
    pair = Pair(Root())
    with Logged() as logged:
        got = pair.ask("type", {"deep": [fractions.Fraction(1, 3)]}), pair.ask("type", threading.Lock())
    assert got == ("dict", "Unpersistable")
    text = "\n".join(logged.lines)
    assert "args[0]['deep'][0] is an instance of fractions.Fraction" in text
    assert "PB has no form for it; send str(x), or (x.numerator, x.denominator)" in text
    assert "a lock, which belongs to this process" in text


def test_what_is_refused_at_once_says_what_to_send_too() -> None:
    failure = Pair(Root()).ask("echo", test_an_adopted_type_crosses)
    assert "args[0]: a function: code doesn't cross; pass a likewise.Referenceable" in str(failure)
