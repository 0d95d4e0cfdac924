"""
Tokens -> objects, straight from the frame: no intermediate lists.

What values share, and what hashing them costs, is the business of :mod:`~likewise.jelly.graph`, which this stands on.

Any fault of the peer in here raises InsecureJelly and ends one call; :attr:`Decoder.failed_at` is where the caller may
go on to see what has to be given back.
"""

from __future__ import annotations

from typing import Any

from ..bounded import clip, text_of
from ..errors import InsecureJelly
from ..limits import BYTES, ITEMS, Limits
from ..wire import native
from ..wire.framer import Frame
from ..wire.keys import keyed
from ..wire.tokens import LARGE_NUMBER, VOCABULARY
from .atoms import CODES
from .basics import read_basic
from .context import ReceivingTables
from .graph import ENDLESS, FEW_KEYS, ITEM, KEY, MEMBER, Pending
from .hashing import Keys
from .leaves import Leaves
from .plans import Incoming, refuse_async
from .registry import BUILT_IN_PLANS, Registry

# Below, the kinds of tokens (tokens.py) and the codes of words (atoms.py) are spelled as numbers, their names beside them: a
# name of a module is looked up in a dictionary each time, which costs as much as the comparison.

WORDS = VOCABULARY  # number -> word
KNOWN_CODES = frozenset(code for code in CODES.values() if code not in range(13, 15) and code not in range(19, 32))
BYTES_OF_ITEM, BYTES_OF_INSTANCE = BYTES["item"], BYTES["instance"]
ROOMY = ITEMS["digits"]
ITEMS_OF_INSTANCE, ITEMS_OF_ODD = ITEMS["instance"], ITEMS["odd"]
MESSAGES_READ = 0  # numbers messages, so that the hooks of a class are looked at once in each
TOO_DEEP = "depth: nested deeper than the stack allows here"


