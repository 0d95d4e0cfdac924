"""
Objects -> tokens.

One :class:`Encoder` writes one jelly: the arguments of a call, its keywords, or an answer. Its bytes in dialect ``pb``
equal those of Twisted's ``jelly`` for the same graph.

Sharing. Every container and copied object remembers the place where it begins. Met again, it gets a number:
``(reference n`` is put in there, which is a pure prefix, and ``(dereference n)`` is written where it was met. Objects
are kept alive until the jelly is done, because their ``id`` is the key: state made by a hook on the way
would be freed and its id used anew.

Errors. A value that may not cross raises NotSendable; each level it leaves puts its own step before the path, so the
path costs nothing until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from ..bounded import clip
from ..errors import NotSendable, way_in_short
from ..wire.sink import COMPILED, LARGE_PIECE, Sink
from ..wire.tokens import LIKEWISE_1, PB, VOCAB_TOKENS, Dialect
from ..wire.writer import Pieces, bytes_token, check_size, int_token, list_head, string_head
from .atoms import EMPTY_DICTIONARY, EMPTY_TUPLE, FALSE_ATOM, NONE_ATOM, TRUE_ATOM, UNICODE_HEAD
from .basics import WRITE
from .context import Sendable, SendingTables
from .cures import NO_TEXT, why_not
from .foreign import Adoption, adoption_of
from .forms import form_of
from .plans import Outgoing, Plain, field_of, refuse_to_wait, wire_name
from .registry import outgoing

SMALL_INTS = [int_token(n) for n in range(128)]
LIST_ATOM_HEADS = [list_head(n + 1) + b"\x08\x87" for n in range(64)]  # up to the first of n items
TUPLE_ATOM_HEADS = [list_head(n + 1) + b"\x0b\x87" for n in range(64)]
DICTIONARY_ATOM_HEADS = [list_head(n + 1) + b"\x05\x87" for n in range(64)]
WORD_TEXTS = frozenset(word.decode() for word in VOCAB_TOKENS)
PLAIN_CLASSES: dict[type, Plain] = {}  # Copyable classes without hooks; filled by the classes themselves
PLAIN_CLASSES_KEPT = 4_096
HOOKS = frozenset(("getStateToCopy", "getStateToCopyFor", "getTypeToCopy", "getTypeToCopyFor"))
TEXT_HEADS = [UNICODE_HEAD + string_head(n) for n in range(128)]  # up to the first byte of a short text
KEY_HEAD = b"\x02\x80" + UNICODE_HEAD  # the same behind the head of a dictionary's pair
KEY_HEADS = [b"\x02\x80" + head for head in TEXT_HEADS]
ATTRIBUTES: dict[str, bytes] = {}  # attribute name -> "(name" of its pair in a state; names of our own classes only
ATTRIBUTES_KEPT = 4_096
SHORT_TEXT = 128
MESSAGES_WRITTEN = 0  # numbers messages, and within one what follows a hook, so that hooks are looked for once in each


def text_atom(text: str) -> bytes:
    """The whole atom ``(unicode "...")``."""
    data = text.encode()
    return UNICODE_HEAD + bytes_token(data)


class Encoder:
    """
    Writes one jelly after another; :meth:`written` gives their bytes.

    ``tables`` owns the ids of what goes out by reference or as a cache (``None``: nothing may), ``perspective`` is
    who the peer is to the objects' hooks, ``depth`` the ceiling of lists inside lists.
    """

    __slots__ = (
        "_depth",
        "_depth_limit",
        "_floor",
        "_is_deep",
        "_is_too_deep",
        "_kept",
        "_list_limit",
        "_memo",
        "_message",
        "_next_reference",
        "_sink",
        "_string_limit",
        "_top",
        "dialect",
        "items_at_most",
        "perspective",
        "tables",
    )

    def __init__(self, tables: SendingTables | None, perspective: Any, depth: int, dialect: Dialect = PB) -> None:
        self._sink = Sink()
        self._message = 0
        self.begin(tables, perspective, depth, dialect)

    def begin(self, tables: SendingTables | None, perspective: Any, depth: int, dialect: Dialect = PB) -> None:
        """Start on another jelly, as new; making an Encoder costs more than this."""
        self._sink.begin()
        self._look_again()
        self.tables = tables
        self.perspective = perspective
        self.dialect = dialect
        self._list_limit = dialect.list_items
        self._string_limit = dialect.string_bytes
        # Numbers given later put a list around what is written, so that depth may double: at half of it a note is made.
        self._depth_limit = depth
        self._depth = depth // 2
        self._floor = self._depth - depth
        self._is_deep = self._is_too_deep = False
        self.items_at_most = 0  # in all lists that were written: not less than there are
        self._begin_jelly()

    def _look_again(self) -> None:
        """Code of the application may have run since hooks were looked for."""
        global MESSAGES_WRITTEN
        MESSAGES_WRITTEN += 1
        self._message = MESSAGES_WRITTEN

    def _begin_jelly(self) -> None:
        """Numbers of references start again, as each jelly has its own."""
        # id -> the place where it begins; or -n once it is (reference n. Made when the first container comes.
        self._memo: dict[object, int] | None = None
        self._kept: list[object] | None = None
        self._top: object = None  # the arguments or keywords of a call
        self._next_reference = 1

    def written(self) -> Pieces:
        """What was written since this was last asked, in order; large strings are pieces of their own."""
        return self._sink.take()

    def let_go(self) -> None:
        """Let go of what was written."""
        self._sink.begin()
        self.tables = self.perspective = self._memo = self._kept = self._top = None

    def encode(self, value: Any) -> None:
        """
        Write one value and all that it leads to.

        Raises:
            NotSendable: something in it may not cross. The tables hold the beginning: the caller undoes.
        """
        kind = type(value)
        if kind is str:
            self._text(value, UNICODE_HEAD, TEXT_HEADS)
        elif kind is int:
            self._int(value)
        elif kind is float:
            self._sink.put_float(value)
        elif kind is bool:
            self._sink.put(TRUE_ATOM if value else FALSE_ATOM)
        elif value is None:
            self._sink.put(NONE_ATOM)
        elif kind is bytes:
            self._bytes(value)
        elif kind is dict:
            if self._begin(value):
                self._dictionary(value, len(value), False)
        elif kind is list:
            if self._begin(value):
                self._sequence(LIST_ATOM_HEADS, b"\x08\x87", value, len(value))
        elif kind is tuple:
            if self._begin(value):
                self._sequence(TUPLE_ATOM_HEADS, b"\x0b\x87", value, len(value))
        elif kind is set:
            if self._begin(value):
                self._sequence(None, b"\x03\x82set", value, len(value))
        elif kind is frozenset:
            if self._begin(value):
                self._sequence(None, b"\x09\x82frozenset", value, len(value))
        else:
            self._object(value, kind)

    @property
    def may_be_too_deep(self) -> bool:
        """Whether the numbers of shared parts may have taken what is written over the ceiling: it has to be measured."""
        return self._is_too_deep or (self._is_deep and self._next_reference > 1)

    def encode_arguments(self, args: tuple[Any, ...]) -> None:
        """Write the positional arguments of a call, a jelly of its own."""
        if not args:
            self._sink.put(EMPTY_TUPLE)
            return
        self._enter(1)
        self.items_at_most += 4 * len(args) + 1
        self._top = args
        self._sink.put(TUPLE_ATOM_HEADS[len(args)] if len(args) < 64 else list_head(len(args) + 1) + b"\x0b\x87")
        value = None
        try:
            for value in args:  # the tuple itself is new and can't be met again: it needs no number
                self.encode(value)
        except NotSendable as error:
            error.within(f"args[{_place(args, value)}]")
            raise
        self._depth += 1

    def encode_keywords(self, kwargs: dict[str, Any]) -> None:
        """Write the keyword arguments of a call, a jelly of its own."""
        if not kwargs:
            self._sink.put(EMPTY_DICTIONARY)
            return
        self._is_too_deep = self.may_be_too_deep
        self._begin_jelly()
        self._top = kwargs
        try:
            self._dictionary(kwargs, len(kwargs), True)
        except NotSendable as error:
            error.within("kwargs")
            raise

    # --- what the flavours call

    def write_id(self, word: bytes, luid: int | bytes) -> None:
        """Write ``(word luid)``: a reference, or something the peer knows by its id."""
        self.items_at_most += 2
        self._sink.put(b"\x02\x80" + bytes_token(word))
        self._sink.put(int_token(luid) if isinstance(luid, int) else bytes_token(luid))

    def write_copy(self, instance: object, tag: str | bytes, state: Any) -> None:
        """Write ``(tag state)``."""
        if type(state) is not dict:
            refuse_to_wait(instance, "getStateToCopy", state)
        self._look_again()
        self._remember(instance)
        self._sink.put(b"\x02\x80")
        self._sink.put(_tag(instance, tag))
        self._state(state)

    def has_no_hooks(self, kind: type, hooks: tuple[str, ...]) -> None:
        """Instances of this class cross as their ``__dict__`` under the class's name, as long as these are what they are."""
        if len(PLAIN_CLASSES) < PLAIN_CLASSES_KEPT:
            PLAIN_CLASSES[kind] = Plain(kind, hooks)

    def write_cache(self, instance: object, tag: str | bytes, luid: int, state: Any) -> None:
        """Write ``(tag luid state)``."""
        if type(state) is not dict:
            refuse_to_wait(instance, "getStateToCacheAndObserveFor", state)
        self._look_again()
        self._remember(instance)
        self._sink.put(b"\x03\x80")
        self._sink.put(_tag(instance, tag))
        self._sink.put(int_token(luid))
        self._state(state)

    def begin_form(self, instance: object, count: int) -> None:
        """
        Begin a list of ``count`` items that stands for an instance, which leads back to it when it is met again.

        Who calls this has the items encoded. ``None`` for an instance makes a list that stands for nothing.
        """
        self.items_at_most += 4 * count
        if instance is not None:
            self._remember(instance)
        if count > self._list_limit:
            check_size("a list", count, "items", self._list_limit, self.dialect)
        self._sink.put(list_head(count))

    def write_buffer(self, view: memoryview) -> None:
        """
        Write the bytes of a flat memoryview as a byte string. Those of a large one are not copied: until the peer has
        acknowledged the message, they must not change.
        """
        size = len(view)
        if size < LARGE_PIECE:
            self._bytes(bytes(view))
            return
        if size > self._string_limit:
            check_size("a byte string", size, "bytes", self._string_limit, self.dialect)
        self._sink.put(string_head(size))
        self._sink.put_large(view)

    def path_to(self, part: object) -> str:
        """The way from the top to a part that is just being written, as ``args[0].items[3]``: for messages, and slow."""
        steps: list[str] = []
        kept = self._kept or []
        for i in range(len(kept) - 1, -1, -1):
            around = kept[i]
            step = _step_to(part, around)
            if step:
                part = around
                owner = kept[i - 1] if i else None
                if type(around) is dict and _is_state_of(owner, around):
                    step, part = "." + step[1:-1].strip("'"), owner
                steps.append(step)
        if self._top is not None:
            steps.append(_step_to(part, self._top))
            steps.append("args" if isinstance(self._top, tuple) else "kwargs")
        return way_in_short("".join(reversed(steps)))

    # --- sharing

    def _begin(self, container: object) -> bool:
        """Whether this container is met for the first time; if not, ``(dereference n)`` has been written."""
        if self._memo is not None and id(container) in self._memo:
            self._met_again(self._memo, id(container))
            return False
        self._remember(container)
        return True

    def _remember(self, instance: object) -> None:
        if self._memo is None or self._kept is None:
            self._memo = {}
            self._kept = []
        self.items_at_most += 6  # (reference n (tag id state)), where it is one
        self._memo[id(instance)] = self._sink.place
        self._kept.append(instance)

    def _met_again(self, memo: dict[object, int], key: object) -> None:
        place = memo[key]
        if place >= 0:
            number = self._next_reference
            self._next_reference = number + 1
            self._sink.insert(place, b"\x03\x80\x04\x87" + int_token(number))
            memo[key] = place = -number
        self._sink.put(b"\x02\x80\x03\x87" + int_token(-place))

    # --- values

    def _int(self, value: int) -> None:
        if 0 <= value < 128:
            self._sink.put(SMALL_INTS[value])
        elif 0 < value < 1 << 31:
            self._sink.put_natural(value)
        else:
            self._sink.put(int_token(value))

    def _text(self, text: str, head: bytes, heads: list[bytes]) -> None:
        """Write ``(unicode text)`` behind this head, or the one of these that holds the length, where that is short."""
        if COMPILED and self._sink.put_ascii(head, text):
            return
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise NotSendable(NO_TEXT.format(reason=error.reason)) from None
        size = len(data)
        if size < 128:
            self._sink.put(head + VOCAB_TOKENS[data] if size < 14 and text in WORD_TEXTS else heads[size] + data)
            return
        if size > self._string_limit:
            check_size("a str", size, "bytes", self._string_limit, self.dialect)
        self._sink.put(head + string_head(size))
        self._body(data, size)

    def _bytes(self, data: bytes) -> None:
        size = len(data)
        if size < 14 and data in VOCAB_TOKENS:  # no word of the vocabulary is longer
            self._sink.put(VOCAB_TOKENS[data])
            return
        if size > self._string_limit:
            check_size("a byte string", size, "bytes", self._string_limit, self.dialect)
        self._sink.put(string_head(size))
        self._body(data, size)

    def _body(self, data: bytes, size: int) -> None:
        if size >= LARGE_PIECE:
            self._sink.put_large(data)
        else:
            self._sink.put(data)

    def _sequence(self, heads: list[bytes] | None, word: bytes, items: Iterable[Any], size: int) -> None:
        self._enter(1)
        self.items_at_most += 4 * size + 1  # an item of its own, or an atom of two or three
        if size < 64 and heads is not None:
            self._sink.put(heads[size])
        else:
            if size >= self._list_limit:
                check_size("a list", size + 1, "items", self._list_limit, self.dialect)
            self._sink.put(list_head(size + 1) + word)
        item = None
        try:
            for item in items:
                self.encode(item)
        except NotSendable as error:
            error.within(f"[{_place(items, item)}]")
            raise
        if len(items) != size:  # type: ignore[arg-type]  # every caller passes a sized container
            raise NotSendable("it was changed while it was written, by a hook of something in it")
        self._depth += 1

    def _dictionary(self, items: dict[Any, Any], size: int, are_attributes: bool) -> None:
        """Write ``(dictionary (key value) ...)``."""
        self._enter(2)
        self.items_at_most += 9 * size + 1
        sink = self._sink
        if size < 64:
            sink.put(DICTIONARY_ATOM_HEADS[size])
        else:
            if size >= self._list_limit:
                check_size("a dict", size + 1, "items", self._list_limit, self.dialect)
            sink.put(list_head(size + 1) + b"\x05\x87")
        key = None
        try:
            for key, value in items.items():
                if type(key) is not str:
                    sink.put(b"\x02\x80")
                    self.encode(key)
                elif are_attributes:
                    sink.put(ATTRIBUTES.get(key) or _attribute(key, items is not self._top))
                else:
                    self._text(key, KEY_HEAD, KEY_HEADS)
                kind = type(value)
                if kind is str:
                    self._text(value, UNICODE_HEAD, TEXT_HEADS)
                elif kind is int:
                    self._int(value)
                else:
                    self.encode(value)
        except NotSendable as error:
            error.within(f".{key}" if are_attributes else f"[{_short(key)}]")
            raise
        self._depth += 2

    def _state(self, state: Any) -> None:
        """The state of an instance: its dictionary, or whatever its hook returned."""
        if type(state) is dict:
            if self._begin(state):
                self._dictionary(state, len(state), True)
        else:
            self.encode(state)

    def _object(self, instance: Any, kind: type) -> None:
        if self._memo is not None and id(instance) in self._memo:
            self._met_again(self._memo, id(instance))
            return
        plain = PLAIN_CLASSES.get(kind)
        if plain is not None and (plain.seen_in == self._message or self._is_plain(plain, kind)):
            self._remember(instance)
            self._sink.put(plain.head)
            self._enter(1)
            self._state(instance.__dict__)
            self._depth += 1
        elif isinstance(instance, Sendable):
            self._enter(1)
            instance.jelly_into(self)
            self._look_again()
            self._depth += 1
        elif kind in outgoing:
            self._dataclass(instance, outgoing[kind])
        elif kind in WRITE:
            self._sink.put(WRITE[kind](instance, self.dialect))
        elif (adoption := adoption_of(kind, self.tables, self.dialect)) is not None:
            self._foreign(instance, adoption)
        elif kind is GeneratorType or hasattr(kind, "__anext__"):
            self._stream(instance, kind)
        else:
            self._form(instance, kind)

    def _foreign(self, instance: Any, adoption: Adoption) -> None:
        """An instance of a type that was adopted."""
        self._enter(1)
        adoption.write(instance, self)
        self._look_again()
        self._depth += 1

    def _is_plain(self, plain: Plain, kind: type) -> bool:
        """Whether the class is without hooks still."""
        if not plain.holds(kind):
            PLAIN_CLASSES.pop(kind, None)
            return False
        plain.seen_in = self._message
        return True

    def _dataclass(self, instance: Any, plan: Outgoing) -> None:
        self._remember(instance)
        sink = self._sink
        sink.put(plan.head)
        self._enter(3)
        pairs = plan.pairs
        size = len(pairs)
        self.items_at_most += 9 * size + 1
        sink.put(DICTIONARY_ATOM_HEADS[size] if size < 64 else list_head(size + 1) + b"\x05\x87")
        values = instance.__dict__ if plan.is_plain else None
        name = None
        try:
            for name, head in pairs:
                sink.put(head)
                value = values[name] if values is not None and name in values else field_of(instance, name)
                kind = type(value)
                if kind is str:
                    self._text(value, UNICODE_HEAD, TEXT_HEADS)
                elif kind is int:
                    self._int(value)
                else:
                    self.encode(value)
        except NotSendable as error:
            error.within(f".{name}")
            raise
        self._depth += 3

    def _stream(self, iterator: Any, kind: type) -> None:
        """An iterator stays where it is; the peer gets what it can read it by."""
        source = None if self.tables is None else self.tables.caller.driver.source_of(iterator, self.perspective)
        if source is None:
            self.unsendable(iterator, kind)
            return
        self._enter(2)
        source.jelly_into(self)
        self._depth += 2

    def _form(self, instance: Any, kind: type) -> None:
        """What PB has no form for: a form of our own, if the peer knows it."""
        form = form_of(kind) if self.dialect.name == LIKEWISE_1.name else None
        if form is None:
            self.unsendable(instance, kind)
            return
        self._enter(1)
        form.write(self, instance)
        self._depth += 1

    def unsendable(self, instance: Any, kind: type) -> None:
        """What to do with a value of a type that has no form; a driver may do otherwise than refuse."""
        raise NotSendable(why_not(instance, kind, self.dialect))

    def _enter(self, lists: int) -> None:
        self._depth -= lists
        if self._depth < 0:
            if self._depth < self._floor:
                raise NotSendable(
                    f"nested over {self._depth_limit} lists deep, where a copy in a copy takes three: the peer would refuse "
                    "it (limits.depth). Send what is chained side by side in a list, or set a higher depth at both ends"
                )
            self._is_deep = True


