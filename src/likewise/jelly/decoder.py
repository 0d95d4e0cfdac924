"""
Tokens -> objects, straight from the frame: no intermediate lists.

Sharing. ``(reference n X)`` names X, ``(dereference n)`` means it again. Lists, dicts, sets and instances exist before
their contents are read, so cycles lead back to the very object. Tuples and frozensets can't: a dereference of one that
is still being read gives a :class:`Pending`, and who contains a Pending is mended when the jelly is done. Hooks of
objects whose state was incomplete run after that. No placeholder is ever left inside: what can't be mended is refused.

Work. The framer bounds bytes, items and depth. Here hashing is bounded: a tuple is hashed anew at each use, so tuples
that share parts cost 2**depth, and chosen keys of equal hash cost n**2; both are counted before the hash is taken.

Any fault of the peer in here raises InsecureJelly and ends one call; :attr:`Decoder.failed_at` is where the caller may
go on to see what has to be given back.
"""

from __future__ import annotations

from typing import Any

from ..errors import InsecureJelly, clip
from ..limits import Limits
from ..wire.framer import Frame
from ..wire.reader import Reader
from ..wire.tokens import HUGE, VOCABULARY
from .atoms import CODES
from .basics import read_basic
from .context import ReceivingTables
from .plans import Incoming
from .registry import BUILT_IN, Registry

WORDS = VOCABULARY  # number -> word
KNOWN = frozenset(code for code in CODES.values() if code not in range(13, 15) and code not in range(19, 32))
TOO_DEEP = "depth: nested deeper than the stack allows here"
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


