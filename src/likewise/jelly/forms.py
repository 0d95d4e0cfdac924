"""
Which types have a form in ``likewise-1`` beside those of PB, and what writes it.

A form is ``(TAG STATE)``, as that of an instance is, so that whoever reads jelly finds its way through it. The table is
looked in when nothing else knows the type of a value: what is frequent pays nothing for it. The modules that know a type put
it here.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any, Final

from ..bounded import clip, text_of
from ..errors import InsecureJelly
from ..limits import DECIMAL_HASH, TIME_HASH
from .context import Writing
from .plans import TAKER, Incoming


class ValueForm:
    """
    How values of one type are written.

    A class that is registered has a ``name``, under which it travels, and ``incoming`` makes the plan by which it is read.
    What to send to a peer that has no form for it is in :mod:`.cures`.
    """

    __slots__ = ("incoming", "name", "write")

    def __init__(
        self,
        write: Callable[[Writing, Any], None],
        name: str = "",
        incoming: Callable[[], Incoming] | None = None,
    ) -> None:
        self.write = write
        self.name = name
        self.incoming = incoming


FORMS: Final[dict[type, ValueForm]] = {}
"""By the type itself: a subclass has no form unless it is registered."""

FORMS_OF_ALL: Final[dict[type, ValueForm]] = {}
"""By a base of the type: for exceptions."""

HASH_COSTS: Final[dict[type, int]] = {  # what has no parts, and how many parts hashing or comparing it is worth
    **dict.fromkeys((int, float, bool, str, bytes, type(None)), 1),
    **dict.fromkeys((datetime.datetime, datetime.date, datetime.time, datetime.timedelta), TIME_HASH),
    decimal.Decimal: DECIMAL_HASH,
}


def form_taker(tag: bytes, make: Callable[[Any, Any], Any], items: int) -> Incoming:
    """
    How ``(tag state)`` is read: ``make(decoder, state)`` gives the value, at the price of so many further items.

    It raises ValueError, TypeError or OverflowError where the state does not fit, InsecureJelly where it may not be.
    """

    def take(decoder: Any, its_tag: bytes, count: int, reference: int | None) -> Any:
        if count != 2:
            raise InsecureJelly(f"{clip(its_tag)} takes the form (tag state)")
        decoder._spend(items, decoder.pos)
        state = decoder.value()
        try:
            value = make(decoder, state)
        except (ValueError, TypeError, OverflowError) as error:
            raise InsecureJelly(f"a malformed {tag.decode()}: {text_of(error)}") from None
        if reference is not None:
            decoder.name_reference(reference, value)
        return value

    return Incoming(TAKER, take)


def form_of(kind: type) -> ValueForm | None:
    """The form that values of a type have in ``likewise-1``; ``None`` if they have none."""
    form = FORMS.get(kind)
    if form is None:
        for base, form_of_all in FORMS_OF_ALL.items():
            if issubclass(kind, base):
                return form_of_all
    return form


__all__ = ("FORMS", "FORMS_OF_ALL", "HASH_COSTS", "ValueForm", "form_of", "form_taker")
