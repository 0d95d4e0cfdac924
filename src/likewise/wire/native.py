"""
Single steps that the compiled build takes in C, and how Python takes them.

native.pxd holds the same functions for the compiled modules, which find them there under this module's name. This one
is never compiled; what runs it is the pure build.
"""

from __future__ import annotations

import struct
from typing import Any

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
