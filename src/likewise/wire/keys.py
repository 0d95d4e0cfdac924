"""
Keys of tables that a peer fills: a number of its choice, mixed with one that it can't know.

An int is its own hash, and where CPython looks for it in a dict follows from nothing else: of numbers that all look in
the same places, ``n`` cost ``n**2``. A product with a secret factor, modulo a prime, leaves no way to choose such.
"""

from __future__ import annotations

import secrets
from typing import Final

from . import native

PRIME: Final = (1 << 61) - 1  # the modulus of CPython's hash(int): what is below it is its own hash
# Small numbers stay as they are, for so few of them can't cost much; most connections have no others.
FEW_NUMBERS: Final = 1_024
_factor = secrets.randbelow(PRIME - FEW_NUMBERS) + FEW_NUMBERS


def keyed(number: int) -> int:
    """What stands for a number of less than 60 bits in a table; a different one for each, and for each process."""
    if -FEW_NUMBERS < number < FEW_NUMBERS:
        return number
    return -FEW_NUMBERS - native.product(number, _factor)
