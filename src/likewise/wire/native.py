"""
Single steps that the compiled build takes in C, and how Python takes them.

native.pxd holds the same functions for the compiled modules, which find them there under this module's name. This one
is never compiled; what runs it is the pure build.
"""

from __future__ import annotations

import struct
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


def set_dict(instance: Any, state: dict[str, Any]) -> None:
    """Have this very dictionary hold the attributes of an instance."""
    instance.__dict__ = state


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
