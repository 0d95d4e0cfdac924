"""
Objects of Twisted's users as they arrive: those whose class reads itself (``unjellyFor``), and those that take their state
as pickle would give it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.persisted.crefutil import NotKnown

from ..jelly.decoder import Decoder
from ..jelly.plans import FILLED, Incoming, admit_state, set_state
from .parts import WrittenPart, WrittenParts, current
from .security import check_types, globalSecurity, is_narrow


class Filled(Incoming):
    """A plain instance: ``__setstate__`` if it has one, else the state becomes its attributes."""

    def __init__(self, make: Any, is_trusted: bool) -> None:
        super().__init__(FILLED, make)
        self.is_trusted = is_trusted

    def fill(self, instance: Any, state: Any) -> None:
        setter = getattr(instance, "__setstate__", None)
        if setter is not None:
            setter(state)
        elif isinstance(state, dict):
            set_state(instance, state if self.is_trusted else admit_state(type(instance), state))


class Unjellier:
    """What an ``unjellyFor`` is given."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        owner = decoder.tables.caller.owner if decoder.tables is not None else None  # type: ignore[attr-defined]
        self.invoker = getattr(decoder, "invoker", owner)
        self.taster = getattr(decoder, "taster", globalSecurity)
        self.persistentLoad = getattr(decoder, "persistentLoad", None)
        self.is_trusted = getattr(decoder, "is_trusted", False)

    def unjelly(self, obj: Any) -> Any:
        """The value of a part of the expression; what is no list is its own value."""
        if not isinstance(obj, list):
            return obj
        decoder = self._decoder
        if is_narrow(self.taster):
            check_types(obj, self.taster, decoder.registry.incoming)
        key = id(decoder)
        outer = current.get(key)
        if isinstance(obj, WrittenPart) and obj.written is outer and not outer.is_changed:
            return decoder.value_of(outer.frame_of(obj))
        written = current[key] = WrittenParts(obj, outer.left if outer is not None else None)
        try:
            return decoder.value_of(written.frame_of(written.top))
        finally:
            if outer is None:
                del current[key]
            else:
                current[key] = outer

    def unjellyInto(self, obj: Any, loc: Any, jel: Any) -> Any:
        """The same, put into a container, too."""
        value = self.unjelly(jel)
        if isinstance(value, NotKnown):
            value.addDependant(obj, loc)
        obj[loc] = value
        return value


def taker(unjellyable: Any) -> Callable[..., Any]:
    """What reads an instance of a class with an ``unjellyFor`` of its own, or calls a function in place of one."""

    def take(decoder: Decoder, tag: bytes, count: int, reference: int | None) -> Any:
        key = id(decoder)
        outer = current.get(key)
        expression = None if outer is None or outer.is_changed else outer.behind_tag.get(decoder.pos)
        if outer is None or expression is None:
            items = [tag, *(decoder.read_expression() for _ in range(count - 1))]
            written = current[key] = WrittenParts(items, None if outer is None else outer.left)
            expression = written.top
        else:
            decoder.open_frame(outer.frame_behind(expression))
        try:
            return read(decoder, expression, reference)
        finally:
            if outer is None:
                del current[key]
            else:
                current[key] = outer

    def read(decoder: Decoder, expression: list[Any], reference: int | None) -> Any:
        blank = blank_of(unjellyable) if isinstance(unjellyable, type) else None
        if blank is not None:
            decoder.name_reference(reference, blank)
        unjellier = Unjellier(decoder)
        invoker = unjellier.invoker
        around = getattr(invoker, "unserializingPerspective", None)
        if invoker is not None:
            invoker.unserializingPerspective = decoder.perspective
        try:
            made = getattr(blank, "unjellyFor", unjellyable)(unjellier, expression)
        finally:
            if invoker is not None:
                invoker.unserializingPerspective = around
        decoder.name_reference(reference, made)
        return made

    return take


def state_for(inst: Any, unjellier: Any, state: Any) -> Any:
    """State as the attributes of an instance; what came from a peer is checked name by name."""
    return state if getattr(unjellier, "is_trusted", False) else admit_state(type(inst), state)


def blank_of(cls: Any) -> Any:
    """An instance on which no ``__init__`` was run."""
    return cls.__new__(cls)
