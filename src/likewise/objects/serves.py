"""
``@likewise.serves(Shop)``: a class promises to answer what an interface asks.

When the class is made, each method that is missing or has another signature is told, all in one error. When it is called,
what comes in and what goes out is checked by the interface's annotations: :mod:`~likewise.objects.border`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..bounded import clip
from .border import at_the_border
from .by_cache import RemoteCache
from .by_reference import Avatar, Referenceable, Viewable
from .interfaces import Interface, Method, interface_of
from .signatures import differences

if TYPE_CHECKING:
    from typing_extensions import TypeForm

C = TypeVar("C", bound=type)

KINDS_OF_CLASS: Final = (  # what a class derives from, how its methods begin, and what they are given first
    (Avatar, "perspective_", ""),
    (Viewable, "view_", "perspective"),
    (RemoteCache, "observe_", ""),
    (Referenceable, "remote_", ""),
)


def serves(interface: TypeForm[Any]) -> Callable[[C], C]:
    """
    Have a class answer an interface, a ``typing.Protocol`` or another class with annotated methods.

    For a class that derives from Root or Referenceable (``remote_``), Avatar (``perspective_``), Viewable (``view_``) or
    RemoteCache (``observe_``). Its methods have the names, kinds and defaults of the interface's parameters; they may be
    plain or ``async``, and leave out annotations.

    A call with an argument that is not what the interface says ends with InsecureJelly and is not run; a result that is not
    fails it. What is not annotated is not checked, nor are types that cross as others. Calls from within the program are
    checked, too. What derives from the class is held to the same.

    Raises:
        TypeError: something is missing or has another signature; the text names all of it, each with its remedy.
    """
    asked = interface_of(interface)

    def decorate(cls: C) -> C:
        _serve(cls, asked, asked.methods)
        _serve_in_subclasses(cls, asked)
        return cls

    return decorate


def _serve(cls: type, interface: Interface, methods: dict[str, Method]) -> None:
    prefix, first = _way_in(cls)
    problems = []
    answers = {}
    for method in methods.values():
        name = prefix + method.name
        found = inspect.getattr_static(cls, name, None)
        if found is None:
            problems.append(f"{name} is missing: write `{method.declaration(prefix, first)}`")
            continue
        wrong = differences(cls, name, found, method, first)
        if wrong:
            problems.append(f"{name} {'; '.join(wrong)}: write `{method.declaration(prefix, first)}`")
        else:
            answers[name] = method, found
    if problems:
        raise TypeError(f"{cls.__qualname__} does not serve {interface.name}:" + "".join(f"\n- {each}" for each in problems))
    for name, (method, found) in answers.items():
        setattr(cls, name, at_the_border(cls, found, method, int(bool(first))))


def _serve_in_subclasses(cls: type, interface: Interface) -> None:
    """Hold what derives from the class to the same, where it has methods of its own."""
    before = vars(cls).get("__init_subclass__")
    prefix, _ = _way_in(cls)
    of: Any = cls

    def __init_subclass__(subclass: type, /, **options: Any) -> None:
        if before is not None:
            before.__get__(None, subclass)(**options)
        else:
            super(of, subclass).__init_subclass__(**options)
        there = inspect.getattr_static
        own = {
            name: method
            for name, method in interface.methods.items()
            if there(subclass, prefix + name, None) is not there(cls, prefix + name)
        }
        _serve(subclass, interface, own)

    of.__init_subclass__ = classmethod(__init_subclass__)


def _way_in(cls: type) -> tuple[str, str]:
    """How the names of its remote methods begin, and the name of what they are given first, if anything."""
    for base, prefix, first in KINDS_OF_CLASS:
        if isinstance(cls, type) and issubclass(cls, base):
            return prefix, first
    bases = "Root, Referenceable, Avatar, Viewable or RemoteCache"
    raise TypeError(f"serves() is for a class that derives from {bases}: {clip(cls)} does not")


__all__ = ("serves",)
