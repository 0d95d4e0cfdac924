"""
What the keys of one dict or set cost: how many share a hash, and how many places CPython looks at for each.

Equal hashes are counted, for each means a comparison. But keys of different hashes can look in the same places, too: where
CPython looks follows from the hash alone, and once its upper bits are used up all go the same way round the table. So the
places are followed here in a table of one byte each, as ``Objects/dictobject.c`` and ``Objects/setobject.c`` have it, before
the real table is touched.
"""

from __future__ import annotations

from ..wire.keys import PRIME, keyed

SMALLEST = 8  # places of an empty table
UPPER = (1 << 59) - 1  # what is left of 64 bits that were shifted to the right by five, whatever their sign
LINEAR = 9  # places next to each other that a set looks at before it jumps


class Keys:
    """The keys of one dict, or the members of one set."""

    __slots__ = ("_is_set", "_last", "_mask", "_noted", "_size", "_table", "_times", "_usable")

    def __init__(self, is_set: bool) -> None:
        self._is_set = is_set
        self._times: dict[int, int] | None = None  # keyed hash -> how many have it
        self._table: bytearray | None = None  # 1 where a place is taken
        self._noted: list[int] = []  # the hashes in it
        self._last = -1  # the place of the last of them, until it is known whether it was new
        self._mask = self._usable = self._size = 0

    def times(self, value: int) -> int:
        """One more key has this hash: how many have it now."""
        if self._times is None:
            self._times = {}
        key = keyed(value % PRIME)
        times: int = self._times.get(key, 0) + 1
        self._times[key] = times
        return times

    def probes(self, value: int, size: int, most: int) -> int:
        """
        How many places are looked at in vain for a key of this hash, and for those that moved to a larger table before.

        ``size`` is how many keys there are without it. It stops counting when there are more than ``most``.
        """
        found = 0
        if self._table is None:
            self._size = size
            self._resize()
        elif size > self._size:  # the last one was new
            self._size = size
            if size > self._usable:
                found = self._grow(most)
        elif self._last >= 0:  # it was there already
            self._table[self._last] = 0
            self._noted.pop()
        self._last = -1
        if found <= most:
            found += self._take(value, most - found)
            self._noted.append(value)
        return found

    def _resize(self) -> None:
        """An empty table that is large enough, as CPython grows them."""
        places = self._mask + 1 if self._mask else SMALLEST
        while True:
            self._usable = (3 * places - 4) // 5 if self._is_set else 2 * places // 3
            if self._size <= self._usable:
                break
            places *= 4 if self._is_set and self._size <= 50_000 else 2
        self._mask = places - 1
        self._table = bytearray(places)

    def _grow(self, most: int) -> int:
        self._resize()
        found = 0
        for value in self._noted:
            found += self._take(value, most - found)
            if found > most:
                break
        return found

    def _take(self, value: int, most: int) -> int:
        """Take the place of a key; how many were looked at in vain."""
        table = self._table
        assert table is not None
        mask = self._mask
        found = 0
        perturb = value
        place = perturb & mask
        if self._is_set:
            while table[place]:
                found += 2  # with the places next to it, which cost as much together
                last = place + LINEAR
                if last <= mask:
                    while table[place] and place < last:
                        place += 1
                    if not table[place]:
                        break
                    place = last - LINEAR
                if found > most:
                    break
                perturb = perturb >> 5 & UPPER
                place = place * 5 + 1 + perturb & mask
        else:
            while table[place]:
                found += 1
                if found > most:
                    break
                perturb = perturb >> 5 & UPPER
                place = place * 5 + 1 + perturb & mask
        table[place] = 1
        self._last = place
        return found
