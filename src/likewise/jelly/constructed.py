"""
Classes whose own constructor looks at what they are made of: those of attrs, msgspec and pydantic.

Where a plain dataclass is filled field by field, an instance of these is made as the package makes one: of what a peer sent,
by what checks it. So nothing comes in that a validator refuses, frozen classes are built as they should be, and what the
constructor makes itself (``init=False``, private attributes, computed fields) is made anew and never taken from a peer.

None of these packages is imported here: who has such a class has its package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..bounded import clip
from ..errors import InsecureJelly
from .annotations import fields_of
from .checks import Fields, Seen
from .foreign import described
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
            raise InsecureJelly(f"{wire_name(self.cls)} refuses what came for it: {described(error)}") from None
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
    if "__init__" not in vars(cls) and not hasattr(cls, "__attrs_init__"):
        raise TypeError(f"{cls.__qualname__} has no constructor of attrs (init=False): likewise.default_registry.adopt() it")
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
            "likewise.default_registry.adopt() it with to_state=dict and from_state=model_validate"
        )
    if not getattr(cls, "__pydantic_complete__", True):
        raise TypeError(f"{cls.__qualname__} is not complete yet: call its model_rebuild() before likewise.copyable()")
    sent: dict[str, Any] = {}
    required = set()
    has_aliases = False
    for name, field in cls.__pydantic_fields__.items():
        is_needed = bool(field.is_required())
        if field.exclude:
            if is_needed:
                raise TypeError(f"{cls.__qualname__}.{name} is excluded, and has no default to be made anew from")
            continue
        if getattr(field, "init", None) is False:  # of a dataclass
            continue
        sent[name] = name
        has_aliases |= field.validation_alias is not None
        if is_needed:
            required.add(name)
    validate = cls.__pydantic_validator__.validate_python
    options: dict[str, bool] = {"by_name": True, "by_alias": False} if has_aliases else {}
    if has_aliases and _version() < (2, 11):
        raise TypeError(f"{cls.__qualname__} has aliases: its fields can be given by their names from pydantic 2.11 on")
    if getattr(cls, "__pydantic_root_model__", False):
        return Constructor(cls, sent, required, lambda given: validate(*given.values(), **options))
    return Constructor(cls, sent, required, lambda given: cls.__pydantic_validator__.validate_python(given, **options))


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in str(sys.modules["pydantic"].VERSION).split(".")[:2])


__all__ = ("Constructor", "constructor_of")
