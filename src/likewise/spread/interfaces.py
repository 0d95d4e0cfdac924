"""What jelly asks of objects that know how they cross."""

from __future__ import annotations

from zope.interface import Interface


class IJellyable(Interface):
    """An object that writes itself."""

    def jellyFor(jellier):  # type: ignore[no-untyped-def]
        """The s-expression for this object; ``jellier`` writes its parts. Valid until the whole jelly is done."""


class IUnjellyable(Interface):
    """An object that reads itself."""

    def unjellyFor(jellier, jellyList):  # type: ignore[no-untyped-def]
        """The object that the s-expression ``jellyList`` stands for; ``jellier`` reads its parts."""


__all__ = ["IJellyable", "IUnjellyable"]
