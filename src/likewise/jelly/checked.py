"""Methods whose arguments are checked by their annotations."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, Final, TypeVar

from .annotations import AnnotationReader, names_of, or_none, unpacked
from .checks import Check, Seen, require
from .plans import is_ours

F = TypeVar("F", bound=Callable[..., Any] | type)
PREFIXES: Final = ("remote_", "view_", "perspective_", "observe_")


def checked(target: F) -> F:
    """
    Have the arguments of a remote method checked by its annotations; of a class, those of all its remote methods.

    A wrong one ends the call with InsecureJelly, which names the argument, what it takes and what came; the method is
    not run. What is not annotated is not checked. Where a ``float`` is meant, a whole number that came as an int is made
    one. Calls from within the program are checked, too.

    Raises:
        TypeError: a remote method of the class can't be checked, or is inherited from a class that is not ``checked``.
    """
    if isinstance(target, type):
        _check_class(target)
        return target
    if isinstance(target, (staticmethod, classmethod)):
        return typing.cast(F, type(target)(_wrapped(target.__func__)))
    return typing.cast(F, _wrapped(target))


def _check_class(cls: type) -> None:
    for name, value in list(vars(cls).items()):
        if name.startswith(PREFIXES) and (callable(value) or hasattr(type(value), "__get__")):
            setattr(cls, name, _checked_member(cls, name, value))
    for base in cls.__mro__[1:]:
        for name, value in vars(base).items():
            if name.startswith(PREFIXES) and not is_ours(base) and name not in vars(cls) and not _is_checked(value):
                if callable(value) or hasattr(type(value), "__get__"):
                    raise TypeError(
                        f"{cls.__qualname__} inherits {name} from {base.__qualname__}, where nothing checks it: put "
                        f"@likewise.checked on {base.__qualname__}, too"
                    )


def _is_checked(member: Any) -> bool:
    inner = getattr(member, "__func__", getattr(member, "func", member))
    return getattr(inner, "is_checked_by_likewise", False) is True


def _checked_member(cls: type, name: str, member: Any) -> Any:
    if _is_checked(member):
        return member
    if inspect.isfunction(member) or isinstance(member, (staticmethod, classmethod)):
        return checked(member)  # type: ignore[type-var]
    if isinstance(member, functools.partialmethod) and inspect.isfunction(member.func):
        return functools.partialmethod(_wrapped(member.func, name), *member.args, **member.keywords)
    if isinstance(member, functools.partial):
        run = _wrapped(member, name)
        return run if hasattr(type(member), "__get__") else staticmethod(run)  # it is no method before Python 3.14
    if type(member).__name__ == "cython_function_or_method":
        return _wrapped(member, name)
    raise TypeError(
        f"{cls.__qualname__}.{name} is a {type(member).__name__}, whose arguments can't be checked: write a method that "
        "calls it"
    )


class _Plan:
    """The Checks of a function's parameters, made when it is called first."""

    def __init__(self, function: Any, parameters: list[inspect.Parameter]) -> None:
        reader = AnnotationReader(names_of(inspect.unwrap(getattr(function, "func", function))))
        self.positional: list[Check | None] = []
        self.by_name: dict[str, Check | None] = {}
        self.more: Check | None = None  # each further positional argument
        self.all_more: Check | None = None  # all of them, as one tuple
        self.rest: Check | None = None  # each further keyword
        self.all_rest: Check | None = None  # all of them, as one dict
        for each in parameters:
            annotation = Any if each.annotation is each.empty else reader.outermost(each.annotation)
            if each.kind is each.VAR_POSITIONAL:
                inner = unpacked(annotation)
                if inner is None:
                    self.more = reader.check(annotation)
                else:
                    self.all_more = reader.check(inner)
            elif each.kind is each.VAR_KEYWORD:
                inner = unpacked(annotation)
                if inner is None:
                    self.rest = reader.check(annotation)
                else:
                    self.all_rest = reader.check(inner)
            else:
                check = self.by_name[each.name] = or_none(reader.check(annotation), each.default)
                if each.kind is not each.KEYWORD_ONLY:
                    self.positional.append(check)


def _wrapped(function: Any, its_name: str = "") -> Any:
    parameters = list(inspect.signature(function).parameters.values())
    where = f"{getattr(function, '__name__', its_name)}: "
    plans: list[_Plan] = []

    def admitted(check: Check | None, value: Any, seen: Seen, name: str) -> Any:
        if check is None:
            return value
        require(check, value, seen, where, name)
        return check.to_float(value, seen, False) if check.floats else value

    def run(*args: Any, **kwargs: Any) -> Any:
        if not plans:
            plans.append(_Plan(function, parameters))
        plan = plans[0]
        count = len(plan.positional)
        seen: Seen = {}
        taken = [
            admitted(plan.positional[place], value, seen, parameters[place].name)
            if place < count
            else admitted(plan.more, value, seen, f"argument {place}")
            for place, value in enumerate(args)
        ]
        if plan.all_more is not None:
            taken[count:] = admitted(plan.all_more, tuple(taken[count:]), seen, "arguments")
        named = {name: admitted(plan.by_name.get(name, plan.rest), value, seen, name) for name, value in kwargs.items()}
        if plan.all_rest is not None:
            further = {name: value for name, value in named.items() if name not in plan.by_name}
            named |= admitted(plan.all_rest, further, seen, "keywords")
        return function(*taken, **named)

    functools.update_wrapper(run, function)
    run.is_checked_by_likewise = True  # type: ignore[attr-defined]
    return run


__all__ = ("checked",)
