"""
What the values of one jelly share, and what hashing them costs.

Sharing. ``(reference n X)`` names X, ``(dereference n)`` means it again. Lists, dicts, sets and instances exist before
their contents are read, so cycles lead back to the very object. Tuples and frozensets can't: a dereference of one that
is still being read gives a :class:`Pending`, and who contains a Pending is mended when the jelly is done. Hooks of
objects whose state was incomplete run after that. No placeholder is ever left inside: what can't be mended is refused.

Work. The framer bounds bytes, items and depth. Here hashing is bounded: a tuple is hashed anew at each use, so tuples
that share parts cost 2**depth, chosen keys of equal hash are compared, and chosen keys that look in the same places of a
table cost n**2; all that is counted before it is done. What else costs more than its tokens tell counts as further items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bounded import clip, text_of
from ..errors import InsecureJelly
from ..limits import INSTANCE_HASH, Limits
from ..wire.keys import keyed
from ..wire.reader import Reader
from ..wire.tokens import LARGE_NUMBER
from .checks import Seen
from .forms import HASH_COSTS
from .hashing import Keys
from .marks import fields_and_slots
from .plans import Incoming

PENDING_LIMIT = 10_000  # things to mend after one jelly; honest graphs have a handful
ENDLESS = 1 << 36  # bytes: of what has no end, for it leads back to itself
TALLEST = 1_000  # tuples within tuples, by way of references: hashing them recurses in C, where nothing stops it
FEW_KEYS = 64  # where a container has no more, no choice of keys makes it look at more than 2,000 places in all
CONTAINERS = frozenset((list, tuple, dict, set, frozenset))
LEAVES: dict[type, int] = HASH_COSTS  # what has no parts, and how many parts hashing or comparing it is worth

# How a container that holds a Pending is mended.
ITEM = 0  # container[key] = value
MEMBER = 1  # container.add(value)
KEY = 2  # container[key.value] = value


class Pending:
    """A tuple or frozenset that is not built yet, because a part of it leads back to it."""

    __slots__ = ("is_built", "is_building", "items", "kind", "value")

    def __init__(self, kind: Callable[[list[Any]], Any]) -> None:
        self.kind = kind  # makes it of its items: a type, as a rule
        self.items: list[Any] = []
        self.is_built = self.is_building = False
        self.value: Any = None


class Graph(Reader):
    """The part of a decoder that knows what one jelly has named, what is to be mended, and what may still be hashed."""

    __slots__ = (
        "_after",
        "_equal_limit",
        "_fixups",
        "_has_pending",
        "_hash_left",
        "_hash_limit",
        "_items_left",
        "_items_limit",
        "_postponed",
        "_probes_left",
        "_probes_limit",
        "_references",
        "_rebuilt_left",
        "_rebuilt_limit",
        "_reused",
        "_sizes",
        "_strict",
        "_unfolded",
        "_unfolded_left",
        "_unfolded_limit",
        "_weights",
        "failed_at",
        "weight",
    )

    def set_graph_limits(self, limits: Limits) -> None:
        """Take over the ceilings of work."""
        self._hash_limit = limits.hash_work
        self._equal_limit = limits.equal_hashes
        self._unfolded_limit = limits.unfolded_tuples
        self._probes_limit = limits.hash_probes
        self._items_limit = limits.frame_items
        self._rebuilt_limit = limits.rebuilt_bytes

    def renew_work(self, items: int, weight: int) -> None:
        """
        Nothing has failed, and all of the work is still to be spent, but for the ``items`` that have come.

        ``weight`` is what they take in memory, more or less; it grows with what takes more.
        """
        self.failed_at = 0
        self.weight = weight
        self._items_left = self._items_limit - items
        self._hash_left = self._hash_limit
        self._probes_left = self._probes_limit
        self._unfolded_left = self._unfolded_limit
        self._rebuilt_left = self._rebuilt_limit
        self._unfolded = 0

    def _spend(self, items: int, start: int) -> None:
        """Count what costs more than its tokens tell as so many further items."""
        self._items_left -= items
        if self._items_left < 0:
            what = "where sets, instances, dates and the like count as several"
            raise self._refuse(start, f"frame_items: over {self._items_limit}, {what}")

    def forget_graph(self) -> None:
        """Nothing is named, nothing to be mended."""
        self._has_pending = False
        # Made when they are needed: most messages need none of them.
        self._references: dict[int, Any] | None = None
        self._fixups: list[tuple[Any, int, Any, Any]] | None = None
        self._postponed: list[tuple[Any, Incoming, Any]] | None = None
        self._after: list[Any] | None = None
        self._strict: list[tuple[Incoming, dict[str, Any], Any]] | None = None
        self._weights: dict[int, tuple[int, int]] | None = None  # id of a tuple -> its parts at each use, its height
        self._reused: list[Pending] | None = None  # each as often as it is dereferenced
        # number -> bytes of what it names, what is meant again in it counted at each use; not while that is read
        self._sizes: dict[int, int] | None = None

    def name_reference(self, reference: int | None, value: Any) -> None:
        """Make a value known under the number of the ``(reference n ...)`` around it, before its parts are read."""
        if reference is not None:
            if self._references is None:
                self._references = {}
            self._references[keyed(reference)] = value

    def _afterwards(self, instance: Any) -> None:
        if self._after is None:
            self._after = []
        self._after.append(instance)

    def admit_later(self, plan: Incoming, state: dict[str, Any], instance: Any) -> None:
        """Have the types of a dataclass's fields checked when the whole jelly has been read."""
        if self._strict is None:
            self._strict = []
        self._strict.append((plan, dict(state), instance))  # as it was sent, without the defaults

    def _finish(self, value: Any) -> Any:
        """Mend what is pending, then run the hooks that wait for a whole message."""
        if self._has_pending:
            value = self._mend(value)
        if self._strict is not None:
            strict, self._strict = self._strict, None
            seen: Seen = {}
            for plan, state, instance in strict:
                try:
                    changed = plan.admit_values(state, seen)
                    if changed is not None:
                        plan.set_again(instance, changed)
                except InsecureJelly as error:
                    raise self._refuse(self.pos, text_of(error)) from None
        if self._after is not None:
            after, self._after = self._after, None
            for instance in after:
                instance.postUnjelly()
        return value

    def _fill(self, instance: Any, plan: Incoming, state: Any, start: int) -> None:
        """Give an instance its state; the decoder's own."""
        raise NotImplementedError

    # --- hashing

    def _check_members(self, items: list[Any], result: set[Any]) -> None:
        """Put members into a set, each as soon as it is known what that costs."""
        keys: Keys | None = None
        is_large = len(items) > FEW_KEYS
        for item in items:
            kind = type(item)
            if kind is Pending:
                continue
            if kind is not str and kind is not bytes:
                keys = self._check_key(item, keys, True, len(result) if is_large else -1, self.pos)
            result.add(item)

    def _check_key(self, key: Any, keys: Keys | None, is_set: bool, size: int, start: int) -> Keys | None:
        """
        Whether a dict or set may take this key: hashable, at a bounded price, and not one of many that collide.

        ``size`` is how many it has; -1 where they are so few that no choice of them costs much.
        """
        kind = type(key)
        leaf = LEAVES.get(kind)
        if kind is int and -LARGE_NUMBER < key < LARGE_NUMBER:
            if size < 0:
                return keys
            value = key
        else:
            if leaf is None:
                self._count_hashing(key, start)
            else:
                if is_set:  # in a dict it has three tokens, which is enough
                    self._spend(1, start)
                self._spend_hashing(leaf, start)
            try:
                value = hash(key)
            except Exception:  # unhashable, or an instance that is not whole yet: whatever its class raises
                raise self._refuse(start, f"{clip(key)} can't be a dict key or a set member") from None
        if keys is None:
            keys = Keys(is_set)
        found = 1
        if size >= 0:
            found = keys.probes(value, size, self._probes_left)
            self._probes_left -= found
            if self._probes_left < 0:
                raise self._refuse(start, f"hash_probes: over {self._probes_limit} places looked at in vain for the keys")
        if leaf is None or (
            found and (kind is not int or not -LARGE_NUMBER < key < LARGE_NUMBER)
        ):  # a place of its own, a hash of its own
            self._count_equal(keys.times(value), key, leaf, start)
        return keys

    def _count_equal(self, times: int, key: Any, leaf: int | None, start: int) -> None:
        """Spend what it costs that so many keys share the hash of this one: it is compared with each."""
        if times > self._equal_limit:
            raise self._refuse(start, f"equal_hashes: over {self._equal_limit} keys of one container share a hash")
        if leaf is not None:
            self._spend_hashing(leaf * (times - 1), start)
        elif times > 1:
            self._count_comparing(key, times - 1, start)

    def _keys_of(self, container: Any) -> Keys:
        """What the keys that a container has already would cost, as far as that matters for those to come."""
        is_set = type(container) is set
        keys = Keys(is_set)
        for size, key in enumerate(container):
            self._probes_left -= keys.probes(hash(key), size, self._probes_left)
            if self._probes_left < 0:
                raise self._refuse(self.pos, f"hash_probes: over {self._probes_limit} places looked at in vain for the keys")
        return keys

    def _count_hashing(self, key: Any, start: int) -> None:
        """Spend what hashing costs: every part of a tuple, as often as it occurs, level by level."""
        level = [key]
        height = 0
        while level:
            height += 1
            self._spend_hashing(len(level), start)
            if height > TALLEST:
                raise self._refuse(start, f"a key of over {TALLEST} tuples, each within the next")
            below: list[Any] = []
            for part in level:
                kind = type(part)
                leaf = LEAVES.get(kind)
                if leaf is not None:
                    if leaf > 1:
                        self._spend_hashing(leaf, start)
                    continue
                if isinstance(part, (tuple, frozenset)):  # named tuples, too
                    if len(part) > self._hash_left:
                        self._spend_hashing(len(part), start)
                    below.extend(part)
                elif getattr(kind, "__hash__", None) is not object.__hash__:
                    if hasattr(part, "__dict__"):
                        self._spend_hashing(INSTANCE_HASH, start)
                        below.extend(part.__dict__.values())
                        if not part.__dict__ and getattr(kind, "__dataclass_fields__", None):
                            raise self._refuse(start, f"{clip(part)} can't be a dict key or a set member of its own parts")
                    else:  # fields and slots; other values have no parts
                        self._spend_hashing(INSTANCE_HASH, start)
                        below.extend(fields_and_slots(part, kind))
                if len(below) > self._hash_left:
                    self._spend_hashing(len(below), start)
            level = below

    def _count_comparing(self, key: Any, times: int, start: int) -> None:
        """
        Spend what it costs to compare a key with others of the same hash: all of its parts, also those not hashed.

        Comparing looks into each part at each use, whatever was compared before, so that shared parts cost 2**depth.
        """
        level = [key]
        height = 0
        while level:
            height += 1
            self._spend_hashing(len(level) * times, start)
            if height > TALLEST:
                raise self._refuse(start, f"a key of over {TALLEST} values, each within the next")
            below: list[Any] = []
            for part in level:
                kind = type(part)
                if kind in LEAVES:
                    continue
                if kind in CONTAINERS or isinstance(part, tuple):
                    if len(part) * times > self._hash_left:
                        self._spend_hashing(len(part) * times, start)
                    below.extend(part)
                    if kind is dict:
                        below.extend(part.values())
                elif getattr(kind, "__eq__", None) is not object.__eq__:
                    below.extend(getattr(part, "__dict__", {}).values())
                    below.extend(fields_and_slots(part, kind))
                if len(below) * times > self._hash_left:
                    self._spend_hashing(len(below) * times, start)
            level = below

    def _spend_hashing(self, parts: int, start: int) -> None:
        self._hash_left -= parts
        if self._hash_left < 0:
            raise self._refuse(start, f"hash_work: over {self._hash_limit} parts to hash or compare in one message")

    def _unfold(self, value: Any, start: int) -> None:
        """Spend what one more use of a shared tuple adds to hashing, comparing or printing what it is in."""
        self._unfolded_left -= self._weigh(value, start)
        if self._unfolded_left < 0:
            raise self._refuse(start, "unfolded_tuples: tuples that share their parts too often")

    def _weigh(self, value: Any, start: int) -> int:
        """How many parts a tuple has where each is counted at each use; refuses what is too tall."""
        if self._weights is None:
            self._weights = {}
        weights = self._weights
        stack = [value]
        while stack:
            top = stack[-1]
            if id(top) not in weights:
                inner = [part for part in top if isinstance(part, (tuple, frozenset))]
                missing = [part for part in inner if id(part) not in weights]
                if missing:
                    stack.extend(missing)
                    continue
                parts = 1 + len(top) + sum([weights[id(part)][0] for part in inner])
                height = 1 + max([weights[id(part)][1] for part in inner], default=0)
                if height > TALLEST:
                    raise self._refuse(start, f"over {TALLEST} tuples, each within the next")
                weights[id(top)] = (min(parts, LARGE_NUMBER), height)
            stack.pop()
        return weights[id(value)][0]

    def _count_again(self, again: int, start: int) -> None:
        """Spend what a state that is handed on while the message is read has in it beyond its own bytes."""
        if again >= ENDLESS:
            raise self._refuse(start, "rebuilt_bytes: a state that has no end, or leads back to what it is part of")
        self._rebuilt_left -= again
        if self._rebuilt_left < 0:
            raise self._refuse(start, f"rebuilt_bytes: over {self._rebuilt_limit} bytes that occur again in states")

    # --- mending

    def _fix(self, container: Any, how: int, key: Any, value: Any) -> None:
        if self._fixups is None:
            self._fixups = []
        if len(self._fixups) >= PENDING_LIMIT:
            raise self._refuse(self.pos, "too many tuples that lead back to themselves")
        self._fixups.append((container, how, key, value))

    def _mend(self, value: Any) -> Any:
        """Put what is pending in its place, then run the hooks that waited for it."""
        value = self._built(value)
        known: dict[int, Keys] = {}  # for each container, its keys and those that it gets here
        for container, how, key, part in self._fixups or ():
            whole = self._built(part)
            if how == 0:
                container[key] = whole
                continue
            key = whole if how == 1 else self._built(key)
            keys = known.get(id(container))
            if keys is None:
                keys = known[id(container)] = self._keys_of(container)
            self._check_key(key, keys, False, len(container), self.pos)
            if how == 1:
                container.add(key)
            else:
                container[key] = whole
        for instance, plan, state in self._postponed or ():
            self._fill(instance, plan, self._built(state), self.pos)
        for pending in self._reused or ():
            self._unfold(self._built(pending), self.pos)
        self._fixups = self._postponed = self._reused = None
        self._has_pending = False
        return value

    def _built(self, value: Any, levels: int = 300) -> Any:
        """The value, or what a Pending stands for, built now if it must be; at most so many ``levels`` of them at once."""
        if type(value) is not Pending:
            return value
        if not value.is_built:
            kind = value.kind
            if value.is_building:
                what = kind.__name__
                raise self._refuse(self.pos, f"a {what} that contains itself by way of nothing mutable can't exist")
            if not levels:
                raise self._refuse(self.pos, "too long a chain of tuples that lead back to themselves")
            value.is_building = True
            items = [self._built(item, levels - 1) for item in value.items]
            if kind is frozenset:
                self._check_members(items, set())
            value.value = kind(items)
            value.is_built = True
        return value.value

    def _refuse(self, start: int, reason: str) -> InsecureJelly:
        """The error for a fault here; notes where the caller may go on to release what was not taken."""
        if not self.failed_at:
            self.failed_at = start
        return InsecureJelly(reason)
