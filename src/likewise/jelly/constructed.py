"""
Classes whose own constructor looks at what they are made of: those of attrs, msgspec and pydantic.

Where a plain dataclass is filled field by field, an instance of these is made as the package makes one: of what a peer sent,
by what checks it. So nothing comes in that a validator refuses, frozen classes are built as they should be, and what the
constructor makes itself (``init=False``, private attributes, computed fields) is made anew and never taken from a peer.

None of these packages is imported here: who has such a class has its package.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from ..bounded import clip
from ..errors import InsecureJelly
from .annotations import fields_of
from .checks import Fields, Seen
from .foreign import fault_text
from .marks import is_attrs, is_pydantic, is_struct
from .plans import wire_name


class Constructor:
    """
    How instances of one class are made of the fields that a peer has sent.

    ``fields`` are those that cross, by the names that they have as attributes; ``required`` those that may not be missing.
    """

    def __init__(self, cls: Any, fields: dict[str, Any], required: set[str], make: Callable[[dict[str, Any]], Any]) -> None:
        self.cls = cls
        self.given_as = fields  # name of the attribute -> what the constructor calls it
        self.fields = tuple(fields)
        self.required = frozenset(required)
        self.make = make
        self.checks: Fields | None = None
        # Called when the first comes: annotations may name what is defined later.
        self.read_checks: Callable[[], Fields] | None = None

    def build(self, state: Any) -> Any:
        """
        The instance of a state.

        Raises:
            InsecureJelly: a field is unknown, missing or of another type, or the constructor refuses it.
        """
        state = self._admitted({} if state is None else state)
        if self.read_checks is not None:
            if self.checks is None:
                self.checks = self.read_checks()
            seen: Seen = {}
            self.checks.admit(state, seen)
            self.checks.to_floats(state, seen)
        given = {self.given_as[name]: value for name, value in state.items()}
        try:
            made = self.make(given)
        except Exception as error:
            raise InsecureJelly(f"{wire_name(self.cls)} refuses what came for it: {fault_text(error)}") from None
        if type(made) is not self.cls:
            raise InsecureJelly(f"{wire_name(self.cls)} made a {type(made).__name__} of what came for it")
        return made

    def _admitted(self, state: Any) -> dict[str, Any]:
        if type(state) is not dict:
            raise InsecureJelly(f"the state of {wire_name(self.cls)} must be a dictionary, not {clip(state)}")
        admitted: dict[str, Any] = {}
        for key, value in state.items():
            name = key.decode("utf-8", "replace") if type(key) is bytes else key
            if type(name) is not str or name not in self.given_as:
                raise InsecureJelly(f"{wire_name(self.cls)} has no field {clip(key)}")
            admitted[name] = value
        missing = self.required - admitted.keys()
        if missing:
            raise InsecureJelly(f"{wire_name(self.cls)} came without {', '.join(sorted(missing))}")
        return admitted


def constructor_of(cls: Any, is_strict: bool) -> Constructor | None:
    """
    How instances of a class are made, if it is one of these packages'; ``None`` if it is not.

    Raises:
        TypeError: its instances can't be made as they were from their fields alone.
    """
    for belongs, read in ((is_pydantic, _pydantic), (is_attrs, _attrs), (is_struct, _struct)):
        if belongs(cls):
            return read(cls, is_strict)
    return None


# --- attrs


def _attrs(cls: Any, is_strict: bool) -> Constructor:
    attributes = [each for each in cls.__attrs_attrs__ if each.init]
    nothing = sys.modules["attr"].NOTHING
    fields = {each.name: getattr(each, "alias", None) or each.name.lstrip("_") for each in attributes}
    required = {each.name for each in attributes if each.default is nothing}
    try:
        inspect.signature(cls).bind(**dict.fromkeys(fields.values()))
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__} is not made of its fields ({error}): likewise.adopt() takes it") from None
    constructor = Constructor(cls, fields, required, lambda given: cls(**given))
    if is_strict:
        typed = [each for each in attributes if each.type is not None]
        constructor.read_checks = lambda: fields_of(cls, wire_name(cls), typed)
    return constructor


# --- msgspec


def _struct(cls: Any, is_strict: bool) -> Constructor:
    msgspec: Any = sys.modules["msgspec"]
    names, given_as = cls.__struct_fields__, cls.__struct_encode_fields__
    required = {each.name for each in msgspec.structs.fields(cls) if each.required}
    fields = dict(zip(names, given_as, strict=True))
    if not cls.__struct_config__.array_like:
        return Constructor(cls, fields, required, lambda given: msgspec.convert(given, cls, strict=is_strict))
    defaults = {each.encode_name: each for each in msgspec.structs.fields(cls)}

    def make(given: dict[str, Any]) -> Any:
        items = [given[name] if name in given else _default(defaults[name]) for name in given_as]
        tag = cls.__struct_config__.tag
        return msgspec.convert(items if tag is None else [tag, *items], cls, strict=is_strict)

    return Constructor(cls, fields, required, make)


def _default(field: Any) -> Any:
    factory = field.default_factory
    return factory() if callable(factory) else field.default


# --- pydantic


def _pydantic(cls: Any, is_strict: bool) -> Constructor:
    if (getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}).get("extra") == "allow":
        raise TypeError(
            f"{cls.__qualname__} takes extra fields, which its class does not know: forbid or ignore them, or "
            "likewise.adopt() it with to_state=dict and from_state=model_validate"
        )
    sent: dict[str, Any] = {}
    required = set()
    for name, field in _fields_of_pydantic(cls).items():
        is_needed = bool(field.is_required())
        if field.exclude:
            if is_needed:
                raise TypeError(f"{cls.__qualname__}.{name} is excluded, and has no default to be made anew from")
            continue
        if getattr(field, "init", None) is False:  # of a dataclass
            continue
        sent[name] = name
        if is_needed:
            required.add(name)
    return Constructor(cls, sent, required, Validated(cls))


def _fields_of_pydantic(cls: Any) -> dict[str, Any]:
    fields: dict[str, Any] = cls.__pydantic_fields__ if hasattr(cls, "__pydantic_fields__") else cls.model_fields
    return fields


class Validated:
    """Has pydantic make an instance; what its fields are named by is known once all that they name is defined."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self._is_root = getattr(cls, "__pydantic_root_model__", False)
        self._options: dict[str, bool] | None = None

    def __call__(self, given: dict[str, Any]) -> Any:
        state = given["root"] if self._is_root else given
        if self._options is None:
            self._cls.__pydantic_validator__.isinstance_python(None)  # which looks up what was not defined yet
            self._options = self._found_options()
        return self._cls.__pydantic_validator__.validate_python(state, **self._options)

    def _found_options(self) -> dict[str, bool]:
        if all(field.validation_alias is None for field in _fields_of_pydantic(self._cls).values()):
            return {}
        if _version() < (2, 11):
            raise InsecureJelly("its fields have aliases, and can be given by their names from pydantic 2.11 on")
        return {"by_name": True, "by_alias": False}


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in str(sys.modules["pydantic"].VERSION).split(".")[:2])


__all__ = ("Constructor", "constructor_of")
