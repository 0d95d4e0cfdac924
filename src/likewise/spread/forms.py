"""
The forms of jelly that only Twisted's users have, on likewise's encoder; :mod:`.reading` reads them.

A class of theirs may write itself as an s-expression (``jellyFor``); instances of any class may cross where a taster
allows them; and what may not goes out as a mark, ``(unpersistable reason)``.

What ``jellier.jelly()`` returns inside a ``jellyFor`` stands for a part that is written when the whole form is: it may
be put anywhere into the form, once, and tells nothing about the part.
"""

from __future__ import annotations

import types
from typing import Any

from twisted.python.reflect import qual

from ..errors import NotSendable
from ..jelly.context import Writing
from ..jelly.cures import why_not
from ..jelly.encoder import Encoder
from ..jelly.plans import refuse_to_wait, state_of
from .opaque import take_out
from .security import globalSecurity


def stock(function: Any) -> Any:
    """Mark a method as our own: where it was not overridden, something faster stands in for it."""
    function.is_stock = True
    return function


def is_stock(owner: Any, name: str) -> bool:
    """Whether a class, or an object, has such a method and did not override it."""
    return getattr(getattr(owner, name, None), "is_stock", False)


def has_own_form(instance: Any) -> bool:
    """Whether an instance is of a class that writes its form itself, by whatever stands there now as ``jellyFor``."""
    return not is_stock(type(instance), "jellyFor")


class DeferredPart:
    """A part of a form: what is written in its place."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Form(list[Any]):
    """A form that stands for an instance, which then keeps its identity."""

    __slots__ = ("instance",)
    instance: Any


class Jellier:
    """What a ``jellyFor`` is given."""

    def __init__(self, encoder: Writing) -> None:
        self.invoker = getattr(encoder, "invoker", None)
        self.taster = getattr(encoder, "taster", globalSecurity)
        self.persistentStore = getattr(encoder, "persistentStore", None)

    def jelly(self, obj: Any) -> Any:
        """A part of the form."""
        return DeferredPart(obj)

    def prepare(self, object: Any) -> Any:
        """An empty form for an instance, to be filled and then preserved."""
        return []

    def preserve(self, object: Any, sexp: Any) -> Any:
        """The same form, known to stand for that instance."""
        form = Form(sexp)
        form.instance = object
        return form

    def unpersistable(self, reason: Any, sxp: Any = None) -> Any:
        """The form of what could not be sent."""
        form = [] if sxp is None else sxp
        form += [b"unpersistable", reason.encode() if isinstance(reason, str) else reason]
        return form


def write_form(instance: Any, encoder: Writing) -> None:
    """Write an instance as its ``jellyFor`` has it."""
    jellier = Jellier(encoder)
    invoker = jellier.invoker
    if invoker is None:
        write_part(instance.jellyFor(jellier), encoder)
        return
    outer, invoker.serializingPerspective = getattr(invoker, "serializingPerspective", None), encoder.perspective
    try:
        write_part(instance.jellyFor(jellier), encoder)
    finally:
        invoker.serializingPerspective = outer


def write_part(part: Any, encoder: Writing) -> None:
    """Write what a form consists of: lists, parts that are due later, and what banana carries."""
    if isinstance(part, DeferredPart):
        encoder.encode(part.value)
    elif isinstance(part, (list, tuple)):
        encoder.begin_form(getattr(part, "instance", None), len(part))
        for each in part:
            write_part(each, encoder)
    elif type(part) in (bytes, int, float):
        encoder.encode(part)
    else:
        raise NotSendable(f"a form of jelly has bytes, numbers and lists in it, not {qual(type(part))}")


def write_instance(instance: Any, encoder: Writing) -> None:
    """Write ``(class state)``, the state as pickle would have it."""
    encoder.write_copy(instance, qual(type(instance)), pickled_state(instance))


def pickled_state(instance: Any) -> Any:
    """The state of an instance as pickle would have it, but for slots, which are attributes like others."""
    if getattr(type(instance), "__getstate__", None) is object.__getstate__:
        return state_of(instance)
    state = instance.__getstate__()
    refuse_to_wait(instance, "__getstate__", state)
    return state


class SpreadEncoder(Encoder):
    """Writes for a connection of ours."""

    __slots__ = ()

    @property
    def invoker(self) -> Any:
        """The connection."""
        assert self.tables is not None
        broker: Any = self.tables.caller.owner
        return broker

    @property
    def taster(self) -> Any:
        """What may be sent, and come in."""
        return self.invoker.security

    def unsendable(self, instance: Any, kind: type) -> None:
        if isinstance(instance, type):
            write_part([b"class", qual(instance).encode()], self)
        elif isinstance(instance, (types.FunctionType, types.MethodType, types.ModuleType)):
            Encoder.unsendable(self, instance, kind)  # Twisted's banana can't carry these either
        elif self.taster.isClassAllowed(kind):
            write_instance(instance, self)
        else:
            self.invoker.unpersistable_sent(self.path_to(instance), kind, why_not(instance, kind, self.dialect))
            write_mark(instance, kind, self)


def write_mark(instance: Any, kind: type, encoder: Encoder) -> None:
    """Write that here was something that may not cross."""
    encoder.begin_form(instance, 2)
    encoder.encode(b"unpersistable")
    encoder.encode(f"instance of class {qual(kind)} deemed insecure".encode())


class JellyEncoder(Encoder):
    """Writes for ``jelly()``: code too, by name, and instances of every class that the taster allows."""

    __slots__ = ("invoker", "persistentStore", "pids", "taster")
    invoker: Any
    taster: Any
    persistentStore: Any
    pids: dict[bytes, Any]

    def unsendable(self, instance: Any, kind: type) -> None:
        if isinstance(instance, types.MethodType):
            owner = instance.__self__
            name = instance.__func__.__name__.encode()
            write_part([b"method", name, DeferredPart(owner), DeferredPart(type(owner))], self)
        elif isinstance(instance, types.FunctionType):
            write_part([b"function", f"{instance.__module__}.{instance.__qualname__}".encode()], self)
        elif isinstance(instance, types.ModuleType):
            write_part([b"module", instance.__name__.encode()], self)
        elif isinstance(instance, type):
            write_part([b"class", qual(instance).encode()], self)
        else:
            self._plain(instance, kind)

    def _plain(self, instance: Any, kind: type) -> None:
        pid = self.persistentStore(instance, Jellier(self)) if self.persistentStore else None
        if pid is not None:
            self.begin_form(instance, 2)
            self.encode(b"persistent")
            self.encode(take_out(pid, self.pids))
        elif self.taster.isClassAllowed(kind):
            write_instance(instance, self)
        else:
            write_mark(instance, kind, self)
