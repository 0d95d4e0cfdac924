"""Every remote method of a checked class is checked, of whatever kind it is, or the class is refused."""

from __future__ import annotations

import functools
import typing
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.testing import Pair


def outcome(root: likewise.Root, name: str, *args: Any, **kwargs: Any) -> Any:
    pair = Pair(root)
    result = pair.client.root.callRemote(name, *args, **kwargs)
    pair.run()
    return str(result.error) if result.error is not None else result.value


class Options(typing.TypedDict):
    count: typing.NotRequired[int]
    who: str


@likewise.checked
class Shop(likewise.Root):
    @staticmethod
    def remote_static(count: int) -> int:
        return count

    @classmethod
    def remote_of_class(cls, count: int) -> str:
        return f"{cls.__name__} {count}"

    def _priced(self, currency: str, count: int) -> str:
        return f"{count} {currency}"

    remote_euros = functools.partialmethod(_priced, "EUR")

    def remote_all(self, *args: *tuple[int, str]) -> list[Any]:
        return list(args)

    def remote_options(self, **options: typing.Unpack[Options]) -> Any:
        return options


def test_static_and_class_methods_and_partial_ones_are_checked() -> None:
    shop = Shop()
    assert outcome(shop, "static", 5) == 5
    assert "count takes int, not str 'x'" in outcome(shop, "static", "x")
    assert outcome(shop, "of_class", 5) == "Shop 5"
    assert "count takes int, not str 'x'" in outcome(shop, "of_class", "x")
    assert outcome(shop, "euros", 5) == "5 EUR"
    assert "count takes int, not str 'x'" in outcome(shop, "euros", "x")


def test_unpacked_annotations_of_arguments_are_checked() -> None:
    shop = Shop()
    assert outcome(shop, "all", 5, "x") == [5, "x"]
    assert "arguments takes tuple[int, str], not str 'x' at [0]" in outcome(shop, "all", "x", "x")
    assert outcome(shop, "options", who="ann", count=5) == {"who": "ann", "count": 5}
    assert "keywords takes Options" in outcome(shop, "options", count=5)
    assert "keywords takes Options" in outcome(shop, "options", who="ann", count="x")


class Base(likewise.Root):
    def remote_inherited(self, count: int) -> int:
        return count


def test_a_method_that_is_inherited_unchecked_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"inherits remote_inherited from Base, where nothing checks it: put @likewise"):

        @likewise.checked
        class Derived(Base):
            pass

    @likewise.checked
    class Replaced(Base):
        def remote_inherited(self, count: int) -> int:
            return super().remote_inherited(count)

    assert "count takes int" in outcome(Replaced(), "inherited", "x")

    @likewise.checked
    class Below(Shop):
        pass

    assert "count takes int" in outcome(Below(), "static", "x")


def test_what_can_not_be_checked_is_refused() -> None:
    class Called:
        def __call__(self, count: int) -> int:
            return count

    with pytest.raises(TypeError, match="remote_called is a Called, whose arguments can't be checked: write a method that"):

        @likewise.checked
        class Odd(likewise.Root):
            remote_called = Called()


def test_an_argument_that_may_be_left_out_may_be_none_where_that_is_the_default() -> None:
    class Root(likewise.Root):
        @likewise.checked
        def remote_ask(self, count: int = None) -> Any:  # type: ignore[assignment]  # noqa: RUF013  # as people write it
            return count

    assert outcome(Root(), "ask", None) is None
    with pytest.raises(InsecureJelly, match=r"count takes int \| None, not str 'x'"):
        Root().remote_ask("x")  # type: ignore[arg-type]
