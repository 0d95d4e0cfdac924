"""
Reading the forms of jelly that only Twisted's users have, on likewise's decoder: what a taster allows, and code by name.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

from twisted.python.compat import nativeString
from twisted.python.reflect import namedAny, qual

from ..bounded import CLIP, clip, text_of
from ..errors import InsecureJelly
from ..jelly.basics import Unpersistable
from ..jelly.decoder import Decoder
from ..jelly.plans import Incoming
from ..jelly.registry import default_registry
from ..wire.framer import Frame, new_frame
from ..wire.reader import Reader
from .opaque import with_opaque
from .security import DummySecurityOptions, check_types
from .unjelliers import Filled, Unjellier, blank_of

LONGEST_PATH = 1_000  # bytes of the name of what a peer has looked up
LONGEST_REASON = 10_000  # characters of why a peer could not send something


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


def warn_of_instance() -> None:
    """Say that a peer still speaks of instances by this old word."""
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