class Decoder(Reader):
    """
    Reads jellies out of one frame.

    ``registry`` is what may be built, ``tables`` the owner of the ids (``None``: references mean nothing here),
    ``perspective`` who the peer is to references that arrive.
    """

    __slots__ = (
        "_after",
        "_exponent_limit",
        "_fixups",
        "_hash_left",
        "_hash_limit",
        "_equal_limit",
        "_incoming",
        "_limits",
        "_has_pending",
        "_name_limit",
        "_postponed",
        "_references",
        "_reused",
        "_unfolded_left",
        "_unfolded_limit",
        "_weights",
        "failed_at",
        "perspective",
        "registry",
        "tables",
    )

    def __init__(
        self, frame: Frame, registry: Registry, tables: ReceivingTables | None, limits: Limits, perspective: Any = None
    ) -> None:
        self._limits: Limits | None = None
        self.begin(frame, registry, tables, limits, perspective)

    def begin(
        self, frame: Frame, registry: Registry, tables: ReceivingTables | None, limits: Limits, perspective: Any = None
    ) -> None:
        """Start on another frame, as new; making a Decoder costs more than this."""
        self.open_frame(frame)
        self.registry = registry
        self.tables = tables
        self.perspective = perspective
        self.failed_at = 0
        self._incoming = registry.incoming
        if limits is not self._limits:
            self._limits = limits
            self._hash_limit = limits.hash_work
            self._equal_limit = limits.equal_hashes
            self._exponent_limit = limits.decimal_exponent
            self._name_limit = limits.name_bytes
            self._unfolded_limit = limits.unfolded_tuples
        self._hash_left = self._hash_limit
        self._unfolded_left = self._unfolded_limit
        self._has_pending = False
        # Made when they are needed: most messages need none of them.
        self._references: dict[int, Any] | None = None
        self._fixups: list[tuple[Any, int, Any, Any]] | None = None
        self._postponed: list[tuple[Any, Incoming, Any]] | None = None
        self._after: list[Any] | None = None
        self._weights: dict[int, tuple[int, int]] | None = None  # id of a tuple -> its parts at each use, its height
        self._reused: list[Pending] | None = None  # each as often as it is dereferenced

    def let_go(self) -> None:
        """Let go of the frame and of what came in it."""
        self._data = b""
        self._large = None
        self.tables = self.perspective = None
        self._references = self._fixups = self._postponed = self._after = self._weights = self._reused = None

    def decode_arguments(self) -> Any:
        """As :meth:`decode`, for what mostly is a short tuple of simple values."""
        data = self._data
        pos = self._pos
        count = data[pos]
        if 0 < count < 0x80 and data.startswith(b"\x80\x0b\x87", pos + 1):
            self._references = self._weights = None
            self._pos = pos + 4
            try:
                items = [self.value() for _ in range(count - 1)]
            except RecursionError:
                raise self._refuse(self._pos, TOO_DEEP) from None
            if not self._has_pending:
                value: Any = tuple(items)
            else:
                value = Pending(tuple)
                value.items = items
            return self._finish(value)
        return self.decode()

    def decode_keywords(self) -> Any:
        """As :meth:`decode`, for what mostly is an empty dictionary."""
        if self._data.startswith(b"\x01\x80\x05\x87", self._pos):
            self._pos += 4
            return {}
        return self.decode()

    def decode(self) -> Any:
        """
        The next jelly as objects.

        Raises:
            InsecureJelly: it names what is not registered, is malformed, or costs too much.
        """
        self._references = self._weights = None
        try:
            value = self.value()
        except RecursionError:  # the pure build, called from deep within an application
            raise self._refuse(self._pos, TOO_DEEP) from None
        return self._finish(value)

    def _finish(self, value: Any) -> Any:
        """Mend what is pending, then run the hooks that wait for a whole message."""
        if self._has_pending:
            value = self._mend(value)
        if self._after is not None:
            after, self._after = self._after, None
            for instance in after:
                instance.postUnjelly()
        return value

    def value(self) -> Any:
        """One value; part of :meth:`decode`, for those who take part in it."""
        data = self._data
        pos = self._pos
        kind = data[pos]
        number = shift = 0
        while kind < 0x80 and shift < 56:
            number |= kind << shift
            shift += 7
            pos += 1
            kind = data[pos]
        if kind < 0x80:
            kind = self._long_token()
            return self._list(self._number, None) if kind == 0x80 else self._body(kind)
        self._pos = pos + 1
        if kind == 0x80:
            return self._list(number, None)
        if kind == 0x81:
            return number
        self._number = number
        return self._body(kind)

    def _list(self, count: int, reference: int | None) -> Any:
        """The value of a list whose head has been read; ``reference`` is the number that names it, if one does."""
        data = self._data
        start = pos = self._pos
        if count == 2 and data[pos] == 7:
            if data.startswith(b"\x07\x82unicode", pos):
                self._pos = pos + 9
                return self._text(start)
            if data.startswith(b"\x07\x82boolean\x04\x82true", pos):
                self._pos = pos + 15
                return True
            if data.startswith(b"\x07\x82boolean\x05\x82false", pos):
                self._pos = pos + 16
                return False
        word: Any = b""
        if not count:
            raise self._refuse(start, "an empty list where a value must be")
        if data[pos] < 0x80 and data[pos + 1] == 0x87:
            code = data[pos]
            self._pos = pos + 2
        else:
            kind = self._token()
            if kind == 0x80:
                raise self._refuse(start, "a list where a type must be named")
            word = self._body(kind)
            code = CODES.get(word, 0) if type(word) is bytes else 0
        if code == 5:
            return self._dictionary(count - 1, reference, start)
        if code == 8:
            return self._items(count - 1, reference)
        if code == 11:
            return self._frozen(tuple, count - 1, reference)
        if code == 1:
            if count == 1:
                return None
            raise self._refuse(start, "(None) takes nothing more")
        if code in KNOWN:
            return self._rare(code, count, reference, start)
        if code:
            word = WORDS[code]
        plan = (self._incoming.get(word) or BUILT_IN.get(word)) if type(word) is bytes else None
        if plan is None:
            try:
                plan = self.plan_for(word)
            except InsecureJelly as error:
                raise self._refuse(start, str(error)) from None
        return self._instance(plan, word, count, reference, start)

    # --- the frequent ones

    def _text(self, start: int) -> str:
        data = self._data
        pos = self._pos
        size = data[pos]
        try:
            if size < 0x80 and data[pos + 1] == 0x82:
                pos += 2
                self._pos = pos + size
                return data[pos : pos + size].decode("utf-8")
            kind = self._token()
            if kind != 0x82 and kind != 0x87:
                raise self._refuse(start, "a str must be spelled in bytes")
            raw = self._string(self._number) if kind == 0x82 else WORDS[self._number]
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self._refuse(start, "a str that is not UTF-8") from None

    def _items(self, count: int, reference: int | None) -> list[Any]:
        result: list[Any] = []
        if reference is not None:
            self._name(reference, result)
        append = result.append
        for _ in range(count):
            append(self.value())
        if self._has_pending:
            for i, item in enumerate(result):
                if type(item) is Pending:
                    self._fix(result, ITEM, i, item)
        return result

    def _dictionary(self, count: int, reference: int | None, start: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        if reference is not None:
            self._name(reference, result)
        hashes: dict[int, int] | None = None
        data = self._data
        for _ in range(count):
            pos = self._pos
            if data[pos] == 2 and data[pos + 1] == 0x80:
                self._pos = pos + 2
            elif not self._steps_into_pair():
                raise self._refuse(pos, "an entry of a dictionary must be a pair")
            pos = self._pos
            key = self.value()
            kind = type(key)
            if kind is not str and kind is not bytes:
                hashes = self._check_key(key, hashes, pos)
            value = self.value()
            if self._has_pending and (type(key) is Pending or type(value) is Pending):
                self._fix(result, KEY if type(key) is Pending else ITEM, key, value)
                if type(key) is Pending:
                    continue
            result[key] = value
        return result

    def _steps_into_pair(self) -> bool:
        return self._token() == 0x80 and self._number == 2

    def _frozen(self, kind: type, count: int, reference: int | None) -> Any:
        pending: Pending | None = None
        if reference is not None:
            pending = Pending(kind)
            self._name(reference, pending)
        items: list[Any] = []  # no comprehension: it would be one more level of the stack for each of ours
        for _ in range(count):
            items.append(self.value())
        if kind is frozenset:
            self._check_members(items)
        if self._has_pending and any(type(item) is Pending for item in items):
            pending = pending or Pending(kind)
            pending.items = items
            return pending
        value = kind(items)
        if pending is not None:
            pending.value = value
            pending.is_built = True
            self._name(reference, value)
        return value

    def _set(self, count: int, reference: int | None) -> set[Any]:
        result: set[Any] = set()
        if reference is not None:
            self._name(reference, result)
        items = [self.value() for _ in range(count)]
        self._check_members(items)
        for item in items:
            if type(item) is Pending:
                self._fix(result, MEMBER, None, item)
            else:
                result.add(item)
        return result

    # --- the rare ones

    def _rare(self, code: int, count: int, reference: int | None, start: int) -> Any:
        if code == 4:
            return self._named(count, start)
        if code == 3:
            return self._again(count, start)
        if code == 42:
            return self._set(count - 1, reference)
        if code == 43:
            return self._frozen(frozenset, count - 1, reference)
        if 15 <= code <= 18:
            return self._by_id(code, count, start)
        if code >= 44 and code <= 48:
            items = [self.read_expression() for _ in range(count - 1)]
            try:
                return read_basic(code, items, self._exponent_limit)
            except InsecureJelly as error:
                raise self._refuse(start, str(error)) from None
        if code == 40 or code == 41:  # spelled out in dialect none, or malformed
            return self._spelled(code, count, start)
        word = next(word for word, number in CODES.items() if number == code)
        try:
            return self.by_name(word, count - 1, reference)
        except InsecureJelly as error:
            raise self._refuse(start, str(error)) from None

    # --- what a driver with forms of its own overrides, or calls from its TAKER plans

    def plan_for(self, tag: Any) -> Incoming:
        """What to build for a tag that is not registered. Raises InsecureJelly, always unless overridden."""
        raise InsecureJelly(not_registered(tag))

    def by_name(self, word: bytes, count: int, reference: int | None) -> Any:
        """
        The value of ``(unpersistable reason)``, or of a form that has something looked up by its name.

        ``count`` items follow, for this to read. Raises InsecureJelly.
        """
        if word == b"unpersistable":
            return read_basic(12, [self.read_expression() for _ in range(count)], 0)
        raise InsecureJelly(f"({word.decode()} ...) is never accepted: it has the receiver look something up by name")

    def name_reference(self, reference: int | None, value: Any) -> None:
        """Make a value known under the number of the ``(reference n ...)`` around it, before its parts are read."""
        if reference is not None:
            if self._references is None:
                self._references = {}
            self._references[reference] = value

    def value_of(self, frame: Frame) -> Any:
        """
        One value from another frame, as if it lay here: both share their references.

        Raises:
            InsecureJelly: as :meth:`decode`, or it leads back to a tuple around it, which does not exist yet.
        """
        outer = self._data, self._pos, self.end, self._large, self._next_large
        self._data, self._pos, self.end, self._large, self._next_large = frame.data, frame.start, frame.end, frame.large, 0
        try:
            mended = len(self._fixups or ())
            value = self.value()
            if len(self._fixups or ()) > mended or type(value) is Pending:
                raise InsecureJelly("a state that takes part in its own reading leads back to a tuple around it")
            return value
        finally:
            self._data, self._pos, self.end, self._large, self._next_large = outer

    def _named(self, count: int, start: int) -> Any:
        """``(reference n X)``"""
        kind = self._token() if count == 3 else 0
        number = self._number
        if (kind != 0x81 and kind != 0x85) or number >= HUGE:
            raise self._refuse(start, "(reference n X) takes a number and a value")
        if self._references is not None and number in self._references:
            raise self._refuse(start, f"reference {clip(number)} is defined twice")
        kind = self._token()
        value = self._list(self._number, number) if kind == 0x80 else self._body(kind)
        if self._references is None or number not in self._references:
            self._name(number, value)
        if type(value) is tuple or type(value) is frozenset:
            self._weigh(value, start)
        return value

    def _name(self, number: int | None, value: Any) -> None:
        if number is not None:
            if self._references is None:
                self._references = {}
            self._references[number] = value

    def _again(self, count: int, start: int) -> Any:
        """``(dereference n)``"""
        kind = self._token() if count == 2 else 0
        number = self._number
        if (kind != 0x81 and kind != 0x85) or number >= HUGE:
            raise self._refuse(start, "(dereference n) takes a number")
        if self._references is None or number not in self._references:
            raise self._refuse(start, f"dereference of {clip(number)}, which nothing defines")
        value = self._references[number]
        if type(value) is Pending:
            self._has_pending = True
            if self._reused is None:
                self._reused = []
            self._reused.append(value)
        elif type(value) is tuple or type(value) is frozenset:
            self._unfold(value, start)
        return value

    def _by_id(self, code: int, count: int, start: int) -> Any:
        """``(remote luid)``, ``(local luid)``, ``(cached luid)``, ``(lcache luid)``"""
        kind = self._token() if count == 2 else 0x80
        luid: Any = self._body(kind) if kind != 0x80 else None
        if type(luid) is not int and type(luid) is not bytes:
            raise self._refuse(start, f"({WORDS[code].decode()} id) takes an id")
        tables = self.tables
        if tables is None:
            raise self._refuse(start, f"({WORDS[code].decode()} ...) means nothing outside a connection")
        try:
            if code == 16:
                return tables.reference(luid, self.perspective)
            if code == 17:
                return tables.local(luid)
            if code == 15:
                return tables.mirror(luid)
            return tables.original(luid)
        except InsecureJelly as error:
            raise self._refuse(start, str(error)) from None

    def _spelled(self, code: int, count: int, start: int) -> Any:
        items = [self.read_expression() for _ in range(count - 1)]
        if len(items) == 1 and isinstance(items[0], bytes):
            if code == 40:
                try:
                    return items[0].decode()
                except UnicodeDecodeError:
                    raise self._refuse(start, "a str that is not UTF-8") from None
            if items[0] in (b"true", b"false"):
                return items[0] == b"true"
        raise self._refuse(start, "a malformed str or bool")

    # --- instances

    def _instance(self, plan: Incoming, tag: bytes, count: int, reference: int | None, start: int) -> Any:
        """``(tag state)``, or ``(tag luid state)`` for a cache."""
        if plan.kind == 5:  # TAKER
            return plan.make(self, tag, count, reference)
        if count != (3 if plan.kind == 2 else 2):
            form = "(tag id state)" if plan.kind == 2 else "(tag state)"
            raise self._refuse(start, f"{clip(tag)} is registered as {plan.make.__name__}, which takes the form {form}")
        if plan.kind == 4:  # FACTORY
            return self._made(plan, reference, start)
        instance = plan.make.__new__(plan.make)
        if plan.kind == 2:  # CACHE
            kind = self._token()
            luid = self._body(kind) if kind != 0x80 else None
            if type(luid) is not int or self.tables is None:
                raise self._refuse(start, "a cache needs a number for its id, and a connection")
            try:
                self.tables.hold_mirror(luid, instance)
            except InsecureJelly as error:
                raise self._refuse(start, str(error)) from None
            instance.__init__()  # held already: if this raises, the end of the instance gives the cache back
        if reference is not None:
            self._name(reference, instance)
        mended = len(self._fixups) if self._fixups is not None else 0
        state = self._attributes(plan) if plan.kind == 0 or plan.kind == 3 else self.value()
        if self._has_pending and (len(self._fixups or ()) > mended or type(state) is Pending):
            if self._postponed is None:
                self._postponed = []
            self._postponed.append((instance, plan, state))
        else:
            self._fill(instance, plan, state, start)
        if plan.post:
            self._afterwards(instance)
        return instance

    def _afterwards(self, instance: Any) -> None:
        if self._after is None:
            self._after = []
        self._after.append(instance)

    def _attributes(self, plan: Incoming) -> Any:
        """The state of a copy without hooks: its names are checked while they are read."""
        data = self._data
        start = self._pos
        kind = self._token()
        count = self._number
        if kind != 0x80 or not count or data[self._pos] != 5 or data[self._pos + 1] != 0x87:
            self._pos = start
            return self._checked(plan, self.value(), start)
        self._pos += 2
        state: dict[str, Any] = {}
        names = plan.names
        shape = plan.shape
        for i in range(count - 1):
            pos = self._pos
            if i < len(shape):  # most instances of a class have the same attributes in the same order
                head, known, size = shape[i]
                if data.startswith(head, pos):
                    self._pos = pos + size
                    value = self.value()
                    if self._has_pending and type(value) is Pending:
                        self._fix(state, ITEM, known, value)
                    state[known] = value
                    continue
            pair = pos
            if data[pos] == 2 and data[pos + 1] == 0x80:
                pos += 2
            elif self._steps_into_pair():
                pos = self._pos
            else:
                raise self._refuse(pos, "an entry of a dictionary must be a pair")
            is_plain = False  # whether these very bytes mean this name wherever they stand
            if data[pos] == 2 and data[pos + 1] == 0x80 and data.startswith(b"\x07\x82unicode", pos + 2):
                size = data[pos + 11]
                is_plain = size < 0x80 and data[pos + 12] == 0x82
            if is_plain:
                self._pos = pos + 13 + size
                raw = data[pos + 13 : self._pos]
            else:
                raw = self._key(pos)
            name = names.get(raw)
            if name is None:
                name = self._admit(plan, raw, pos)
            if is_plain and i == len(shape):
                plan.learn(data[pair : self._pos], name)
            value = self.value()
            if self._has_pending and type(value) is Pending:
                self._fix(state, ITEM, name, value)
            state[name] = value
        return state

    def _key(self, pos: int) -> bytes:
        """An attribute name in one of its rarer spellings, as UTF-8."""
        self._pos = pos
        key = self.value()
        if type(key) is str:
            return key.encode()
        if type(key) is not bytes:
            raise self._refuse(pos, "an attribute name must be a string")
        return key

    def _admit(self, plan: Incoming, raw: bytes, start: int) -> str:
        if len(raw) > self._name_limit:
            raise self._refuse(start, f"name_bytes: an attribute name of {len(raw)} bytes, over {self._name_limit}")
        try:
            return plan.admit(raw)
        except InsecureJelly as error:
            raise self._refuse(start, str(error)) from None

    def _checked(self, plan: Incoming, state: Any, start: int) -> Any:
        """A state that came in another form than a plain dictionary: shared, or absent."""
        if state is None:
            return {}
        if type(state) is not dict:
            raise self._refuse(start, f"the state of {plan.make.__name__} must be a dictionary")
        checked = {}
        for key, value in state.items():
            raw = key.encode() if type(key) is str else key
            if type(raw) is not bytes:
                raise self._refuse(start, "an attribute name must be a string")
            checked[self._admit(plan, raw, start)] = value
        return checked

    def _fill(self, instance: Any, plan: Incoming, state: Any, start: int) -> None:
        """Give an instance its state; a hook that fails ends the call, whatever it raises."""
        kind = plan.kind
        if kind == 0:
            instance.__dict__ = state
            return
        try:
            if kind == 3 or kind == 6:
                plan.fill(instance, state)
            else:
                instance.setCopyableState(state)
        except InsecureJelly as error:
            raise self._refuse(start, str(error)) from None

    def _made(self, plan: Incoming, reference: int | None, start: int) -> Any:
        mended = len(self._fixups or ())
        state = self.value()
        if len(self._fixups or ()) > mended or type(state) is Pending:
            raise self._refuse(start, "the state for a factory leads back to a tuple around it")
        made = plan.make(state)
        if reference is not None:
            self._name(reference, made)
        if plan.post or hasattr(type(made), "postUnjelly"):
            self._afterwards(made)
        return made

    # --- hashing

    def _check_members(self, items: list[Any]) -> None:
        hashes: dict[int, int] | None = None
        for item in items:
            if type(item) is not str and type(item) is not bytes:
                hashes = self._check_key(item, hashes, self._pos)

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
            raise self._refuse(self._pos, "too many tuples that lead back to themselves")
        self._fixups.append((container, how, key, value))

    def _mend(self, value: Any) -> Any:
        """Put what is pending in its place, then run the hooks that waited for it."""
        value = self._built(value)
        hashes: dict[int, Any] = {}  # for each container, those of the keys and members that it gets here
        for container, how, key, part in self._fixups or ():
            whole = self._built(part)
            if how == 1:
                hashes[id(container)] = self._check_key(whole, hashes.get(id(container)), self._pos)
                container.add(whole)
            elif how == 2:
                key = self._built(key)
                hashes[id(container)] = self._check_key(key, hashes.get(id(container)), self._pos)
                container[key] = whole
            else:
                container[key] = whole
        for instance, plan, state in self._postponed or ():
            self._fill(instance, plan, self._built(state), self._pos)
        for pending in self._reused or ():
            self._unfold(self._built(pending), self._pos)
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
                raise self._refuse(self._pos, f"a {what} that contains itself by way of nothing mutable can't exist")
            if not levels:
                raise self._refuse(self._pos, "too long a chain of tuples that lead back to themselves")
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


def not_registered(tag: object) -> str:
    """What to tell who sent an instance that nothing here may stand for."""
    name = tag.decode("utf-8", "replace") if isinstance(tag, bytes) else clip(tag)
    name = name if len(name) <= 200 else name[:200] + "..."
    hint = ""
    if name.startswith("__main__."):
        hint = " (the sender runs the module that defines it as a script: define it in a module that both ends import)"
    return (
        f"{name} is not registered at the receiver{hint}: there, call "
        f"likewise.setUnjellyableForClass({name!r}, TheLocalRemoteCopyClass), or import the module of its "
        f"@likewise.copyable dataclass; an endpoint with accept=... counts only what is listed there"
    )

