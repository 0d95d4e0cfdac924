"""
What an interface says: a ``typing.Protocol``, or any class with annotated methods, that tells what a remote object answers.

Each public method is one of three kinds: it is awaited (``async def``, or a plain one that returns an ``Awaitable``), it
gives a stream (it returns an ``AsyncIterator``), or it goes one way (:func:`one_way`). Anything else is refused with its
remedy: type checkers would believe what does not hold.
"""

from __future__ import annotations

import builtins
import collections.abc
import enum
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

from ..bounded import clip
from ..jelly.annotations import annotation_text

F = TypeVar("F", bound=Callable[..., None])

EMPTY: Final = inspect.Parameter.empty
ONE_WAY: Final = "_is_one_way_by_likewise"
INTERFACES_KEPT: Final = 1_024  # interfaces that are remembered
TYPING: Final = (object, Generic, Protocol)  # bases that say nothing of their own

Fits = Callable[..., None]
Variables = dict[Any, Any]  # what the type variables of a generic interface stand for


class Kind(enum.Enum):
    """What calling a method of an interface gives."""

    AWAITED = "awaited"
    STREAM = "stream"
    ONE_WAY = "one way"


def one_way(method: F) -> F:
    """
    Have a method of an interface called one way: calling it sends the call and returns ``None``; no answer comes.

    It is a plain ``def`` that returns ``None``: nobody hears of an error, and there is nothing to await.
    """
    if not inspect.isfunction(method):
        raise TypeError(f"one_way is for a method of an interface, not for {clip(method)}")
    returns = method.__annotations__.get("return", EMPTY)
    if inspect.iscoroutinefunction(method) or returns not in (None, "None", types.NoneType, EMPTY):
        remedy = f"write `def {method.__name__}(...) -> None`"
        raise TypeError(f"{method.__qualname__} is one way, so nothing comes back: {remedy}")
    setattr(method, ONE_WAY, True)
    return method


class Method:
    """
    One method of an interface.

    ``fits(*args, **kwargs)`` raises TypeError if it can't be called so. ``signature`` has no ``self`` and its annotations as
    they were written.
    """

    __slots__ = ("_owner", "_variables", "fits", "function", "kind", "name", "shown", "signature")

    def __init__(self, shown: str, name: str, function: Any, owner: type, variables: Variables) -> None:
        self.name = name
        self.shown = f"{shown}.{name}"
        self.function = function
        self._owner = owner
        self._variables = variables
        signature = signature_of(function)
        parameters = list(signature.parameters.values())
        if not parameters or parameters[0].kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            raise TypeError(f"{self.shown} takes no self: a method of an interface does")
        if parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
            del parameters[0]
        self.signature = signature.replace(parameters=parameters)
        self.fits = _fits(self.shown, parameters)
        self.kind = self._kind()

    def _kind(self) -> Kind:
        returns = self.annotation(self.signature.return_annotation)
        if getattr(self.function, ONE_WAY, False):
            return Kind.ONE_WAY
        function = inspect.unwrap(self.function)
        if inspect.isasyncgenfunction(function):
            return Kind.STREAM
        if inspect.iscoroutinefunction(function):
            return Kind.AWAITED
        cls = typing.get_origin(returns) or returns
        if isinstance(cls, type) and issubclass(cls, collections.abc.AsyncIterable):
            return Kind.STREAM
        if returns is EMPTY or (isinstance(cls, type) and issubclass(cls, collections.abc.Awaitable)):
            return Kind.AWAITED
        text = _bare(self.signature.return_annotation)
        text = repr(text) if isinstance(text, _Bare) else annotation_text(text)
        way = "`@likewise.one_way` above it if no answer is wanted, else " if returns in (None, types.NoneType) else ""
        raise TypeError(
            f"{self.shown} returns {text} at once, but a remote answer is awaited: write {way}`async def {self.name}(...) "
            f"-> {text}`, or have it return an Awaitable, or for a stream an AsyncIterator"
        )

    def annotation(self, written: Any) -> Any:
        """What an annotation of this method stands for; ``Any`` where that can't be found out."""
        return substituted(resolved(written, self.function, self._owner), self._variables)

    def declaration(self, prefix: str, first: str = "") -> str:
        """How to write the method that answers this one, which is given ``first`` beside ``self``."""
        first = f"{first}_" if first in self.signature.parameters else first
        own = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("self", first) if name]
        if not any(each.kind is inspect.Parameter.POSITIONAL_ONLY for each in self.signature.parameters.values()):
            own = [each.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in own]
        signature = self.signature.replace(parameters=[*own, *self.signature.parameters.values()])
        return f"def {prefix}{self.name}{signature_text(signature)}"


