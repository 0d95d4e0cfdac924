"""
An annotation as a :class:`~likewise.jelly.checks.Check`.

It is made once, when the first value comes, because it may name what is defined later. It covers what can arrive: the
built-in types, their containers with what is in them, unions, ``Literal``, TypedDicts, and the classes that are registered.
What else an annotation says is not checked: ``Any``, protocols, type variables, a name that can't be resolved, and classes
whose objects arrive as those of another class, as a Referenceable does.
"""

from __future__ import annotations

import builtins
import dataclasses
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .checks import (
    ARRIVES,
    BASES,
    COPYABLE,
    MAPPINGS,
    SEQUENCES,
    Check,
    Either,
    Fields,
    Fixed,
    Items,
    KeysCheck,
    Literal,
    Named,
)

UNPACK: Final = typing.Unpack
BARE_TUPLE: Final[Any] = getattr(typing, "Tuple")  # noqa: B009  # of any size, where tuple[()] is of none
WRAPPERS: Final = frozenset(
    getattr(typing, name) for name in ("Annotated", "Final", "Required", "NotRequired", "ReadOnly") if hasattr(typing, name)
)


def annotation_text(annotation: Any) -> str:
    """An annotation as people write it."""
    if annotation is ...:
        return "..."
    if annotation is None or annotation is types.NoneType:
        return "None"
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is typing.Union or origin is types.UnionType:
        return " | ".join(map(annotation_text, arguments))
    if arguments:
        text = f"{annotation_text(origin)}[{', '.join(map(annotation_text, arguments))}]"
        return f"*{text}" if getattr(annotation, "__unpacked__", False) else text
    name = getattr(annotation, "__qualname__", None) or getattr(annotation, "__name__", None)
    return str(name or annotation).replace("typing.", "")


