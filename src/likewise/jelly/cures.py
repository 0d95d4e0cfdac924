"""
What to write instead, for each value that can't cross: one table, for every refusal of the encoder.

An entry says what the value is and, behind a colon, what to do about it; ``x`` is the value. A class has the entry of the
first of its bases that has one, by its full name: nothing is imported for this. What has a form between two ends of likewise
has its entry for a peer that speaks ``pb``.
"""

from __future__ import annotations

import collections.abc
from typing import Any, Final

from ..wire.tokens import LIKEWISE_1, PB, Dialect
from .forms import FORMS, form_of
from .marks import is_attrs, is_dataclass, is_pydantic, is_struct
from .plans import wire_name

REFERENCE: Final = "pass a likewise.Referenceable with a remote_ method that uses it"
CODE: Final = f"code doesn't cross; {REFERENCE.replace('uses', 'calls')}"

AGAIN: Final = "and where it arrives make it {name}(...) again"

PATH_CURE: Final = "a {short}: a path means something on this machine only; send str(x), or os.fsencode(x)"

CURES: Final[dict[str, str]] = {
    # Python's own values
    "builtins.bytearray": "a bytearray: send bytes(x)",
    "builtins.memoryview": "a memoryview: send bytes(x)",
    "builtins.complex": "a complex: send (x.real, x.imag)",
    "builtins.range": "a range: send list(x)",
    "builtins.slice": "a slice: send (x.start, x.stop, x.step)",
    "builtins.ellipsis": "an ellipsis: send None, or a str that stands for it",
    "builtins.NotImplementedType": "NotImplemented: send None, or a str that stands for it",
    "builtins.mappingproxy": "a read-only view of a dict: send dict(x)",
    "fractions.Fraction": "a Fraction: send str(x), or (x.numerator, x.denominator)",
    "uuid.UUID": "a UUID: send str(x) or x.bytes, or likewise.adopt() the type",
    "array.array": "an array of numbers: send x.tolist(), or x.tobytes()",
    "collections.deque": f"a {{name}}: send list(x), {AGAIN}",
    "collections.OrderedDict": f"a {{name}}: send dict(x), which keeps the order, {AGAIN}",
    "collections.defaultdict": f"a {{name}}: send dict(x), {AGAIN}",
    "collections.Counter": f"a {{name}}: send dict(x), {AGAIN}",
    "collections.UserDict": "a UserDict: send dict(x)",
    "collections.UserList": "a UserList: send list(x)",
    "collections.UserString": "a UserString: send str(x)",
    "enum.Enum": "a member of the Enum {name}: put @likewise.copyable above the class, or send its .value or .name",
    "datetime.timezone": "a timezone: send x.utcoffset(None)",
    "zoneinfo.ZoneInfo": "a ZoneInfo: send its name, str(x)",
    "datetime.tzinfo": "a time zone of the class {name}: send its name, str(x), or a zoneinfo.ZoneInfo",
    "re.Pattern": "a compiled pattern: send x.pattern, and compile it there",
    "re.Match": "a match: send x.group(), or x.groups()",
    "pathlib.PurePath": PATH_CURE,
    "pathlib._local.PurePath": PATH_CURE,  # its name in CPython 3.13, and in no other
    "os.DirEntry": "a directory entry: send x.path",
    "types.SimpleNamespace": "a SimpleNamespace: send vars(x), or make a @likewise.copyable dataclass of it",
    "types.GenericAlias": "an annotation: send its name",
    "weakref.ReferenceType": "a weak reference: send x(), which is what it refers to",
    "builtins.BaseException": "an exception: send str(x), or raise x from a remote method",
    "builtins.traceback": "a traceback: send traceback.format_tb(x)",
    "builtins.frame": "a frame of the stack: send what you need of x.f_locals",
    # What runs, waits or is to be waited for
    "builtins.coroutine": "a coroutine that nobody has awaited: await it, send (await x)",
    "builtins.generator": "a generator, which stays where it runs: send a list of what it yields, or several calls",
    "builtins.async_generator": "an async generator, which stays where it runs: send a list of what it yields",
    "_asyncio.Future": "something that is awaited: await it, send (await x)",
    "asyncio.futures.Future": "something that is awaited: await it, send (await x)",
    "concurrent.futures._base.Future": "a Future of a thread: send x.result(), or await asyncio.wrap_future(x)",
    "twisted.internet.defer.Deferred": "a Deferred: await it, send (await x)",
    # What belongs to this process
    "_io._IOBase": f"an open file: send what x.read() gives, or likewise.send_pages(); or {REFERENCE}",
    "_socket.socket": f"a socket, which belongs to this process: {REFERENCE}",
    "_thread.lock": f"a lock, which belongs to this process: leave it out (getStateToCopy), or {REFERENCE}",
    "_thread.RLock": f"a lock, which belongs to this process: leave it out (getStateToCopy), or {REFERENCE}",
    "threading.Condition": f"a lock, which belongs to this process: leave it out (getStateToCopy), or {REFERENCE}",
    "threading.Event": f"an event of threads, which belongs to this process: leave it out, or {REFERENCE}",
    "threading.Semaphore": f"a lock, which belongs to this process: leave it out (getStateToCopy), or {REFERENCE}",
    "threading.Thread": f"a thread, which belongs to this process: {REFERENCE}",
    "_thread._local": "what each thread has of its own: send the attributes that you need",
    "queue.Queue": f"a queue, which belongs to this process: yield from a remote method (a stream), or {REFERENCE}",
    "asyncio.queues.Queue": f"a queue, which belongs to this process: yield from a remote method (a stream), or {REFERENCE}",
    "asyncio.mixins._LoopBoundMixin": f"a lock of an event loop: leave it out (getStateToCopy), or {REFERENCE}",
    "asyncio.events.AbstractEventLoop": f"an event loop, which belongs to this process: leave it out, or {REFERENCE}",
    "multiprocessing.process.BaseProcess": f"a process: send x.pid, or {REFERENCE}",
    "subprocess.Popen": f"a process: send x.pid, or {REFERENCE}",
    "logging.Logger": "a logger: send x.name, and get it there",
    "_contextvars.ContextVar": "a context variable: send x.get()",
    "_contextvars.Context": "a context: send dict() of the variables that you need",
    "sqlite3.Row": "a row of a table: send dict(x) or tuple(x)",
    "sqlite3.Connection": f"a connection to a database, which belongs to this process: {REFERENCE}",
    "likewise.objects.by_reference.Referenceable": "{name} crosses by reference, which means nothing outside a connection",
    "likewise.objects.by_reference.RemoteReference": "a RemoteReference, which means nothing outside a connection",
    # Code
    "builtins.module": "a module: send its name, x.__name__",
    "builtins.function": f"a function: {CODE}",
    "builtins.builtin_function_or_method": f"a builtin_function_or_method: {CODE}",
    "builtins.method": f"a method: {CODE}",
    "builtins.code": f"a code object: {CODE}",
    "functools.partial": f"a partial: {CODE}",
    "builtins.property": f"a property: {CODE}",
    # What other packages have
    "numpy.generic": "a number of numpy: send x.item(), or switch on likewise.adapters.numpy.register()",
    "numpy.ndarray": "an array of numpy: send x.tolist(), or switch on likewise.adapters.numpy.register()",
    "numpy.dtype": "a dtype of numpy: send str(x)",
    "pandas.core.frame.DataFrame": 'a DataFrame: send x.to_dict("list"), or its arrays',
    "pandas.core.series.Series": "a Series: send x.tolist(), or x.to_numpy()",
    "pandas._libs.tslibs.timestamps._Timestamp": "a Timestamp: send x.to_pydatetime()",
    "torch.Tensor": "a tensor: send x.tolist(), or x.numpy()",
    "PIL.Image.Image": "an image: send x.size, x.mode and x.tobytes()",
    "sqlalchemy.engine.row.BaseRow": "a row of a table: send tuple(x), or x._asdict()",
    "sqlalchemy.engine.row.Row": "a row of a table: send tuple(x), or x._asdict()",
}
"""Full name of a class -> what its instances are, and what to do. ``{name}`` is the full name of the class itself."""

