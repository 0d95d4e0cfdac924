"""
What an annotation of an interface says of what crosses.

An interface is written as its callers see things: what they call a RemoteReference is the object itself at home, and a
mirror is its original there. Such annotations say less where values are checked, and nothing where that can't be told.
"""

from __future__ import annotations

import types
import typing
from typing import Any

from ..jelly.checks import ARRIVES, COPYABLE
from ..jelly.context import Receivable, Sendable
from .by_reference import Referenceable, RemoteReference, Viewable


class _StandsForAny(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Sendable)


class reference(metaclass=_StandsForAny):
    """Whatever is, or stands for, an object that stays with one of the two ends."""


ARRIVES.add(reference)


def as_it_crosses(annotation: Any) -> Any:
    """An annotation, with what may be of another class at either end taken for what it certainly is."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if annotation in COPYABLE:
            return annotation
        if issubclass(annotation, (RemoteReference, Referenceable, Viewable)):
            return reference
        return Any if issubclass(annotation, Receivable) else annotation
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return as_it_crosses(arguments[0])
    if not arguments or origin is typing.Literal:
        return annotation
    if any(typing.get_origin(each) is typing.Unpack or getattr(each, "__unpacked__", False) for each in arguments):
        return origin
    inside = tuple(each if each is ... else as_it_crosses(each) for each in arguments)
    if inside == arguments:
        return annotation
    try:
        return typing.Union[inside] if origin in (typing.Union, types.UnionType) else origin[inside]  # noqa: UP007
    except TypeError:
        return Any


__all__ = ("as_it_crosses",)
