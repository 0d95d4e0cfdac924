"""By copy: a :class:`Copyable` on the sending side becomes a :class:`RemoteCopy` on the other; no tie remains."""

from __future__ import annotations

from typing import Any

from ..jelly.context import Receivable, Sendable, Writing
from ..jelly.plans import slots_of, state_of, wire_name


class Copyable(Sendable):
    """
    Derive from this to be copied each time you are passed to, or returned from, a remote method.

    The receiver must register a local class for it, see :func:`likewise.setUnjellyableForClass`. What crosses is the
    instance's attributes, those in slots too, unless one of the hooks says otherwise.
    """

    def getStateToCopy(self) -> Any:
        """The state to send: by default ``self.__dict__``, with what lies in slots."""
        return state_of(self)

    def getStateToCopyFor(self, perspective: Any) -> Any:
        """The state to send to this perspective (``None`` without one): by default :meth:`getStateToCopy`."""
        return self.getStateToCopy()

    def getTypeToCopy(self) -> str | bytes:
        """The tag under which the receiver knows this: by default the full class name."""
        return wire_name(type(self))

    def getTypeToCopyFor(self, perspective: Any) -> str | bytes:
        """The tag for this perspective: by default :meth:`getTypeToCopy`."""
        return self.getTypeToCopy()

    def jelly_into(self, encoder: Writing) -> None:
        if _has_no_hooks(type(self)):
            encoder.has_no_hooks(type(self), HOOKS_OF_COPYABLE)
        perspective = encoder.perspective if asks_who(self) else None
        tag_for = self.getTypeToCopyFor(perspective)
        encoder.write_copy(self, tag_for, self.getStateToCopyFor(perspective))


def asks_who(instance: Copyable) -> bool:
    """Whether a hook of it may depend on the perspective: what is published to many is written for each, then."""
    hooks = ("getStateToCopyFor", "getTypeToCopyFor")
    return any(getattr(getattr(instance, hook), "__func__", None) is not STOCK_HOOKS[hook] for hook in hooks)


HOOKS_OF_COPYABLE = ("getStateToCopy", "getStateToCopyFor", "getTypeToCopy", "getTypeToCopyFor", "jelly_into")
STOCK_HOOKS = {
    hook: getattr(Copyable, hook) for hook in HOOKS_OF_COPYABLE
}  # kept here: even those of Copyable may be replaced


def _has_no_hooks(cls: type) -> bool:
    return not slots_of(cls) and all(getattr(cls, hook) is stock for hook, stock in STOCK_HOOKS.items())


class RemoteCopy(Receivable):
    """
    Derive from this to stand for a Copyable of a peer; register it with :func:`likewise.setUnjellyableForClass`.

    It is made without running ``__init__``, then gets :meth:`setCopyableState`. A ``postUnjelly`` method, if there
    is one, is called when the whole message has been read.
    """


__all__ = ("Copyable", "RemoteCopy")