class AnnotationReader:
    """
    Makes Checks of the annotations of one class or function.

    ``names`` is where what they name is looked up, behind the module of a ForwardRef that knows its own.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._named: dict[object, Named] = {}  # aliases, TypedDicts and names that lead back to themselves
        self._open: set[object] = set()  # those that are being read
        self._done: dict[object, Check | None] = {}  # those that have been

    def check(self, annotation: Any) -> Check | None:
        """The Check of an annotation; ``None`` if there is nothing to check."""
        check = self._check(annotation)
        if check is not None and self._named:
            settle_floats(check)
        return check

    def _check(self, annotation: Any) -> Check | None:
        while True:  # what only wraps another annotation
            if isinstance(annotation, typing.NewType):
                annotation = annotation.__supertype__
            elif typing.get_origin(annotation) in WRAPPERS:
                annotation = typing.get_args(annotation)[0]
            else:
                break
        if isinstance(annotation, (str, typing.ForwardRef)):
            return self._by_name(annotation)
        if type(annotation).__name__ == "TypeAliasType":
            return self._alias(annotation)
        origin, arguments, text = typing.get_origin(annotation), typing.get_args(annotation), annotation_text(annotation)
        if annotation is None:
            return Check(text, types.NoneType)
        if type(origin).__name__ == "TypeAliasType":  # a generic one: its type variables are not checked
            return self._alias(origin)
        if origin is typing.Union or origin is types.UnionType:
            return self._union(arguments, text)
        if origin is typing.Literal:
            return Literal(text, arguments)
        if origin is tuple and annotation is not BARE_TUPLE:
            return self._tuple(arguments, text)
        if origin in SEQUENCES and arguments:
            return Items(text, origin, self._check(arguments[0]))
        if origin in MAPPINGS and arguments:
            return Items(text, origin, *map(self._check, arguments))
        if typing.is_typeddict(origin or annotation):
            return self._typed_dict(origin or annotation, text)
        return _check_for_class(origin or annotation, text)

    def _union(self, arguments: tuple[Any, ...], text: str) -> Check | None:
        parts = [self._check(part) for part in arguments]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if all(type(part) is Check for part in known):  # the frequent one: X | None
            classes = [cls for part in known for cls in part.classes]
            has_int = any(int in part.classes and not part.floats for part in known)
            return Check(text, *classes, floats=not has_int and any(part.floats for part in known))
        return Either(text, *known)

    def _tuple(self, arguments: tuple[Any, ...], text: str) -> Check | None:
        if not arguments:
            return Fixed("tuple[()]", ())
        if len(arguments) == 2 and arguments[1] is ...:
            return Items(text, tuple, self._check(arguments[0]))
        before: list[Check | None] = []
        after: list[Check | None] = []
        rest: list[Check | None] = []
        for each in self._spread_out(arguments):
            if isinstance(each, _Rest):
                rest.append(None if each.annotation is Any else self._check(each.annotation))
            else:
                (after if rest else before).append(self._check(each))
        if len(rest) > 1:  # no type checker takes that
            return Check(text, tuple)
        return Fixed(text, tuple(before), bool(rest), rest[0] if rest else None, tuple(after))

    def _spread_out(self, arguments: tuple[Any, ...]) -> list[Any]:
        """The annotations of the places of a tuple, with what is unpacked in its place."""
        places: list[Any] = []
        for each in arguments:
            inner = unpacked(each)
            if inner is None:
                places.append(each)
            elif typing.get_origin(inner) is not tuple:  # a TypeVarTuple
                places.append(_Rest(Any))
            else:
                parts = typing.get_args(inner)
                many = len(parts) == 2 and parts[1] is ...
                places += [_Rest(parts[0])] if many else self._spread_out(parts)
        return places

    def _by_name(self, annotation: str | typing.ForwardRef) -> Check | None:
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        module = getattr(annotation, "__forward_module__", None)
        key = (name, str(module), id(self._names))
        if key in self._done:
            return self._done[key]
        if key in self._open:
            return self._again(key, name)
        found = self._resolved(name, module)
        if found is None:
            return None
        return self._read(key, name, found[0])

    def _alias(self, alias: Any) -> Check | None:
        name = str(alias.__name__)
        if alias in self._done:
            return self._done[alias]
        if alias in self._open:
            return self._again(alias, name)
        try:
            value = alias.__value__
        except Exception:  # it names what is only there for type checkers
            return None
        return self._read(alias, name, value)

    def _again(self, key: object, name: str) -> Named:
        """What stands for an annotation that leads back to itself."""
        if key not in self._named:
            self._named[key] = Named(name)
        return self._named[key]

    def _read(self, key: object, name: str, annotation: Any) -> Check | None:
        self._open.add(key)
        try:
            check = self._check(annotation)
        finally:
            self._open.discard(key)
        return self._closed(key, check)

    def _closed(self, key: object, check: Check | None) -> Check | None:
        """What stands for an annotation from now on."""
        named = self._named.get(key)
        if named is not None:
            named.target = check
        self._done[key] = check if named is None else named
        return self._done[key]

    def _resolved(self, name: str, module: Any) -> tuple[Any] | None:
        names: Any = self._names
        if module is not None:
            names = vars(module) if isinstance(module, types.ModuleType) else vars(sys.modules.get(str(module), builtins))
        try:
            name = f"({name},)[0]" if name.startswith("*") else name
            return (eval(name, {"__builtins__": vars(builtins)}, names),)  # as typing itself does: source of ours
        except Exception:  # imported for type checkers only, or no type at all
            return None

    def _typed_dict(self, cls: Any, text: str) -> Check | None:
        if cls in self._done:
            return self._done[cls]
        if cls in self._open:
            return self._again(cls, text)
        keys = KeysCheck(text)
        self._open.add(cls)
        required = set(cls.__required_keys__)
        reader = AnnotationReader(names_of(cls))
        reader._named, reader._open, reader._done = self._named, self._open, self._done
        for name, annotation in annotations_of(cls).items():
            resolved = reader.outermost(annotation)
            if typing.get_origin(resolved) is typing.NotRequired:  # which a string hides from Python
                required.discard(name)
            keys.parts[name] = reader._check(resolved)
        self._open.discard(cls)
        keys.required = frozenset(required)
        keys.floats = any(part is not None and part.floats for part in keys.parts.values())
        return self._closed(cls, keys)

    def outermost(self, annotation: Any) -> Any:
        """An annotation that a string may stand for, as far as that can be found out."""
        if not isinstance(annotation, (str, typing.ForwardRef)):
            return annotation
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        found = self._resolved(name, getattr(annotation, "__forward_module__", None))
        if found is None or (typing.get_origin(found[0]) not in WRAPPERS and unpacked(found[0]) is None):
            return annotation
        return found[0]


class _Rest:
    """Any number of places of a tuple."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation


def parts_of_check(check: Check) -> list[Check | None]:
    """The Checks that a Check is made of."""
    if isinstance(check, (Items, Either)):
        return list(check.parts)
    if isinstance(check, Fixed):
        return [*check.before, check.rest, *check.after]
    if isinstance(check, KeysCheck):
        return list(check.parts.values())
    return [check.target] if isinstance(check, Named) else []


