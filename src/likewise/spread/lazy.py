"""Attributes that are made when somebody first asks for them: most connections need few of those that Twisted's have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Lazy:
    """An attribute of an object that is ``make()`` when it is first read, and what it was set to, if it was."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        made = self._make()
        setattr(instance, self._name, made)
        return made


__all__ = ("Lazy",)
