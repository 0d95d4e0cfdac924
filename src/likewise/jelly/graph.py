"""
What the values of one jelly share, and what hashing them costs.

Sharing. ``(reference n X)`` names X, ``(dereference n)`` means it again. Lists, dicts, sets and instances exist before
their contents are read, so cycles lead back to the very object. Tuples and frozensets can't: a dereference of one that
is still being read gives a :class:`Pending`, and who contains a Pending is mended when the jelly is done. Hooks of
objects whose state was incomplete run after that. No placeholder is ever left inside: what can't be mended is refused.

Work. The framer bounds bytes, items and depth. Here hashing is bounded: a tuple is hashed anew at each use, so tuples
that share parts cost 2**depth, and chosen keys of equal hash cost n**2; both are counted before the hash is taken.
"""

from __future__ import annotations

from typing import Any

from ..bounded import clip, text_of
from ..errors import InsecureJelly
from ..limits import Limits
from ..wire.reader import Reader
from ..wire.tokens import HUGE
from .checks import Seen
from .plans import Incoming

PENDING_LIMIT = 10_000  # things to mend after one jelly; honest graphs have a handful
TALLEST = 1_000  # tuples within tuples, by way of references: hashing them recurses in C, where nothing stops it

# How a container that holds a Pending is mended.
ITEM = 0  # container[key] = value
MEMBER = 1  # container.add(value)
KEY = 2  # container[key.value] = value


