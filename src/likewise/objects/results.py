"""What the annotation of a result says: an iterator, something to await, or what it is."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Any


def is_stream(annotation: Any) -> bool:
    """Whether this is an async iterator, or may be turned into one."""
    return inside(annotation, collections.abc.AsyncIterable) is not None


def inside(annotation: Any, *kinds: type) -> Any:
    """What is in an iterator or an awaitable by its annotation: ``Any`` where that is not said, None if it is neither."""
    cls = typing.get_origin(annotation) or annotation
    if annotation is Any or not isinstance(cls, type) or not issubclass(cls, kinds) or issubclass(cls, (str, bytes)):
        return None
    arguments = typing.get_args(annotation)
    if not arguments:
        return Any
    return arguments[-1] if issubclass(cls, collections.abc.Coroutine) else arguments[0]


def awaited(annotation: Any) -> Any:
    """What comes of it in the end: of an awaitable, what is in it."""
    found = inside(annotation, collections.abc.Awaitable)
    return annotation if found is None else found


def interface_in(annotation: Any) -> Any:
    """The Protocol that a result is, or is unless it is None; None if it is anything else."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        several = [each for each in typing.get_args(annotation) if each is not types.NoneType]
        annotation = several[0] if len(several) == 1 else None
    return annotation if getattr(typing.get_origin(annotation) or annotation, "_is_protocol", False) else None


__all__ = ("awaited", "inside", "interface_in", "is_stream")
