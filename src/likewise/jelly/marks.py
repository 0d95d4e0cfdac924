"""
What tells the classes of other packages apart, without importing these: attrs, msgspec and pydantic leave marks on theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from .plans import slots_of


def is_pydantic(cls: Any) -> bool:
    """Whether pydantic (2 or newer) checks what instances are made of: a model of its, or a dataclass."""
    return isinstance(cls, type) and hasattr(cls, "__pydantic_validator__")


def is_attrs(cls: Any) -> bool:
    """Whether attrs has made the class itself, and not only one of its bases."""
    return isinstance(cls, type) and "__attrs_attrs__" in vars(cls)


def is_struct(cls: Any) -> bool:
    """Whether this is a Struct of msgspec."""
    return isinstance(cls, type) and hasattr(cls, "__struct_fields__") and hasattr(cls, "__struct_config__")


def is_dataclass(cls: Any) -> bool:
    """Whether this is a dataclass of the standard library."""
    return isinstance(cls, type) and dataclasses.is_dataclass(cls)


def fields_and_slots(instance: Any, kind: Any) -> Iterable[Any]:
    """What lies in an instance beside its ``__dict__``, where hashing or comparing it may look: its fields, its slots."""
    names: Iterable[str] = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "__struct_fields__", None) or ()
    if not names:
        found = getattr(kind, "__attrs_attrs__", None)
        names = [each.name for each in found] if found is not None else slots_of(kind)
    return [getattr(instance, name, None) for name in names]


__all__ = ("fields_and_slots", "is_attrs", "is_dataclass", "is_pydantic", "is_struct")