class _Bare:
    """An annotation that was written as a string, shown without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _bare(annotation: Any) -> Any:
    text = getattr(annotation, "__forward_arg__", annotation)
    return _Bare(text) if isinstance(text, str) else annotation


def signature_text(signature: inspect.Signature) -> str:
    """A signature as people write it."""
    parameters = [each.replace(annotation=_bare(each.annotation)) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=_bare(signature.return_annotation)))


def _fits(shown: str, parameters: list[inspect.Parameter]) -> Fits:
    """A function that takes what these parameters take and does nothing: Python is the fastest to say what is wrong."""
    bare = [each.replace(annotation=EMPTY, default=EMPTY if each.default is EMPTY else None) for each in parameters]
    text = str(inspect.Signature(bare))[1:-1]
    function: Any = eval(f"lambda {text}: None", {"__builtins__": {}})  # the names of parameters, nothing else
    function.__name__ = function.__qualname__ = shown
    return typing.cast(Fits, function)


def signature_of(function: Any) -> inspect.Signature:
    """Its signature, though annotations may name what is there for type checkers only. Raises TypeError, ValueError."""
    if sys.version_info >= (3, 14):  # pragma: no cover  # not to be had where the tests run
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def function_of(found: Any, cls: type) -> tuple[Any, int]:
    """What is behind an attribute of a class, and how many arguments it is given by being one."""
    if isinstance(found, staticmethod):
        return found.__func__, 0
    if isinstance(found, classmethod):
        return found.__func__, 1
    if hasattr(type(found), "__get__"):  # a function, or a partialmethod
        return found.__get__(None, cls), 1
    return found, 0


class _Names(dict[str, Any]):
    """The names that an annotation may use. What is imported for type checkers only stands for anything."""

    def __missing__(self, name: str) -> Any:
        return Any


def resolved(written: Any, function: Any, owner: type) -> Any:
    """What an annotation of a method of ``owner`` stands for, if it is a string; ``Any`` if that can't be found out."""
    if isinstance(written, typing.ForwardRef):
        written = written.__forward_arg__
    if not isinstance(written, str):
        return written
    function = inspect.unwrap(function)
    names = _Names(vars(builtins))
    names.update(getattr(function, "__globals__", {}))
    names.update({name: value for name, value in vars(owner).items() if isinstance(value, type)})
    names[owner.__name__] = owner
    for each in (*getattr(owner, "__type_params__", ()), *getattr(function, "__type_params__", ())):
        names[each.__name__] = each
    try:
        found = eval(written, {}, names)  # as typing does: source of ours
    except Exception:  # no type at all
        return Any
    return resolved(found, function, owner) if isinstance(found, str) and found != written else found


def substituted(annotation: Any, variables: Variables) -> Any:
    """An annotation with type variables replaced."""
    if not variables:
        return annotation
    if isinstance(annotation, TypeVar):
        return variables.get(annotation, annotation)
    parameters = () if isinstance(annotation, type) else getattr(annotation, "__parameters__", ())
    if isinstance(annotation, types.GenericAlias):
        parameters = annotation.__parameters__
    if not parameters:
        return annotation
    try:
        return annotation[tuple(variables.get(each, each) for each in parameters)]
    except TypeError:  # a ParamSpec, or several variables in one
        return Any


