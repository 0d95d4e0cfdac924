"""
Single steps that the compiled build takes in C, and how Python takes them.

native.pxd holds the same functions for the compiled modules, which find them there under this module's name. This one
is never compiled; what runs it is the pure build.
"""

from __future__ import annotations

import struct
from types import GetSetDescriptorType
from typing import Any

from .tokens import from_base128

_double = struct.Struct("!d").unpack_from

starts_with = bytes.startswith
"""``starts_with(data, piece, pos)``: whether these bytes lie there."""


def double_at(data: bytes, pos: int) -> float:
    """The big-endian double there."""
    value: float = _double(data, pos)[0]
    return value


def new_instance(cls: type) -> Any:
    """An instance whose ``__init__`` is not run."""
    made: Any = cls.__new__(cls)  # type: ignore[call-overload]  # taken for the one of a metaclass
    return made


def dict_slot(cls: type) -> Any:
    """
    The descriptor by which Python reads and sets the ``__dict__`` of instances of a class; ``None`` where they have none.

    Asked once for a class, not for each instance. What the class says of setting attributes does not count: state that
    has come in is set in frozen dataclasses, and where there is a ``__setattr__``, as pickle sets it.
    """
    for base in cls.__mro__:
        found = base.__dict__.get("__dict__")
        if type(found) is GetSetDescriptorType:
            return found
    return None


def set_dict(slot: Any, instance: Any, state: dict[str, Any]) -> None:
    """Have this very dictionary hold the attributes of an instance, whose class has this :func:`dict_slot`."""
    if slot is None:
        raise AttributeError(f"{type(instance).__name__!r} object has no __dict__")
    slot.__set__(instance, state)


def replace_dict(instance: Any, state: dict[str, Any]) -> None:
    """:func:`set_dict` where it is done now and then."""
    set_dict(dict_slot(type(instance)), instance, state)


def natural(data: bytes, first: int, end: int) -> int:
    """The number of at most 64 digits to the base of 128, the least significant first, that lie there."""
    return from_base128(data[first:end])


def decimal_numbers(data: bytes, pos: int, size: int) -> list[int] | None:
    """
    The numbers that a text of so many bytes there spells, parted by single spaces: in C. ``None``: read it otherwise.

    That is for what is spelled in another way, and always on the pure build, where this would be no faster.
    """
    return None


def product(one: int, other: int) -> int:
    """The product of two numbers of at most 61 bits, the second of which is positive, modulo 2**61 - 1."""
    return one * other % ((1 << 61) - 1)
