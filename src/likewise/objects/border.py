"""Checks around a method, by the annotations of an interface: of what comes in, and of what goes out."""

from __future__ import annotations

import collections.abc
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import GeneratorType
from typing import Any, NoReturn

from ..errors import InsecureJelly
from ..jelly.annotations import check_for, or_none
from ..jelly.checks import Check, Seen, require
from .crossing import as_it_crosses
from .interfaces import EMPTY, Kind, Method, function_of
from .results import awaited, inside, is_stream


class _Plan:
    """
    The Checks of one method.

    ``positional`` are those of the places of a call, with ``None`` for what the peer does not give; ``result`` is that of
    what is returned, or of each item of a stream.
    """

    __slots__ = ("before", "by_name", "floats", "method", "more", "names", "positional", "rest", "result")

    def __init__(self, method: Method, before: int) -> None:
        self.method = method
        self.before = before
        self.positional: list[Check | None] = [None] * before
        self.names: list[str] = [""] * before
        self.by_name: dict[str, Check | None] = {}
        self.more: Check | None = None
        self.rest: Check | None = None
        self.floats = False  # whether whole numbers among the arguments may be floats
        for each in method.signature.parameters.values():
            annotation = Any if each.annotation is EMPTY else as_it_crosses(method.annotation(each.annotation))
            check = or_none(check_for(annotation), each.default)
            self.floats = self.floats or (check is not None and check.floats)
            if each.kind is each.VAR_POSITIONAL:
                self.more = check
            elif each.kind is each.VAR_KEYWORD:
                self.rest = check
            else:
                if each.kind is not each.POSITIONAL_ONLY:
                    self.by_name[each.name] = check
                if each.kind is not each.KEYWORD_ONLY:
                    self.positional.append(check)
                    self.names.append(each.name)
        self.result = self._result_check()

    def _result_check(self) -> Check | None:
        method = self.method
        annotation = method.annotation(method.signature.return_annotation)
        if annotation is EMPTY or method.kind is Kind.ONE_WAY:
            return None
        if is_stream(annotation):
            annotation = inside(annotation, collections.abc.AsyncIterable)
        elif not inspect.iscoroutinefunction(method.function):
            annotation = awaited(annotation)
        return check_for(as_it_crosses(annotation))

    def admit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """
        The arguments, with floats for whole numbers where floats are meant.

        Raises:
            InsecureJelly: one is not what the interface says; the text says where and what.
        """
        seen: Seen = {}
        positional = self.positional
        for check, value in zip(positional, args, strict=False):
            if check is not None and type(value) is not check.only and not check.holds(value, seen):
                place = next(place for place, each in enumerate(args) if each is value and positional[place] is check)
                self._refuse_argument(check, value, self.names[place])
        if self.more is not None:
            for place, value in enumerate(args[len(positional) :], len(positional) - self.before + 1):
                if type(value) is not self.more.only and not self.more.holds(value, seen):
                    self._refuse_argument(self.more, value, f"argument {place}")
        for name, value in kwargs.items():
            check = self.by_name.get(name, self.rest)
            if check is not None and type(value) is not check.only and not check.holds(value, seen):
                self._refuse_argument(check, value, name)
        return self._with_floats(args, kwargs, seen) if self.floats else (args, kwargs)

    def _with_floats(self, args: tuple[Any, ...], kwargs: dict[str, Any], seen: Seen) -> Any:
        checks = [*self.positional, *[self.more] * len(args)]
        named = {name: self.by_name.get(name, self.rest) for name in kwargs}
        taken = [_float(check, value, seen) for check, value in zip(checks, args, strict=False)]
        return tuple(taken), {name: _float(named[name], value, seen) for name, value in kwargs.items()}

    def _refuse_argument(self, check: Check, value: Any, name: str) -> None:
        require(check, value, {}, f"{self.method.shown}: ", name)

    def answer(self, value: Any) -> Any:
        """The same; TypeError if it is not what the interface says. What is in it is this end's alone to know."""
        check = self.result
        if check is not None and type(value) is not check.only and not check.holds(value, {}):
            self._refuse(check, value)
        return value if check is None or not check.floats else check.to_float(value, {}, False)

    def _refuse(self, check: Check, value: Any) -> NoReturn:
        detail: InsecureJelly | None = None
        try:
            require(check, value, {}, f"{self.method.shown}: ", "the result")
        except InsecureJelly as error:
            detail = error
        what = "an item" if self.method.kind is Kind.STREAM else "the result"
        gave = type(value).__qualname__
        fault = f"something in the {gave} that came is not" if isinstance(value, check.classes) else f"not {gave}"
        raise TypeError(f"{self.method.shown}: {what} is to be {check.expected}, {fault}") from detail

    async def answer_later(self, value: Awaitable[Any]) -> Any:
        return self.answered(await value)

    def answered(self, value: Any) -> Any:
        """What a method gave, once it is there: checked, or to be checked when it comes."""
        if self.result is None:
            return value
        if self.method.kind is Kind.STREAM or hasattr(type(value), "__anext__") or type(value) is GeneratorType:
            return self._items(value)
        return self.answer(value)

    def _items(self, value: Any) -> Any:
        if hasattr(type(value), "__aiter__"):
            return self._later_items(value)
        if hasattr(type(value), "__next__"):
            return self._items_now(value)
        raise TypeError(f"{self.method.shown} is a stream, and what came is no iterator, but {type(value).__qualname__}")

    async def _later_items(self, iterator: Any) -> AsyncIterator[Any]:
        try:
            async for item in iterator:
                yield self.answer(item)
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    def _items_now(self, iterator: Any) -> Iterator[Any]:
        try:
            for item in iterator:
                yield self.answer(item)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()


def _float(check: Check | None, value: Any, seen: Seen) -> Any:
    return value if check is None or not check.floats else check.to_float(value, seen, False)


def at_the_border(cls: type, found: Any, method: Method, before: int) -> Any:
    """What a class has as a method, with the checks around it. ``before`` the peer's arguments it is given so many more."""
    plans: list[_Plan] = []
    function, bound = function_of(found, cls)

    def run(*args: Any, **kwargs: Any) -> Any:
        if not plans:
            plans.append(_Plan(method, before + bound))
        plan = plans[0]
        args, kwargs = plan.admit(args, kwargs)
        value = function(*args, **kwargs)
        check = plan.result
        if check is None or (type(value) is check.only and method.kind is not Kind.STREAM):
            return value
        if hasattr(type(value), "addCallback"):  # Twisted's Deferred
            return value.addCallback(plan.answered)
        return plan.answer_later(value) if inspect.isawaitable(value) else plan.answered(value)

    functools.update_wrapper(run, function)
    if isinstance(found, (staticmethod, classmethod)):
        return type(found)(run)
    return run if bound else staticmethod(run)


__all__ = ("at_the_border",)