def _bound(interface: Any) -> dict[type, Variables]:
    """For each class that a generic interface derives from, what its type variables stand for."""
    found: dict[type, Variables] = {}

    def walk(each: Any, outer: Variables) -> None:
        cls = typing.get_origin(each) or each
        parameters = getattr(cls, "__parameters__", ())
        arguments = [substituted(argument, outer) for argument in typing.get_args(each)]
        if not isinstance(cls, type) or cls in TYPING:
            return
        inner = dict(zip(parameters, arguments, strict=False)) if len(arguments) == len(parameters) else {}
        found.setdefault(cls, inner)
        for base in getattr(cls, "__orig_bases__", cls.__bases__) if "__orig_bases__" in vars(cls) else cls.__bases__:
            walk(base, inner)

    walk(interface, {})
    return found


class Interface:
    """``name`` as people write it, and the methods by their names."""

    __slots__ = ("cls", "methods", "name")

    def __init__(self, interface: Any) -> None:
        cls: type = typing.get_origin(interface) or interface
        self.cls = cls
        self.name = _name(interface)
        self.methods: dict[str, Method] = {}
        variables = _bound(interface)
        for name, owner in _members(cls):
            value = vars(owner).get(name)
            if not inspect.isfunction(value):
                raise TypeError(_refusal(self.name, name, value))
            self.methods[name] = Method(self.name, name, value, owner, variables.get(owner, {}))
        if not self.methods:
            raise TypeError(f"{self.name} has no public methods: an interface is a Protocol, or another class, with methods")


def _members(cls: type) -> Iterator[tuple[str, type]]:
    """The public names of a class and of what it derives from, and where each is defined."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        if owner in TYPING:
            continue
        names = [*vars(owner)]
        names += [name for name in _annotated(owner) if name not in vars(owner)]
        for name in names:
            if not name.startswith("_") and name not in seen:
                seen.add(name)
                yield name, owner


def _annotated(owner: type) -> list[str]:
    if sys.version_info >= (3, 14):  # pragma: no cover  # not to be had where the tests run
        import annotationlib

        return [*annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF)]
    return [*vars(owner).get("__annotations__", {})]


def _refusal(interface: str, name: str, value: Any) -> str:
    if isinstance(value, (property, functools.cached_property)):
        what = "a property"
    elif isinstance(value, (staticmethod, classmethod)):
        what = f"a {type(value).__name__}"
    elif isinstance(value, type):
        what = "a class"
    else:
        what = "an attribute"
    return f"{interface}.{name} is {what}: an interface has methods only; ask for it by one: `async def {name}(self) -> ...`"


def _name(interface: Any) -> str:
    """An interface as people write it."""
    arguments = typing.get_args(interface)
    cls = typing.get_origin(interface) or interface
    return f"{cls.__name__}[{', '.join(map(annotation_text, arguments))}]" if arguments else str(cls.__name__)


@functools.lru_cache(INTERFACES_KEPT)
def _read(interface: Any) -> Interface:
    return Interface(interface)


def interface_of(interface: Any) -> Interface:
    """What a Protocol or another class with methods says, read once. Raises TypeError if it can't be an interface."""
    while typing.get_origin(interface) is typing.Annotated:
        interface = typing.get_args(interface)[0]
    cls = typing.get_origin(interface) or interface
    if not isinstance(cls, type) or cls is types.UnionType:
        raise TypeError(f"an interface is a Protocol, or another class with methods, not {clip(interface)}")
    return _read(interface)


__all__ = (
    "EMPTY",
    "Interface",
    "Kind",
    "Method",
    "signature_text",
    "function_of",
    "interface_of",
    "one_way",
    "resolved",
    "signature_of",
)
