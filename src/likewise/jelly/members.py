"""
Enums: a member goes by its name, ``(CLASS NAME)``, whatever its value is at either end.

Of a Flag that has several members the names are joined by ``|``, and of one that has none the name is empty.
"""

from __future__ import annotations

import enum
from typing import Any

from ..bounded import clip
from ..errors import InsecureJelly, NotSendable
from ..limits import ENUM_HASH, FLAG_COMBINATIONS, ITEMS
from .context import Writing
from .forms import FORMS, HASH_COSTS, ValueForm, form_taker

BETWEEN = b"|"


class _Members:
    """The members of one Enum by their names, as they travel."""

    def __init__(self, cls: type[enum.Enum], name: str) -> None:
        self.name = name
        self.tag = name.encode()
        self.cls = cls
        self.is_flag = issubclass(cls, enum.Flag)
        self.by_name = {each.encode(): member for each, member in cls.__members__.items()}
        self.longest = sum(len(each) + 1 for each in self.by_name)  # bytes of all names at once
        self.combined: dict[int, Any] = {}  # what peers have made of the members of a Flag: Python never forgets them

    def write(self, encoder: Writing, member: Any) -> None:
        encoder.begin_form(None, 2)
        encoder.encode(self.tag)
        encoder.encode(self.name_of(member))

    def name_of(self, member: Any) -> bytes:
        name = member._name_
        if name in self.cls.__members__:
            its_name: str = name
            return its_name.encode()
        if not self.is_flag:
            raise NotSendable(f"a {self.name} that is none of the members of its class")
        parts = list(member)
        if sum(part._value_ for part in parts) != member._value_:
            raise NotSendable(f"a {self.name} with bits that are no members: send .value")
        return BETWEEN.join([part._name_.encode() for part in parts])

    def read(self, decoder: Any, state: Any) -> Any:
        found = self.by_name.get(state) if type(state) is bytes else None
        if found is not None:
            return found
        if type(state) is bytes and self.is_flag and len(state) <= self.longest:
            return self._combined(decoder, state)
        raise self._unknown(state)

    def _combined(self, decoder: Any, state: bytes) -> Any:
        value = 0
        names = state.split(BETWEEN) if state else []
        decoder._spend(ITEMS["member"] * len(names), decoder.pos)
        for name in names:
            member = self.by_name.get(name)
            if member is None:
                raise self._unknown(name)
            value |= member._value_
        known = self.combined.get(value)
        if known is None:
            if len(self.combined) >= FLAG_COMBINATIONS:
                raise InsecureJelly(f"over {FLAG_COMBINATIONS} different combinations of the members of {self.name}")
            known = self.combined[value] = self.cls(value)
        return known

    def _unknown(self, name: object) -> InsecureJelly:
        return InsecureJelly(f"{self.name} has no member {clip(name)}")


def admit_enum(cls: type[enum.Enum], name: str) -> None:
    """
    Give the members of an Enum a form.

    Raises:
        TypeError: it has none, or their names can't be told apart.
    """
    if not cls.__members__:
        raise TypeError(f"{cls.__qualname__} has no members: put @likewise.copyable above the Enum that has")
    for each in cls.__members__:
        if not each.isprintable() or (issubclass(cls, enum.Flag) and "|" in each):
            raise TypeError(f"{cls.__qualname__} has a member that can't go by its name: {each!r}")
    members = _Members(cls, name)
    FORMS[cls] = ValueForm(members.write, name, lambda: form_taker(members.tag, members.read, 0))
    HASH_COSTS[cls] = ENUM_HASH


__all__ = ("admit_enum",)