class Pending:
    """A tuple or frozenset that is not built yet, because a part of it leads back to it."""

    __slots__ = ("is_built", "is_building", "items", "kind", "value")

    def __init__(self, kind: type) -> None:
        self.kind = kind
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
        "_postponed",
        "_references",
        "_reused",
        "_strict",
        "_unfolded_left",
        "_unfolded_limit",
        "_weights",
        "failed_at",
    )

    def set_graph_limits(self, limits: Limits) -> None:
        """Take over the ceilings of work."""
        self._hash_limit = limits.hash_work
        self._equal_limit = limits.equal_hashes
        self._unfolded_limit = limits.unfolded_tuples

    def renew_work(self) -> None:
        """Nothing has failed, and all of the work is still to be spent."""
        self.failed_at = 0
        self._hash_left = self._hash_limit
        self._unfolded_left = self._unfolded_limit

    def forget_graph(self) -> None:
        """Nothing is named, nothing to be mended."""
        self._has_pending = False
        # Made when they are needed: most messages need none of them.
        self._references: dict[int, Any] | None = None
        self._fixups: list[tuple[Any, int, Any, Any]] | None = None
        self._postponed: list[tuple[Any, Incoming, Any]] | None = None
        self._after: list[Any] | None = None
        self._strict: list[tuple[Incoming, dict[str, Any]]] | None = None
        self._weights: dict[int, tuple[int, int]] | None = None  # id of a tuple -> its parts at each use, its height
        self._reused: list[Pending] | None = None  # each as often as it is dereferenced

    def name_reference(self, reference: int | None, value: Any) -> None:
        """Make a value known under the number of the ``(reference n ...)`` around it, before its parts are read."""
        if reference is not None:
            if self._references is None:
                self._references = {}
            self._references[reference] = value

    def _afterwards(self, instance: Any) -> None:
        if self._after is None:
            self._after = []
        self._after.append(instance)

    def _admit_later(self, plan: Incoming, state: dict[str, Any]) -> None:
        """Have the types of a dataclass's fields checked when the whole jelly has been read."""
        if self._strict is None:
            self._strict = []
        self._strict.append((plan, dict(state)))  # as it was sent, without the defaults

    def _finish(self, value: Any) -> Any:
        """Mend what is pending, then run the hooks that wait for a whole message."""
        if self._has_pending:
            value = self._mend(value)
        if self._strict is not None:
            strict, self._strict = self._strict, None
            seen: Seen = {}
            for plan, state in strict:
                try:
                    plan.admit_values(state, seen)
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

    def _check_members(self, items: list[Any]) -> None:
        hashes: dict[int, int] | None = None
        for item in items:
            if type(item) is not str and type(item) is not bytes:
                hashes = self._check_key(item, hashes, self.pos)

    def _check_key(self, key: Any, hashes: dict[int, int] | None, start: int) -> dict[int, int] | None:
        """Whether a dict or set may take this key: hashable, at a bounded price, and not one of many that collide."""
        kind = type(key)
        if kind is int and -(1 << 60) < key < (1 << 60):
            return hashes
        if kind is Pending:
            return hashes
        self._count_hashing(key, start)
        try:
            value = hash(key)
        except Exception:  # unhashable, or an instance that is not whole yet: whatever its class raises
            raise self._refuse(start, f"{clip(key)} can't be a dict key or a set member") from None
        if hashes is None:
            hashes = {}
        seen = hashes.get(value, 0) + 1
        if seen > self._equal_limit:
            raise self._refuse(start, f"equal_hashes: over {self._equal_limit} keys of one container share a hash")
        hashes[value] = seen
        return hashes

    def _count_hashing(self, key: Any, start: int) -> None:
        """Spend what hashing costs: every part of a tuple, as often as it occurs, level by level."""
        level = [key]
        height = 0
        while level:
            height += 1
            self._hash_left -= len(level)
            if self._hash_left < 0:
                raise self._refuse(start, f"hash_work: over {self._hash_limit} parts to hash in one message")
            if height > TALLEST:
                raise self._refuse(start, f"a key of over {TALLEST} tuples, each within the next")
            below: list[Any] = []
            for part in level:
                kind = type(part)
                if kind is tuple or kind is frozenset:
                    if len(part) > self._hash_left:
                        raise self._refuse(start, f"hash_work: over {self._hash_limit} parts to hash in one message")
                    below.extend(part)
                elif getattr(kind, "__hash__", None) is not object.__hash__:
                    if hasattr(part, "__dict__"):
                        below.extend(part.__dict__.values())
                        if not part.__dict__ and getattr(kind, "__dataclass_fields__", None):
                            raise self._refuse(start, f"{clip(part)} can't be a dict key or a set member of its own parts")
                    else:  # a dataclass with slots; other values have no parts
                        below.extend([getattr(part, name, None) for name in getattr(kind, "__dataclass_fields__", ())])
                if len(below) > self._hash_left:
                    raise self._refuse(start, f"hash_work: over {self._hash_limit} parts to hash in one message")
            level = below

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
                inner = [part for part in top if type(part) is tuple or type(part) is frozenset]
                missing = [part for part in inner if id(part) not in weights]
                if missing:
                    stack.extend(missing)
                    continue
                parts = 1 + len(top) + sum([weights[id(part)][0] for part in inner])
                height = 1 + max([weights[id(part)][1] for part in inner], default=0)
                if height > TALLEST:
                    raise self._refuse(start, f"over {TALLEST} tuples, each within the next")
                weights[id(top)] = (min(parts, HUGE), height)
            stack.pop()
        return weights[id(value)][0]

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
        hashes: dict[int, Any] = {}  # for each container, those of the keys and members that it gets here
        for container, how, key, part in self._fixups or ():
            whole = self._built(part)
            if how == 1:
                hashes[id(container)] = self._check_key(whole, hashes.get(id(container)), self.pos)
                container.add(whole)
            elif how == 2:
                key = self._built(key)
                hashes[id(container)] = self._check_key(key, hashes.get(id(container)), self.pos)
                container[key] = whole
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
                self._check_members(items)
            value.value = kind(items)
            value.is_built = True
        return value.value

    def _refuse(self, start: int, reason: str) -> InsecureJelly:
        """The error for a fault here; notes where the caller may go on to release what was not taken."""
        if not self.failed_at:
            self.failed_at = start
        return InsecureJelly(reason)
