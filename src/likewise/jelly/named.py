"""
Named tuples: ``(CLASS (tuple ...))``, the fields in their order.

As of a dataclass, ``__new__`` is not run, fields at the end that did not come get their defaults, and each is of the type
that it is annotated with. A tuple may lead back to itself by way of what is mutable in it: then it is made at the end, as
any is.
"""

from __future__ import annotations

from typing import Any

from ..errors import InsecureJelly, NotSendable
from ..limits import ITEMS
from .annotations import fields_of
from .context import Writing
from .forms import FORMS, ValueForm
from .graph import Pending
from .plans import TAKER, Incoming


def is_named_tuple(cls: type) -> bool:
    """Whether a class was made by ``typing.NamedTuple`` or ``collections.namedtuple``, or is derived from one that was."""
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


class _Later:
    """Makes a named tuple of the one item that it waits for, when that is there."""

    def __init__(self, plan: Taken, decoder: Any) -> None:
        self._plan = plan
        self._decoder = decoder
        self.__name__ = plan.name

    def __call__(self, items: list[Any]) -> Any:
        return self._plan.made(self._decoder, items[0])


class Taken(Incoming):
    """How a named tuple is read."""

    def __init__(self, cls: Any, name: str, is_strict: bool) -> None:
        super().__init__(TAKER, self.take, is_strict)
        self.cls = cls
        self.name = name
        self.at_end = dict(cls._field_defaults)  # a field's default, by its name
        self.size = len(cls._fields)

    def take(self, decoder: Any, tag: bytes, count: int, reference: int | None) -> Any:
        if count != 2:
            raise InsecureJelly(f"{self.name} is a named tuple, which takes the form (tag (tuple ...))")
        pending: Pending | None = None
        if reference is not None:
            pending = Pending(_Later(self, decoder))
            decoder.name_reference(reference, pending)
        state = decoder.value()
        if type(state) is Pending:
            pending = pending or Pending(_Later(self, decoder))
            pending.items = [state]
            return pending
        value = self.made(decoder, state)
        if pending is not None:
            pending.value = value
            pending.is_built = True
            decoder.name_reference(reference, value)
        return value

    def made(self, decoder: Any, state: Any) -> Any:
        """The named tuple of the tuple that came for it."""
        cls = self.cls
        if type(state) is not tuple or len(state) > self.size:
            raise InsecureJelly(f"{self.name} is a named tuple: a tuple of at most {self.size} items is expected")
        if len(state) < self.size:
            missing = [each for each in cls._fields[len(state) :] if each not in self.at_end]
            if missing:
                raise InsecureJelly(f"{self.name} came without {', '.join(missing)}")
            state += tuple([self.at_end[each] for each in cls._fields[len(state) :]])
        if self.is_strict:
            if self.fields is None:  # not before the first comes: annotations may name what is defined later
                self.fields = fields_of(cls, self.name)
            if self.fields.checks:
                decoder._spend(ITEMS["named"], decoder.pos)
                state = self._with_floats(state)
                decoder.admit_later(self, dict(zip(cls._fields, state, strict=True)), None)
        return tuple.__new__(cls, state)

    def _with_floats(self, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """Whole numbers are made floats at once: a tuple can't be changed when the rest of it is looked at."""
        assert self.fields is not None
        if not self.fields.floats or int not in map(type, state):
            return state
        checks = [self.fields.checks.get(name) for name in self.cls._fields]
        return tuple([
            check.to_float(item, None, False) if type(item) is int and check is not None and check.floats else item
            for item, check in zip(state, checks, strict=True)
        ])  # fmt: skip

    def set_again(self, instance: Any, changed: dict[str, Any]) -> None:
        """What is in its lists has been made floats in place."""


def admit_named_tuple(cls: Any, name: str, is_strict: bool) -> None:
    """Give a class of named tuples a form."""
    tag = name.encode()
    size = len(cls._fields)

    def write(encoder: Writing, value: Any) -> None:
        if tuple.__len__(value) != size or getattr(value, "__dict__", None):
            raise NotSendable(f"a {name} that has other attributes than its fields: these alone cross")
        encoder.begin_form(value, 2)
        encoder.encode(tag)
        encoder.encode(tuple(tuple.__iter__(value)))

    FORMS[cls] = ValueForm(write, name, lambda: Taken(cls, name, is_strict))


__all__ = ("admit_named_tuple", "is_named_tuple")