DATACLASS_CURE: Final = "{name} is a dataclass: put @likewise.copyable above @dataclass, or send dataclasses.asdict(x)"
ATTRS_CURE: Final = "{name} is a class of attrs: put @likewise.copyable above @attrs.define, or send attrs.asdict(x)"
STRUCT_CURE: Final = "{name} is a Struct: put @likewise.copyable above the class, or send msgspec.structs.asdict(x)"
MODEL_CURE: Final = "{name} is a model of pydantic: put @likewise.copyable above the class, or send x.model_dump()"
TUPLE_CURE: Final = "{name} is a named tuple: put @likewise.copyable above the class, or send tuple(x) or x._asdict()"

MARKED: Final = ((is_pydantic, MODEL_CURE), (is_attrs, ATTRS_CURE), (is_struct, STRUCT_CURE), (is_dataclass, DATACLASS_CURE))
"""How classes are made -> what to do about their instances."""

ABLE: Final[tuple[tuple[Any, str], ...]] = (
    (collections.abc.MappingView, "a {short}, which looks into a dict: send list(x)"),
    (collections.abc.Iterator, "a {short}, an iterator: send list(x), or yield its items in a remote method (a stream)"),
    (collections.abc.Awaitable, "a {short}, which is to be awaited: await it, send (await x)"),
)
"""What values can do -> what to do about them, where nothing above is meant."""

