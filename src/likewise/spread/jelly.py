"""
Objects as s-expressions: lists, byte strings, ints and floats.

An s-expression is made by writing the tokens that would lie on the wire and reading them back, so there is one codec
for this and for connections. :func:`jelly` and :func:`unjelly` allow everything unless they are given a taster; a
connection's taster allows next to nothing.
"""

from __future__ import annotations

import warnings
from typing import Any

from twisted.python.reflect import qual
from zope.interface import implementer

from ..errors import InsecureJelly as CoreInsecureJelly
from ..errors import NotSendable
from ..jelly.basics import Unpersistable
from ..jelly.context import Receivable, Sendable, Writing
from ..jelly.plans import set_state, state_of
from ..wire.tokens import LIKEWISE_1, PB, Dialect
from .faults import InsecureJelly, translated
from .forms import JellyEncoder, pickled_state, stock, write_form, write_instance
from .interfaces import IJellyable, IUnjellyable
from .opaque import DETACHED_LIMITS, expression_frame, expression_of, with_opaque, without_opaque
from .reading import UnjellyDecoder
from .registry import (
    detached,
    registry,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
    unjellyableFactoryRegistry,
    unjellyableRegistry,
)
from .security import DummySecurityOptions, SecurityOptions, check_types, globalSecurity, is_narrow
from .unjelliers import state_for

DictTypes = (dict,)
ANY_SIZE = Dialect(PB.name, True, LIKEWISE_1.string_bytes, LIKEWISE_1.list_items)  # for jelly that is not on a connection

None_atom = b"None"
class_atom = b"class"
module_atom = b"module"
function_atom = b"function"
dereference_atom = b"dereference"
persistent_atom = b"persistent"
reference_atom = b"reference"
dictionary_atom = b"dictionary"
list_atom = b"list"
set_atom = b"set"
tuple_atom = b"tuple"
frozenset_atom = b"frozenset"
unpersistable_atom = b"unpersistable"

_OLD = {"instance_atom": b"instance"}


def __getattr__(name: str) -> Any:
    if name not in _OLD:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    text = f"twisted.spread.jelly.{name} was deprecated in Twisted 15.0.0: {name} is unused within Twisted."
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return _OLD[name]


def getInstanceState(inst: Any, jellier: Any) -> Any:
    """The form of an instance whose state is what pickle would take, for use in a ``jellyFor``."""
    state = pickled_state(inst)
    form = jellier.prepare(inst)
    form.extend([qual(inst.__class__).encode(), jellier.jelly(state)])
    return jellier.preserve(inst, form)


def setInstanceState(inst: Any, unjellier: Any, jellyList: Any) -> Any:
    """The counterpart, for use in an ``unjellyFor``."""
    state = unjellier.unjelly(jellyList[1])
    if hasattr(inst, "__setstate__"):
        inst.__setstate__(state)
    else:
        set_state(inst, state_for(inst, unjellier, state))
    return inst


@implementer(IJellyable)
class Jellyable(Sendable):
    """Derive from this to cross as ``(class state)``, or override :meth:`jellyFor` to cross in a form of your own."""

    @stock
    def getStateFor(self, jellier: Any) -> Any:
        """The state to send: by default ``self.__dict__``, with what lies in slots."""
        return state_of(self)

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        """The s-expression for this object; ``jellier.jelly()`` makes its parts."""
        form = jellier.prepare(self)
        form.extend([qual(self.__class__).encode(), jellier.jelly(self.getStateFor(jellier))])
        return jellier.preserve(self, form)

    def jelly_into(self, encoder: Writing) -> None:
        write_form(self, encoder)


@implementer(IUnjellyable)
class Unjellyable(Receivable):
    """Derive from this to be built for a remote class, or override :meth:`unjellyFor` to read a form of your own."""

    @stock
    def setStateFor(self, unjellier: Any, state: Any) -> None:
        """Take the state that came: by default it becomes the attributes of this object."""
        set_state(self, state_for(self, unjellier, state))

    @stock
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        """This object, or another, with the state in the s-expression ``jellyList``."""
        self.setStateFor(unjellier, unjellier.unjelly(jellyList[1]))
        return self


def jelly(object: Any, taster: Any = None, persistentStore: Any = None, invoker: Any = None) -> Any:
    """
    An object as an s-expression.

    Instances that ``taster`` does not allow become ``(unpersistable reason)``; without one all are allowed.
    ``persistentStore(object, jellier)`` may return something that stands for an object instead. ``invoker`` is the
    Broker whose references and caches the expression may hold.

    Raises:
        InsecureJelly: something that has no form.
    """
    taster = taster or _ALLOWS_ALL
    pids: dict[bytes, Any] = {}

    def encoder(tables: Any, perspective: Any, depth: int, dialect: Any) -> JellyEncoder:
        made = JellyEncoder(tables, perspective, depth, dialect)
        made.invoker, made.taster, made.persistentStore, made.pids = invoker, taster, persistentStore, pids
        return made

    core = getattr(invoker, "core", None)
    try:
        if core is not None:
            pieces = core.outbox.jelly(object, invoker.serializingPerspective, encoder)
        else:
            writer = encoder(None, getattr(invoker, "serializingPerspective", None), DETACHED_LIMITS.depth - 4, ANY_SIZE)
            writer.encode(object)
            pieces = writer.written()
    except NotSendable as error:
        raise translated(error) from None
    return with_opaque(expression_of(pieces), pids)


def unjelly(sexp: Any, taster: Any = None, persistentLoad: Any = None, invoker: Any = None) -> Any:
    """
    The object that an s-expression stands for.

    ``taster`` says which types, modules and classes are allowed; without one all are. ``persistentLoad(pid, unjellier)``
    returns what a persistentStore kept. ``invoker`` is the Broker that the references in it belong to.

    Raises:
        InsecureJelly: a type that is not allowed, or no jelly.
    """
    if not isinstance(sexp, list):
        return sexp
    taster = taster or _ALLOWS_ALL
    pids: dict[bytes, Any] = {}
    core = getattr(invoker, "core", None)
    admitted, limits = (detached, DETACHED_LIMITS) if core is None else (registry, core.limits)
    try:
        expression = without_opaque(sexp, pids)
        if is_narrow(taster):
            check_types(expression, taster, admitted.incoming)
        perspective = getattr(invoker, "unserializingPerspective", None)
        decoder = UnjellyDecoder(expression_frame(expression), admitted, core and core.tables, limits, perspective)
        decoder.invoker, decoder.taster, decoder.persistentLoad, decoder.pids = invoker, taster, persistentLoad, pids
        return decoder.decode()
    except CoreInsecureJelly as error:
        raise translated(error) from None


_ALLOWS_ALL = DummySecurityOptions()

__all__ = [
    "DictTypes",
    "DummySecurityOptions",
    "IJellyable",
    "IUnjellyable",
    "InsecureJelly",
    "Jellyable",
    "None_atom",
    "SecurityOptions",
    "Unjellyable",
    "Unpersistable",
    "class_atom",
    "dereference_atom",
    "dictionary_atom",
    "frozenset_atom",
    "function_atom",
    "getInstanceState",
    "globalSecurity",
    "jelly",
    "list_atom",
    "module_atom",
    "persistent_atom",
    "reference_atom",
    "setInstanceState",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "set_atom",
    "tuple_atom",
    "unjelly",
    "unjellyableFactoryRegistry",
    "unjellyableRegistry",
    "unpersistable_atom",
    "write_instance",
]
