"""Names that come with a call: of the method, and of the keyword arguments."""

from __future__ import annotations

from typing import Any

from ..bounded import clip
from ..errors import InsecureJelly

METHOD_NAMES_KEPT = 4_096
_method_names: dict[bytes, str] = {}  # as they come from the wire; few in any program, and a peer can't make it grow further


def method_name(raw: bytes, limit: int) -> str:
    """The name of a method from the wire; NoSuchMethod is for the object to say, this only for what is no name."""
    name = _method_names.get(raw)
    if name is not None:
        return name
    if len(raw) > limit:
        raise InsecureJelly(f"name_bytes: a method name of {len(raw)} bytes, over the ceiling of {limit}")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise InsecureJelly(f"the method name {clip(raw)} is not UTF-8") from None
    if len(_method_names) < METHOD_NAMES_KEPT:
        _method_names[raw] = name
    return name


def check_keywords(kwargs: dict[Any, Any], limit: int) -> dict[str, Any]:
    """
    Keyword arguments with names as str; old peers send bytes.

    Raises:
        InsecureJelly: a name is no text, is private, comes twice, or is longer than ``limit`` bytes.
    """
    checked: dict[str, Any] = {}
    for key, value in kwargs.items():
        try:
            name = key.decode() if isinstance(key, bytes) else key
        except UnicodeDecodeError:
            name = None
        if not isinstance(name, str) or name in checked or name.startswith("_"):
            raise InsecureJelly(f"{clip(key)} can't be the name of a keyword argument, or comes twice")
        if len(key) > limit:
            raise InsecureJelly(f"name_bytes: the name of a keyword argument of {len(key)} characters, over {limit}")
        checked[name] = value
    return checked