def _tag(instance: object, tag: Any) -> bytes:
    """The token of what a ``getTypeToCopy`` returned."""
    if isinstance(tag, str):
        return bytes_token(tag.encode())
    if isinstance(tag, bytes):
        return bytes_token(tag)
    refuse_to_wait(instance, "getTypeToCopy", tag)
    raise NotSendable(f"getTypeToCopy of {wire_name(type(instance))} must return a str or bytes, not a {type(tag).__name__}")


def _attribute(name: str, of_instance: bool) -> bytes:
    """``(name`` as it begins a pair of a state; remembered, for there are few."""
    if of_instance and name in HOOKS:
        raise NotSendable("a hook that is set on one instance, where it is not looked for: set it on the class")
    try:
        pair = b"\x02\x80" + text_atom(name)
    except UnicodeEncodeError as error:
        raise NotSendable(f"an attribute name that UTF-8 can't spell: {error.reason}") from None
    if len(ATTRIBUTES) < ATTRIBUTES_KEPT and len(name) < SHORT_TEXT and name not in HOOKS:
        ATTRIBUTES[name] = pair
    return pair


def _place(items: Iterable[Any], item: Any) -> str:
    """Where the item that failed lies, found only now."""
    if isinstance(items, (set, frozenset)):
        return "a member"
    return str(next((i for i, each in enumerate(items) if each is item), "?"))


def _step_to(part: object, around: Any) -> str:
    """How a container leads to a part of it; empty if it does not, or is none."""
    if isinstance(around, dict):
        return next((f"[{_short(key)}]" for key, value in around.items() if value is part or key is part), "")
    if isinstance(around, (list, tuple, set, frozenset)):
        return next((f"[{_place(around, item)}]" for item in around if item is part), "")
    if type(around) in outgoing:
        return next((f".{name}" for name in outgoing[type(around)].fields if getattr(around, name, None) is part), "")
    return ""


def _is_state_of(owner: Any, state: dict[Any, Any]) -> bool:
    """Whether what was begun right before a dict is the instance that it is the state of."""
    if isinstance(owner, Sendable):
        return True
    return getattr(owner, "__dict__", {}).keys() == state.keys() and not isinstance(owner, dict)


def _short(key: Any) -> str:
    return clip(key, 60) if isinstance(key, (str, bytes, int, float, bool, type(None))) else f"a {type(key).__name__}"