REGISTERED: Final = (
    (tuple, "the named tuple {name}: send tuple(x)"),
    (object, "a member of the Enum {name}: send its .name"),
)
"""What has a form because its class is made by ``copyable``: a base -> what to do about instances."""

OF_SOME: Final[dict[str, str]] = {
    "fold": "a {short} with fold=1: send it with fold=0, or as UTC",
    "zone": "a {short} with a time zone: send UTC without tzinfo, or an ISO string",
    "infinity": "a Decimal that is infinite: send str(x)",
    "nan": "a Decimal that is no number: send str(x)",
    "zero": "a Decimal that is a negative zero: send abs() of it, or its text",
}
"""What some values of a type are, for which PB has no form."""

NO_FORM: Final = "{what}: the peer speaks {dialect}, and PB has no form for it; {cure}"

SUBCLASS_OF_VALUE: Final = (
    "{name} is a subclass of {base}, and only {base} itself crosses: convert it, or likewise.adopt() the class"
)
SUBCLASS: Final = "{name} is a subclass of {base}, and only {base} itself crosses: convert it, {base}(x)"
BUILT_IN: Final = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset)

ANY_CODE_CURE: Final = f"a {{short}}: {CODE}"
CLASS_CURE: Final = "the class {name}: classes don't cross; send its name, x.__name__"
ANY_CURE: Final = (
    "an instance of {name}, which nothing allows to cross: make the class a @likewise.copyable dataclass, or derive it from "
    "likewise.Copyable, Cacheable or Referenceable; a type that is not yours likewise.adopt() takes"
)

NO_TEXT: Final = "a str that UTF-8 can't spell ({reason}): if it names a file, send os.fsencode(x), else bytes"


def why_not(instance: Any, kind: Any, dialect: Dialect = PB) -> str:
    """One sentence on why a value can't be sent to a peer that speaks this dialect, and what to do about it."""
    if issubclass(kind, type):
        return CLASS_CURE.format(name=wire_name(instance))
    form = form_of(kind)
    if form is not None and form.name:
        return no_form(next(text for base, text in REGISTERED if issubclass(kind, base)), form.name, kind, dialect)
    entry = _entry_for(kind)
    if form is not None and entry is not None:
        return no_form(entry, wire_name(kind), kind, dialect)
    if dialect.name == LIKEWISE_1.name:
        base = next((base for base in kind.__mro__ if base in FORMS or _entry_of(base)), None)
        if base in FORMS and not FORMS[base].name:
            return SUBCLASS_OF_VALUE.format(name=wire_name(kind), base=base.__name__)
    if entry is None:
        base = next((base for base in BUILT_IN if base in kind.__mro__), None)
        if base is not None:
            return SUBCLASS.format(name=wire_name(kind), base=base.__name__)
        entry = ANY_CODE_CURE if callable(instance) else ANY_CURE
    return entry.format(name=wire_name(kind), short=kind.__name__)


def no_form(entry: str, name: str, kind: type, dialect: Dialect) -> str:
    """One sentence on why what has a form in ``likewise-1`` can't be sent in another dialect."""
    what, cure = entry.format(name=name, short=kind.__name__).split(": ", 1)
    return NO_FORM.format(what=what, dialect=dialect.name.decode(), cure=cure)


def _entry_of(cls: type) -> str | None:
    return CURES.get(f"{cls.__module__}.{cls.__qualname__}")


def _entry_for(kind: Any) -> str | None:
    entry = next(filter(None, map(_entry_of, kind.__mro__)), None)
    if entry is not None:
        return entry
    if tuple in kind.__mro__ and hasattr(kind, "_fields"):
        return TUPLE_CURE
    for belongs, text in (*MARKED, *[(lambda cls, can=can: issubclass(cls, can), text) for can, text in ABLE]):
        if belongs(kind):
            return text
    return None


__all__ = ("CURES", "OF_SOME", "no_form", "why_not")
