"""
Types of other packages that cross by a state: one function makes it, another makes the object of it again.

On the wire such an object is ``(name state)``, as a Copyable is, so a Twisted peer may take part: there a factory for that
name, or a RemoteCopy if the state is a dictionary, makes of it what it likes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from ..bounded import clip, text_of
from ..errors import InsecureJelly, NotSendable
from ..wire.tokens import LIKEWISE_1, Dialect
from .annotations import check_for, names_of
from .atoms import CODES
from .checks import ARRIVES, COPYABLE, Check, Seen, require
from .context import Receivable, Sendable, SendingTables, Writing
from .forms import FORMS
from .plans import FACTORY, Incoming, refuse_to_wait, wire_name

LONGEST_FAULT: Final = 500  # characters of what a function of the application says is wrong

CROSS: Final = ARRIVES - FORMS.keys() | {float}
"""What crosses to every peer as it is, and can't be adopted."""


class Adoption:
    """How instances of one foreign type go out and come in."""

    __slots__ = ("_tag", "check", "cls", "from_state", "name", "subclasses", "to_state")

    def __init__(
        self,
        cls: type,
        to_state: Callable[[Any], Any],
        from_state: Callable[[Any], Any],
        name: str,
        state: Any,
        subclasses: bool,
    ) -> None:
        self.cls = cls
        self.to_state = to_state
        self.from_state = from_state
        self.name = name
        self.subclasses = subclasses
        self._tag = name.encode()
        self.check = check_of_state(to_state, from_state, state)

    def write(self, instance: Any, encoder: Writing) -> None:
        """Write ``(name state)``."""
        try:
            state = self.to_state(instance)
        except NotSendable:
            raise
        except Exception as error:
            raise NotSendable(f"to_state of {self.name} raised {fault_text(error)}") from error
        refuse_to_wait(instance, "to_state", state)
        if state is instance:
            raise NotSendable(f"to_state of {self.name} returned the object itself, not what crosses in its place")
        encoder.begin_form(instance, 2)
        encoder.encode(self._tag)
        try:
            encoder.encode(state)
        except NotSendable as error:
            error.within(".to_state()")
            raise

    def rebuild(self, state: Any) -> Any:
        """
        The object of a state that a peer has sent.

        Raises:
            InsecureJelly: the state is none, ``from_state`` raises, or what it returns is of another type.
        """
        if self.check is not None:
            seen: Seen = {}
            require(self.check, state, seen, f"{self.name}.", "state")
        try:
            made = self.from_state(state)
        except Exception as error:
            raise InsecureJelly(f"from_state of {self.name} refuses the state: {fault_text(error)}") from None
        if type(made) is not self.cls and not (self.subclasses and isinstance(made, self.cls)):
            if inspect.iscoroutine(made):
                made.close()
            raise InsecureJelly(f"from_state of {self.name} returned a {type(made).__name__}, not a {self.cls.__name__}")
        return made

    def is_like(self, other: Adoption) -> bool:
        """Whether the other one is the same, or was made by running the same lines again."""
        mine = [(each.__module__, getattr(each, "__qualname__", "")) for each in (self.to_state, self.from_state)]
        others = [(each.__module__, getattr(each, "__qualname__", "")) for each in (other.to_state, other.from_state)]
        return self.name == other.name and mine == others


class Rebuilt(Incoming):
    """What comes in for one name: a function that a state is given to when all of it is there."""

    def __init__(self, make: Callable[[Any], Any], adoption: Adoption | None = None) -> None:
        super().__init__(FACTORY, make, is_strict=True)
        self.adoption = adoption


ADOPTED: Final[dict[type, Adoption]] = {}
"""What the process-wide registry has adopted."""

ELSEWHERE: Final[set[type]] = set()
"""What registries of single endpoints have adopted: these have to be asked."""


def adoption_of(kind: type, tables: SendingTables | None, dialect: Dialect) -> Adoption | None:
    """
    How instances of a type go out over this connection; ``None`` if nobody has adopted it.

    A type that has a form of its own keeps it, unless that very type is adopted; and where no connection is meant, as for
    what an error was made with: that is read by those, too, who have adopted nothing.
    """
    has_form = kind in FORMS and dialect.name == LIKEWISE_1.name
    if has_form and tables is None:
        return None
    for base in kind.__mro__[:-1]:
        found = ADOPTED.get(base)
        if base in ELSEWHERE and tables is not None:
            found = tables.caller.registry.adoptions.get(base, found)
        if found is not None and (base is kind or (found.subclasses and not has_form)):
            return found
    return None


def require_adoptable(adoption: Adoption) -> None:
    """
    Raise TypeError for a type that needs no adoption, for functions that are none, and for words of the wire.
    """
    cls, name = adoption.cls, adoption.name
    if cls in CROSS or issubclass(cls, (Sendable, Receivable)):
        raise TypeError(f"{wire_name(cls)} crosses as it is: there is nothing to adopt")
    if name.encode() in CODES or not name:
        raise TypeError(f"{name!r} is a word of the wire: give adopt() another name")
    for what, function in (("to_state", adoption.to_state), ("from_state", adoption.from_state)):
        if not callable(function):
            raise TypeError(f"{what} of {name} is no function: {clip(function)}")
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{what} of {name} is async: it is called while a message is read or written, and must be plain")
    COPYABLE.add(cls)


def check_of_state(to_state: Any, from_state: Any, state: Any) -> Check | None:
    """What a state has to be: as it was said, or else as one of the two functions has it; ``None`` if none says it."""
    if state is not None:
        return check_for(state)
    if isinstance(to_state, type):  # as str, which makes one
        return check_for(to_state)
    for function, name in ((to_state, "return"), (from_state, None)):
        found = getattr(function, "__annotations__", {})
        if name is None:
            code = getattr(function, "__code__", None)
            name = code.co_varnames[0] if code is not None and code.co_argcount else None
        if name in found:
            return check_for(found[name], names_of(function))
    return None


def fault_text(error: Any) -> str:
    """
    What an error says, in a bounded number of steps: one of pydantic would print all that it was given.
    """
    kind = type(error).__name__
    if not type(error).__module__.startswith("pydantic_core"):
        return f"{kind}: {text_of(error, LONGEST_FAULT)}"
    number = error.error_count()
    if number > MOST_FAULTS:
        return f"{kind}: {number} faults"
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return f"{kind}: {'; '.join(map(_fault, faults))}"[:LONGEST_FAULT]


MOST_FAULTS: Final = 8  # of one object that are told


def _fault(fault: Any) -> str:
    place = ".".join(each if type(each) is str and len(each) < 40 else clip(each, 40) for each in fault["loc"][:4])
    message = str(fault["msg"])[:LONGEST_FAULT]
    return f"{place}: {message}" if place else message


__all__ = ("ADOPTED", "ELSEWHERE", "Adoption", "Rebuilt", "require_adoptable", "adoption_of", "fault_text")