def settle_floats(check: Check) -> None:
    """Say of each part of a Check that leads back to itself whether it makes floats: not before all of it is there."""
    found: dict[int, Check] = {id(check): check}
    waiting = [check]
    while waiting:
        for part in parts_of_check(waiting.pop()):
            if part is not None and id(part) not in found:
                found[id(part)] = part
                waiting.append(part)
    is_settled = False
    while not is_settled:
        is_settled = True
        for each in found.values():
            if not each.floats and any(part is not None and part.floats for part in parts_of_check(each)):
                each.floats = True
                is_settled = False


def unpacked(annotation: Any) -> Any:
    """What ``*X`` or ``Unpack[X]`` unpacks; ``None`` for anything else."""
    if typing.get_origin(annotation) is UNPACK:
        return typing.get_args(annotation)[0]
    if getattr(annotation, "__unpacked__", False):
        return typing.get_origin(annotation)[typing.get_args(annotation)]
    return None


def _check_for_class(cls: Any, text: str) -> Check | None:
    if cls is float:
        return Check(text, float, int, floats=True)  # as type checkers have it
    if not isinstance(cls, type):
        return None
    if cls in SEQUENCES or cls in MAPPINGS or cls in ARRIVES or cls in COPYABLE:
        return Check(text, cls)
    if issubclass(cls, tuple(BASES)):
        return Check(text, cls)
    return None


def check_for(annotation: Any, names: Mapping[str, Any] | None = None) -> Check | None:
    """The Check of one annotation; ``None`` if there is nothing to check."""
    return AnnotationReader(names or {}).check(annotation)


def or_none(check: Check | None, default: Any) -> Check | None:
    """The same where ``None`` is the default, which people write without saying so: ``x: int = None``."""
    if check is None or default is not None or check.holds(None, None):
        return check
    return Either(f"{check.expected} | None", check, Check("None", types.NoneType))


def names_of(owner: Any) -> dict[str, Any]:
    """Where the names in the annotations of a class or a function are looked up."""
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    names = dict(vars(module)) if module is not None else {}
    for each in getattr(owner, "__type_params__", ()):
        names[each.__name__] = each
    if not isinstance(owner, type):
        return names | getattr(owner, "__globals__", {})
    # What the class itself defines, but not its defaults: the annotation of `date: date = x` means the type.
    names |= {name: value for name, value in vars(owner).items() if isinstance(value, type)}
    if "<locals>" in owner.__qualname__ or owner.__name__ not in names:
        names[owner.__name__] = owner
    return names


def annotations_of(cls: Any) -> dict[str, Any]:
    """The annotations that a class has itself, names that are not there as ForwardRefs."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return dict(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    found = vars(cls).get("__annotations__")
    return dict(found) if isinstance(found, Mapping) else {}


def fields_of(cls: Any, name: str, declared: Iterable[Any] | None = None) -> Fields:
    """
    The Checks of a dataclass, or of a class of named tuples, which is called ``name`` in errors; or of what another class
    has ``declared``.
    """
    owners = [(base, annotations_of(base)) for base in cls.__mro__]
    readers: dict[type, AnnotationReader] = {}
    checks: dict[str, Check] = {}
    for field, annotation, default in _declared(cls, owners, declared):
        owner = next((base for base, annotations in owners if field in annotations), cls)
        reader = readers.get(owner)
        if reader is None:
            reader = readers[owner] = AnnotationReader(names_of(owner))
        check = or_none(reader.check(annotation), default)
        if check is not None:
            checks[field] = check
    return Fields(name, checks)


def _declared(
    cls: Any, owners: list[tuple[type, dict[str, Any]]], declared: Iterable[Any] | None
) -> list[tuple[str, Any, Any]]:
    """The fields of a class, each with its annotation and its default."""
    if declared is None and dataclasses.is_dataclass(cls):
        declared = dataclasses.fields(cls)
    if declared is not None:
        return [(field.name, field.type, field.default) for field in declared]
    found = [next((each[name] for _, each in owners if name in each), Any) for name in cls._fields]
    defaults = [cls._field_defaults.get(name, dataclasses.MISSING) for name in cls._fields]
    return list(zip(cls._fields, found, defaults, strict=True))


__all__ = ("AnnotationReader", "check_for", "fields_of", "names_of", "or_none", "annotation_text", "unpacked")
