"""
The forms of jelly that only Twisted's users have, on likewise's encoder and decoder.

A class of theirs may write and read itself as an s-expression (``jellyFor``, ``unjellyFor``); instances of any class
may cross where a taster allows them; and what may not goes out as a mark, ``(unpersistable reason)``.

What ``jellier.jelly()`` returns inside a ``jellyFor`` stands for a part that is written when the whole form is: it may
be put anywhere into the form, once, and tells nothing about the part.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from twisted.persisted.crefutil import NotKnown
from twisted.python.compat import nativeString
from twisted.python.reflect import namedAny, qual

from ..bounded import CLIP, clip, text_of
from ..errors import InsecureJelly, NotSendable
from ..jelly.basics import Unpersistable
from ..jelly.context import Writing
from ..jelly.cures import why_not
from ..jelly.decoder import Decoder
from ..jelly.encoder import Encoder
from ..jelly.expressions import to_frame
from ..jelly.plans import FILLED, Incoming, admit_state, refuse_to_wait, set_state, state_of
from ..jelly.registry import default_registry
from ..limits import DEEPEST, Limits
from ..wire.framer import Frame, new_frame
from ..wire.reader import Reader
from ..wire.tokens import LIKEWISE_1
from ..wire.writer import Pieces, write_expression
from .parts import WrittenPart, WrittenParts, current
from .security import DummySecurityOptions, check_types, globalSecurity, is_narrow

DETACHED_LIMITS = Limits.trusted(depth=DEEPEST)  # for jelly that is not on a connection
LONGEST_PATH = 1_000  # bytes of the name of what a peer has looked up
LONGEST_REASON = 10_000  # characters of why a peer could not send something


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


# --- writing


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


# --- what an s-expression may hold besides what banana carries


def take_out(value: Any, table: dict[bytes, Any]) -> Any:
    """What stands on the wire for a value that banana may not carry, and finds it again in ``table``."""
    if type(value) in (bytes, int, float):
        return value
    token = b"\0opaque %d %d" % (id(table), len(table))
    table[token] = value
    return token


def with_opaque(expression: Any, table: dict[bytes, Any]) -> Any:
    """The same expression, with what :func:`take_out` took out of it."""
    if not table:
        return expression
    if isinstance(expression, list):
        return [with_opaque(each, table) for each in expression]
    return table.get(expression, expression) if isinstance(expression, bytes) else expression


def without_opaque(expression: Any, table: dict[bytes, Any]) -> Any:
    """An expression as banana carries it: str as bytes, anything else taken out, and so what stands for an object."""
    if isinstance(expression, (list, tuple)):
        if len(expression) == 2 and expression[0] in (b"persistent", "persistent"):
            return [b"persistent", take_out(expression[1], table)]
        return [without_opaque(each, table) for each in expression]
    return expression.encode() if isinstance(expression, str) else take_out(expression, table)


# --- reading


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


class SpreadDecoder(Decoder):
    """Reads for a connection of ours."""

    __slots__ = ()
    is_trusted = False
    persistentLoad: Any = None
    pids: Any = None

    @property
    def invoker(self) -> Any:
        """The connection."""
        return self.tables.caller.owner if self.tables is not None else None  # type: ignore[attr-defined]

    @property
    def taster(self) -> Any:
        """What may come in."""
        return self.invoker.security

    def plan_for(self, tag: Any) -> Incoming:
        plan = default_registry.incoming.get(tag) if isinstance(tag, bytes) else None
        if plan is not None:
            return plan
        if not isinstance(tag, bytes) or not self.taster.isTypeAllowed(tag):
            raise InsecureJelly(clip(tag))
        name = _name(tag)
        module = name.rpartition(".")[0]
        if not self.taster.isModuleAllowed(module):
            raise InsecureJelly(f"Module {module} not allowed (in type {name}).")
        cls = _found(name)
        if not self.taster.isClassAllowed(cls):
            raise InsecureJelly(f"Class {name} not allowed.")
        return Filled(cls, self.is_trusted)

    def by_name(self, word: bytes, count: int, reference: int | None) -> Any:
        if word == b"unpersistable":
            reason = [self.read_expression() for _ in range(count)]
            return Unpersistable(f"Unpersistable data: {clip(reason[0] if reason else None, LONGEST_REASON)}")
        if not self.taster.isTypeAllowed(word):
            raise InsecureJelly(clip(word))
        if count != COUNTS[word]:
            raise InsecureJelly(f"a malformed {_name(word)}")
        if word == b"instance":
            return self._old_instance(reference)
        return BY_NAME[word](self)

    def _looked_up(self) -> str:
        name = self.read_expression()
        if not isinstance(name, bytes):
            raise InsecureJelly("a name was expected")
        return _name(name)

    def _the_module(self) -> Any:
        name = self._looked_up()
        if not self.taster.isModuleAllowed(name):
            raise InsecureJelly(f"Attempted to unjelly module named {name!r}")
        return _found(name)

    def _the_class(self) -> Any:
        name = self._looked_up()
        module = name.rpartition(".")[0]
        if not self.taster.isModuleAllowed(module):
            raise InsecureJelly(f"module {module} not allowed")
        cls = _found(name)
        if not isinstance(cls, type):
            raise InsecureJelly(f"class {name!r} unjellied to something that isn't a class: {clip(cls)}")
        if not self.taster.isClassAllowed(cls):
            raise InsecureJelly(f"class not allowed: {qual(cls)}")
        return cls

    def _the_function(self) -> Any:
        name = self._looked_up()
        module = name.rpartition(".")[0]
        if not self.taster.isModuleAllowed(module):
            raise InsecureJelly(f"Module not allowed: {module}")
        return _found(name)

    def _the_method(self) -> Any:
        name = self._looked_up()
        owner = self.value()
        cls = self.value()
        if not isinstance(cls, type):
            raise InsecureJelly("Method found with non-class class.")
        if name not in cls.__dict__:
            raise TypeError("instance method changed")
        return getattr(cls, name) if owner is None else types.MethodType(cls.__dict__[name], owner)

    def _the_persistent(self) -> Any:
        pid = with_opaque(self.read_expression(), self.pids or {})
        if self.persistentLoad is None:
            return Unpersistable("Persistent callback not found")
        return self.persistentLoad(pid, Unjellier(self))

    def _old_instance(self, reference: int | None) -> Any:
        """``(instance class state)``, as peers of old have it."""
        warn_of_instance()
        cls = self.value()
        if not isinstance(cls, type):
            raise InsecureJelly("Instance found with non-class class.")
        instance = blank_of(cls)
        self.name_reference(reference, instance)
        Filled(cls, self.is_trusted).fill(instance, self.value())
        return instance


COUNTS = {b"class": 1, b"module": 1, b"function": 1, b"method": 3, b"persistent": 1, b"instance": 2}
BY_NAME: dict[bytes, Callable[[SpreadDecoder], Any]] = {
    b"class": SpreadDecoder._the_class,
    b"module": SpreadDecoder._the_module,
    b"function": SpreadDecoder._the_function,
    b"method": SpreadDecoder._the_method,
    b"persistent": SpreadDecoder._the_persistent,
}


class TastingDecoder(SpreadDecoder):
    """The same with a narrow taster."""

    __slots__ = ("_frame",)
    _frame: Frame | None

    def begin(self, frame: Frame, registry: Any, tables: Any, limits: Any, perspective: Any = None) -> None:
        self._frame = frame
        super().begin(frame, registry, tables, limits, perspective)

    def let_go(self) -> None:
        self._frame = None
        super().let_go()

    def decode_arguments(self) -> Any:
        return self.decode()

    def decode_keywords(self) -> Any:
        return self.decode()

    def decode(self) -> Any:
        frame = self._frame
        assert frame is not None
        ahead = Reader(new_frame(frame.data, self.pos, frame.end, frame.large, frame.items))
        try:
            check_types(ahead.read_expression(), self.taster, self.registry.incoming)
        except InsecureJelly:
            self.failed_at = self.failed_at or self.pos
            raise
        return SpreadDecoder.decode(self)


class UnjellyDecoder(SpreadDecoder):
    """Reads for ``unjelly()``."""

    __slots__ = ("invoker", "persistentLoad", "pids", "taster")
    invoker: Any
    taster: Any
    persistentLoad: Any
    pids: Any

    @property
    def is_trusted(self) -> bool:  # type: ignore[override]
        """Whether state may set anything: where it is neither a peer's, nor tasted for who can't be trusted."""
        return self.invoker is None and type(self.taster) is DummySecurityOptions


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


def expression_frame(expression: Any, limits: Limits = DETACHED_LIMITS) -> Frame:
    """An s-expression as the decoder reads it."""
    pieces: Pieces = []
    write_expression(pieces, expression, LIKEWISE_1)
    return to_frame(b"".join(pieces), limits)


def warn_of_instance() -> None:
    """Say that a peer still speaks of instances by this old word."""
    import warnings

    warnings.warn_explicit(
        "Unjelly support for the instance atom is deprecated since Twisted 15.0.0.  "
        "Upgrade peer for modern instance support.",
        category=DeprecationWarning,
        filename="",
        lineno=0,
    )


def _found(name: str) -> Any:
    """What is known by a name that the taster has allowed."""
    try:
        return namedAny(name)
    except (ImportError, AttributeError, ValueError) as error:  # InvalidName, ModuleNotFound and ObjectNotFound are these
        raise InsecureJelly(f"there is nothing here called {clip(name)}: {text_of(error, CLIP)}") from None


def _name(raw: bytes) -> str:
    try:
        if len(raw) <= LONGEST_PATH:
            return nativeString(raw)
    except UnicodeError:
        pass
    raise InsecureJelly(f"{clip(raw, 80)} is no name")