class Decoder(Leaves):
    """
    Reads jellies out of one frame.

    ``registry`` is what may be built, ``tables`` the owner of the ids (``None``: references mean nothing here),
    ``perspective`` who the peer is to references that arrive.
    """

    __slots__ = (
        "_incoming",
        "_limits",
        "_message",
        "_name_limit",
        "registry",
    )

    def __init__(
        self, frame: Frame, registry: Registry, tables: ReceivingTables | None, limits: Limits, perspective: Any = None
    ) -> None:
        self._limits: Limits | None = None
        self._message = 0
        self.registry = registry
        self._incoming = registry.incoming
        self.let_go()
        self.begin(frame, registry, tables, limits, perspective)

    def begin(
        self, frame: Frame, registry: Registry, tables: ReceivingTables | None, limits: Limits, perspective: Any = None
    ) -> None:
        """Start on another frame, as new; making a Decoder costs more than this."""
        if self._data:  # nobody let go of the last one
            self.forget_graph()
        global MESSAGES_READ
        MESSAGES_READ += 1
        self._message = MESSAGES_READ
        self.open_frame(frame)
        self.tables = tables
        self.perspective = perspective
        if registry is not self.registry:
            self.registry = registry
            self._incoming = registry.incoming
        if limits is not self._limits:
            self._limits = limits
            self._exponent_limit = limits.decimal_exponent
            self._name_limit = limits.name_bytes
            self.set_graph_limits(limits)
        weight = frame.end - frame.start + BYTES_OF_ITEM * frame.items
        if frame.large is not None:
            weight += sum(map(len, frame.large))
        self.renew_work(frame.items, weight)

    def let_go(self) -> None:
        """Let go of the frame and of what came in it."""
        self._data = b""
        self._large = None
        self.tables = self.perspective = None
        self.forget_graph()

    def decode_arguments(self) -> Any:
        """As :meth:`decode`, for what mostly is a short tuple of simple values."""
        data = self._data
        pos = self.pos
        count = data[pos]
        if 0 < count < 0x80 and native.starts_with(data, b"\x80\x0b\x87", pos + 1):
            self._references = self._weights = None
            self.pos = pos + 4
            try:
                items = [self.value() for _ in range(count - 1)]
            except RecursionError:
                raise self._refuse(self.pos, TOO_DEEP) from None
            if not self._has_pending:
                value: Any = tuple(items)
            else:
                value = Pending(tuple)
                value.items = items
            return self._finish(value)
        return self.decode()

    def decode_keywords(self) -> Any:
        """As :meth:`decode`, for what mostly is an empty dictionary."""
        if native.starts_with(self._data, b"\x01\x80\x05\x87", self.pos):
            self.pos += 4
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
            raise self._refuse(self.pos, TOO_DEEP) from None
        return self._finish(value)

    def value(self) -> Any:
        """One value; part of :meth:`decode`, for those who take part in it."""
        data = self._data
        pos = self.pos
        kind = data[pos]
        number = shift = 0
        while kind < 0x80 and shift < 56:
            number |= kind << shift
            shift += 7
            pos += 1
            kind = data[pos]
        if kind < 0x80:
            kind = self._long_token()
            if self.pos - pos > ROOMY:
                self._spend((self.pos - pos) // ROOMY, self.pos)
            return self._list(self._number, None) if kind == 0x80 else self._body(kind)  # LIST
        self.pos = pos + 1
        if kind == 0x80:  # LIST
            return self._list(number, None)
        if kind == 0x81:  # INT
            return number
        self._number = number
        return self._body(kind)

    def _list(self, count: int, reference: int | None) -> Any:
        """The value of a list whose head has been read; ``reference`` is the number that names it, if one does."""
        data = self._data
        start = pos = self.pos
        if count == 2 and data[pos] == 7:
            if native.starts_with(data, b"\x07\x82unicode", pos):
                self.pos = pos + 9
                return self._text(start)
            if native.starts_with(data, b"\x07\x82boolean\x04\x82true", pos):
                self.pos = pos + 15
                return True
            if native.starts_with(data, b"\x07\x82boolean\x05\x82false", pos):
                self.pos = pos + 16
                return False
        word: Any = b""
        if not count:
            raise self._refuse(start, "an empty list where a value must be")
        if data[pos] < 0x80 and data[pos + 1] == 0x87:  # VOCAB
            code = data[pos]
            self.pos = pos + 2
        else:
            kind = self._token()
            if kind == 0x80:  # LIST
                raise self._refuse(start, "a list where a type must be named")
            word = self._body(kind)
            code = CODES.get(word, 0) if type(word) is bytes else 0
        if code == 5:  # DICTIONARY
            return self._dictionary(count - 1, reference, start)
        if code == 8:  # LIST
            return self._items(count - 1, reference)
        if code == 11:  # TUPLE
            return self._frozen(tuple, count - 1, reference)
        if code == 1:  # NONE
            if count == 1:
                return None
            raise self._refuse(start, "(None) takes nothing more")
        if code in KNOWN_CODES:
            return self._rare(code, count, reference, start)
        if code:
            word = WORDS[code]
        plan = (self._incoming.get(word) or BUILT_IN_PLANS.get(word)) if type(word) is bytes else None
        if plan is None:
            try:
                plan = self.plan_for(word)
            except InsecureJelly as error:
                raise self._refuse(start, text_of(error)) from None
        return self._instance(plan, word, count, reference, start)

    # --- the frequent ones

    def _text(self, start: int) -> str:
        data = self._data
        pos = self.pos
        size = data[pos]
        try:
            if size < 0x80 and data[pos + 1] == 0x82:  # STRING
                pos += 2
                self.pos = pos + size
                return data[pos : pos + size].decode("utf-8")
            kind = self._token()
            if kind != 0x82 and kind != 0x87:  # STRING, VOCAB
                raise self._refuse(start, "a str must be spelled in bytes")
            raw = self._string(self._number) if kind == 0x82 else WORDS[self._number]  # STRING
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self._refuse(start, "a str that is not UTF-8") from None

    def _items(self, count: int, reference: int | None) -> list[Any]:
        result: list[Any] = []
        if reference is not None:
            self.name_reference(reference, result)
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
            self.name_reference(reference, result)
        keys: Keys | None = None
        data = self._data
        for _ in range(count):
            pos = self.pos
            if native.starts_with(data, b"\x02\x80\x02\x80\x07\x82unicode", pos):  # mostly (str ...)
                self.pos = pos + 13
                key: Any = self._text(pos + 2)
            else:
                if not self._steps_into_pair():
                    raise self._refuse(pos, "an entry of a dictionary must be a pair")
                pos = self.pos
                key = self.value()
            kind = type(key)
            if kind is not str and kind is not bytes:
                if kind is not Pending and (kind is not int or count > FEW_KEYS):
                    keys = self._check_key(key, keys, False, len(result) if count > FEW_KEYS else -1, self.pos)
            value = self.value()
            if self._has_pending and (type(key) is Pending or type(value) is Pending):
                self._fix(result, KEY if type(key) is Pending else ITEM, key, value)
                if type(key) is Pending:
                    continue
            result[key] = value
        return result

    def _steps_into_pair(self) -> bool:
        return self._token() == 0x80 and self._number == 2  # LIST

    def _frozen(self, kind: type, count: int, reference: int | None) -> Any:
        pending: Pending | None = None
        if reference is not None:
            pending = Pending(kind)
            self.name_reference(reference, pending)
        items: list[Any] = []  # no comprehension: it would be one more level of the stack for each of ours
        for _ in range(count):
            items.append(self.value())
        if kind is frozenset:
            self._spend_on_set(count)
            self._check_members(items, set())
        if self._has_pending and any(type(item) is Pending for item in items):
            pending = pending or Pending(kind)
            pending.items = items
            return pending
        value = kind(items)
        if pending is not None:
            pending.value = value
            pending.is_built = True
            self.name_reference(reference, value)
        return value

    def _set(self, count: int, reference: int | None) -> set[Any]:
        result: set[Any] = set()
        if reference is not None:
            self.name_reference(reference, result)
        items = [self.value() for _ in range(count)]
        self._spend_on_set(count)
        self._check_members(items, result)
        if self._has_pending:
            for item in items:
                if type(item) is Pending:
                    self._fix(result, MEMBER, None, item)
        return result

    # --- the rare ones

    def _rare(self, code: int, count: int, reference: int | None, start: int) -> Any:
        if code == 4:  # REFERENCE
            return self._named(count, start)
        if code == 3:  # DEREFERENCE
            return self._again(count, start)
        if code == 42:  # SET
            return self._set(count - 1, reference)
        if code == 43:  # FROZENSET
            return self._frozen(frozenset, count - 1, reference)
        if 15 <= code <= 18:  # CACHED, REMOTE, LOCAL, LCACHE
            return self._by_id(code, count, start)
        if code >= 44 and code <= 48:  # DECIMAL to TIMEDELTA
            return self._basic(code, count, start)
        if code == 40 or code == 41:  # UNICODE, BOOLEAN: spelled out in dialect none, or malformed
            return self._spelled(code, count, start)
        word = next(word for word, number in CODES.items() if number == code)
        self._spend(ITEMS_OF_ODD, start)
        try:
            return self.by_name(word, count - 1, reference)
        except InsecureJelly as error:
            raise self._refuse(start, text_of(error)) from None

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

    def value_of(self, frame: Frame) -> Any:
        """
        One value from another frame, as if it lay here: both share their references.

        Raises:
            InsecureJelly: as :meth:`decode`, or it leads back to a tuple around it, which does not exist yet.
        """
        outer = self._data, self.pos, self.end, self._large, self._next_large
        self._data, self.pos, self.end, self._large, self._next_large = frame.data, frame.start, frame.end, frame.large, 0
        try:
            mended = len(self._fixups or ())
            self._spend(frame.items, self.pos)  # for it is one message's work, however often it is read
            value = self.value()
            if len(self._fixups or ()) > mended or type(value) is Pending:
                raise InsecureJelly("a state that takes part in its own reading leads back to a tuple around it")
            return value
        finally:
            self._data, self.pos, self.end, self._large, self._next_large = outer

    def _named(self, count: int, start: int) -> Any:
        """``(reference n X)``"""
        kind = self._token() if count == 3 else 0
        number = self._number
        if (kind != 0x81 and kind != 0x85) or number >= LARGE_NUMBER:  # INT, LONGINT
            raise self._refuse(start, "(reference n X) takes a number and a value")
        name = keyed(number)
        if self._references is not None and name in self._references:
            raise self._refuse(start, f"reference {clip(number)} is defined twice")
        if self._references is None:
            self._sizes = {}
        before = self.pos + self._unfolded
        kind = self._token()
        value = self._list(self._number, number) if kind == 0x80 else self._body(kind)  # LIST
        if self._references is None or name not in self._references:
            self.name_reference(number, value)
        if self._sizes is not None:
            self._sizes[name] = min(self.pos + self._unfolded - before, ENDLESS)
        if isinstance(value, (tuple, frozenset)):
            self._weigh(value, self.pos)
        return value

    # --- instances

    def _instance(self, plan: Incoming, tag: bytes, count: int, reference: int | None, start: int) -> Any:
        """``(tag state)``, or ``(tag luid state)`` for a cache."""
        self._items_left -= ITEMS_OF_INSTANCE
        if self._items_left < 0:
            self._spend(0, start)
        self.weight += BYTES_OF_INSTANCE
        if plan.seen_in != self._message:
            plan.look_again(self._message)
        if plan.kind == 5:  # TAKER
            taken = plan.make(self, tag, count, reference)
            if hasattr(type(taken), "postUnjelly"):
                self._afterwards(taken)
            return taken
        if count != (3 if plan.kind == 2 else 2):
            form = "(tag id state)" if plan.kind == 2 else "(tag state)"
            raise self._refuse(start, f"{clip(tag)} is registered as {plan.make.__name__}, which takes the form {form}")
        if plan.kind == 4:  # FACTORY
            return self._made(plan, reference, start)
        instance = native.new_instance(plan.make)
        if plan.kind == 2:  # CACHE
            kind = self._token()
            luid = self._body(kind) if kind != 0x80 else None  # LIST
            if type(luid) is not int or self.tables is None:
                raise self._refuse(start, "a cache needs a number for its id, and a connection")
            try:
                self.tables.hold_mirror(luid, instance, False)
            except InsecureJelly as error:
                raise self._refuse(start, text_of(error)) from None
            instance.__init__()  # held already: if this raises, the end of the instance gives the cache back
        if reference is not None:
            self.name_reference(reference, instance)
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

    def _attributes(self, plan: Incoming) -> Any:
        """The state of a copy without hooks: its names are checked while they are read."""
        data = self._data
        start = self.pos
        kind = self._token()
        count = self._number
        if kind != 0x80 or not count or data[self.pos] != 5 or data[self.pos + 1] != 0x87:  # LIST, VOCAB
            self.pos = start
            return self._checked(plan, self.value(), start)
        self.pos += 2
        state: dict[str, Any] = {}
        names = plan.names
        shape = plan.shape
        for i in range(count - 1):
            pos = self.pos
            if i < len(shape):  # most instances of a class have the same attributes in the same order
                head, known, size = shape[i]
                if native.starts_with(data, head, pos):
                    self.pos = pos + size
                    value = self.value()
                    if self._has_pending and type(value) is Pending:
                        self._fix(state, ITEM, known, value)
                    state[known] = value
                    continue
            pair = pos
            if data[pos] == 2 and data[pos + 1] == 0x80:  # LIST
                pos += 2
            elif self._steps_into_pair():
                pos = self.pos
            else:
                raise self._refuse(pos, "an entry of a dictionary must be a pair")
            is_plain = False  # whether these very bytes mean this name wherever they stand
            if data[pos] == 2 and data[pos + 1] == 0x80 and native.starts_with(data, b"\x07\x82unicode", pos + 2):  # LIST
                size = data[pos + 11]
                is_plain = size < 0x80 and data[pos + 12] == 0x82  # STRING
            if is_plain:
                self.pos = pos + 13 + size
                raw = data[pos + 13 : self.pos]
            else:
                raw = self._key(pos)
            name = names.get(raw)
            if name is None:
                name = self._admit(plan, raw, pos)
            if is_plain and i == len(shape):
                plan.learn(data[pair : self.pos], name)
            value = self.value()
            if self._has_pending and type(value) is Pending:
                self._fix(state, ITEM, name, value)
            state[name] = value
        return state

    def _key(self, pos: int) -> bytes:
        """An attribute name in one of its rarer spellings, as UTF-8."""
        self.pos = pos
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
            raise self._refuse(start, text_of(error)) from None

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
            name = self._admit(plan, raw, start)
            checked[name] = value
            if type(value) is Pending:  # to be mended in the dictionary that is kept, too
                self._fix(checked, ITEM, name, value)
        return checked

    def _fill(self, instance: Any, plan: Incoming, state: Any, start: int) -> None:
        """Give an instance its state; a hook that fails ends the call, whatever it raises."""
        kind = plan.kind
        if kind == 0 and not plan.has_slots:
            native.set_dict(plan.dict_slot, instance, state)
            return
        try:
            if kind == 3 or kind == 6 or kind == 0:
                if plan.is_strict:
                    if self._references is None:
                        plan.admit_values(state, None)
                    else:  # it may lead to a list that is still being read
                        self.admit_later(plan, state, instance)
                plan.fill(instance, state)
            elif instance.setCopyableState(state) is not None:
                refuse_async(plan.make, "setCopyableState")
        except InsecureJelly as error:  # what is in the state was taken: it gives itself back
            raise self._refuse(self.pos, text_of(error)) from None
        if kind == 2 and self.tables is not None:
            self.tables.mirror_filled(instance)

    def _made(self, plan: Incoming, reference: int | None, start: int) -> Any:
        mended = len(self._fixups or ())
        before, begun = self._unfolded, self.pos
        state = self.value()
        if len(self._fixups or ()) > mended or type(state) is Pending:
            raise self._refuse(self.pos, "the state for a factory leads back to a tuple around it")
        if plan.is_strict:  # who makes something of a state looks at all of it, at once and at each use
            self._spend(ITEMS_OF_ODD, start)
            if self._unfolded > before:
                self._count_again(self._unfolded - before, self.pos)
            self._unfolded = before - (self.pos - begun)  # of what is made nobody looks at the parts again
        try:
            made = plan.make(state)
        except InsecureJelly as error:
            raise self._refuse(self.pos, text_of(error)) from None
        if reference is not None:
            self.name_reference(reference, made)
        if plan.post or hasattr(type(made), "postUnjelly"):
            self._afterwards(made)
        return made


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
