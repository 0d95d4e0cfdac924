"""
How an exception crosses: as a :class:`CopyableFailure` on its way out, as a :class:`CopiedFailure` where it arrives.

The names on the wire are Twisted's. What arrives is checked: whatever the peer leaves out or gets wrong, the caller
has a Failure that can be compared, printed and raised.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from twisted.internet import defer
from twisted.python import failure, log, reflect

from .. import errors
from ..bounded import args_of, clip, is_small, one_line, outline, text_of
from ..jelly.plans import may_be_set
from ..limits import ERROR_BYTES
from ..objects.error_state import NOTES, carried_by, error_names, names_of_remote, short, state_not_sent, written_alone
from ..objects.rebuilt import LONGEST_ERROR_NAME, MOST_PARENTS, NO_TRACEBACK, CarriedParts, Described, as_text
from .faults import OUR_NAMES, RemoteError
from .flavors import Copyable, RemoteCopy
from .jelly import setUnjellyableForClass

MOST_FRAMES: Final = 20  # of a traceback in the log: what a peer has nested has as many as it likes
LONGEST_LINE: Final = 1_000  # characters of a text in the log, where it is not that of a small exception
TEXT: Final = 600_000  # characters of an exception that cross: Twisted takes no string that is much longer
PARTS: Final = 50_000  # parts and characters of what an exception holds, up to which it is printed


def can_be_printed(value: Any, text: int = TEXT) -> bool:
    """
    Whether the text of an exception has an end: one may hold what a peer sent, shared so that it has 2**40 leaves.

    A ``__str__`` of the application's knows what it prints.
    """
    if not isinstance(value, BaseException) or not hasattr(type(value).__str__, "__objclass__"):
        return True
    args: Any = args_of(value)
    if all(isinstance(each, (str, bytes)) for each in args):
        return sum(map(len, args)) <= text
    if isinstance(value, BaseExceptionGroup):  # whose text counts its members, and prints none of them
        return is_small(args[0], size=PARTS)
    return is_small(args, size=PARTS)


def in_short(error: Any) -> str:
    """Its arguments named, not printed."""
    return ", ".join(clip(each) for each in args_of(error)[:4])


def full_text(value: Any) -> str:
    """The text of what a Failure holds, which need be no exception: as much as may cross, and bounded in work."""
    if isinstance(value, errors.RemoteError):  # passed on: what it said where it was raised
        return short(value.text, TEXT)
    if isinstance(value, (str, bytes)):
        return as_text(value, TEXT).encode("utf-8", "replace").decode()
    if not isinstance(value, BaseException):
        return clip(value)
    if not can_be_printed(value):
        return in_short(value).encode("utf-8", "replace").decode()
    try:
        return short(str(value), TEXT)
    except BaseException as broken:  # an application's own __str__
        return f"(its text can't be had: {type(broken).__name__})"


def names_told(failed: failure.Failure) -> list[str]:
    """The full names of the class of what a Failure holds, and of its bases, as a peer of Twisted's knows them."""
    kind: Any = failed.type
    if isinstance(failed.value, errors.RemoteError):
        names = names_of_remote(failed.value)
    elif isinstance(kind, type):  # of whatever: who fails with a str, or is cancelled, has no Exception
        names = list(dict.fromkeys(error_names(kind)))
    else:
        names = [_text(kind), *map(_text, failed.parents)]
        names = list(dict.fromkeys(names))
    told = [name for name in names[1:] if name not in OUR_NAMES]
    return [name.encode("utf-8", "replace").decode() for name in (names[0], *told)]


class Shown(Exception):
    """Stands in a Failure for an exception whose text is not for a log."""


def for_log(failed: failure.Failure) -> failure.Failure:
    """
    A Failure that can be printed: itself, or one of the same class that says as much as a log can take.

    An exception may hold what a peer sent, which has as many leaves and control characters as it likes; and a traceback
    has as many frames as what was nested.
    """
    value, frames = failed.value, failed.frames
    if not isinstance(value, BaseException):
        if isinstance(failed, CopiedFailure) or (isinstance(value, str) and len(value) <= LONGEST_LINE):
            return failed
        return failure.Failure(Shown(one_line(full_text(value)[:LONGEST_LINE])), failed.type)
    is_plain = is_small(value) and all(map(str.isprintable, text_of(value).split("\n")))
    if is_plain and len(frames) <= MOST_FRAMES:
        return failed
    text = text_of(value) if is_plain else one_line(text_of(value, LONGEST_LINE))
    shown = failure.Failure(Shown(text), failed.type)
    shown.parents = failed.parents
    shown.frames = frames if len(frames) <= MOST_FRAMES else [*frames[:4], *frames[4 - MOST_FRAMES :]]
    return shown


class CopyableFailure(failure.Failure, Copyable):
    """A Failure on its way to the peer. Its traceback goes along only with ``unsafeTracebacks``."""

    __module__ = "twisted.spread.pb"
    unsafeTracebacks: Any = 0

    def getStateToCopy(self) -> dict[str, Any]:
        """What the peer is told: type, text, the names of the base classes."""
        state = self.__dict__.copy()
        state.pop("_parents", None)
        if "_frames" in state:  # of a Failure that went through a Deferred: names of files, functions and lines
            state["_frames"] = []
        state["tb"] = None
        state["frames"] = []
        state["stack"] = []
        return state | self.told()

    def told(self) -> dict[str, Any]:
        """The part of it that is made of the exception."""
        error: Any = self.value
        names, text = names_told(self), full_text(error)
        told = {"value": text, "type": names[0].encode(), "parents": names, "traceback": NO_TRACEBACK}
        if isinstance(self.type, bytes):
            told["type"] = self.type
        if self.unsafeTracebacks:
            told["traceback"] = self.getTraceback() if can_be_printed(error) else outline(error)
        if isinstance(error, BaseException):
            carried = carried_by(error, text)
            if carried:
                told["carried"] = carried
        return told


class InShort(Copyable):
    """A Failure of which class and text alone are told, for one that could not be sent."""

    __module__ = "twisted.spread.pb"

    def __init__(self, failed: failure.Failure, why: BaseException) -> None:
        self.failed = failed
        self.why = why

    def getTypeToCopy(self) -> bytes:
        return reflect.qual(CopyableFailure).encode()

    def getStateToCopy(self) -> dict[str, Any]:
        """What every peer expects."""
        names = names_told(self.failed)
        nothing: list[Any] = []
        return {
            "count": self.failed.count,
            "type": names[0].encode(),
            "value": full_text(self.failed.value),
            "captureVars": False,
            "tb": None,
            "unsafeTracebacks": False,
            "parents": names,
            "frames": nothing,
            "stack": nothing,
            "traceback": NO_TRACEBACK,
            "carried": written_alone({NOTES: [state_not_sent(self.why)]}),
        }


class CopiedFailure(RemoteCopy, failure.Failure):
    """
    A Failure of the peer.

    ``type`` is the full name of the exception's class there (bytes), ``value`` its text and ``traceback`` its
    traceback, or a line that says there is none. :meth:`trap` and :meth:`check` compare names, of the class and of
    its bases. Where a real exception is needed it is a :class:`~.faults.RemoteError`.
    """

    __module__ = "twisted.spread.pb"
    traceback: str = NO_TRACEBACK
    carried: bytes = b""  # what else was told of the exception; see likewise.objects.error_state

    def setCopyableState(self, state: Any) -> None:
        items = state.items() if isinstance(state, dict) else ()
        known = {_text(key): value for key, value in items}
        kind = known.pop("type", b"unknown")
        parents = known.pop("parents", None)
        parents = parents[:MOST_PARENTS] if isinstance(parents, (list, tuple)) else [kind]
        count, carried = known.pop("count", 0), known.pop("carried", b"")
        own = {
            "type": kind[:LONGEST_ERROR_NAME] if isinstance(kind, (bytes, str)) else _text(kind).encode(),
            "value": _text(known.pop("value", ""), TEXT + 100_000),
            "traceback": _text(known.pop("traceback", NO_TRACEBACK), TEXT),
            "carried": carried if isinstance(carried, bytes) and len(carried) <= ERROR_BYTES else b"",
            "count": count if type(count) is int else 0,
            "captureVars": False,
            "tb": None,
            "_parents": [_text(name) for name in parents],
            "_frames": [],
        }
        self.__dict__ = {key: value for key, value in known.items() if _is_free(key)} | own

    def described(self) -> Described:
        """What came, for who makes an exception of it."""
        shown = {"type": self.type, "parents": self.parents, "count": self.count}
        told = Described({**shown, "traceback": self.traceback, "carried": self.carried})
        told.text = _text(self.value, TEXT)
        return told

    def printTraceback(self, file: Any = None, elideFrameworkCode: Any = 0, detail: str = "default") -> None:
        """Write one line that says what happened at the peer."""
        (log.logfile if file is None else file).write(f"Traceback from remote host -- {self._told()}\n")

    printBriefTraceback = printTraceback
    printDetailedTraceback = printTraceback

    def __repr__(self) -> str:
        return f"<{reflect.qual(type(self))} {self._told()}>"

    def _told(self) -> str:
        value: Any = self.value
        return one_line(f"{_text(self.type)[:500]}: {value[:10_000]}")

    def remote_error(self) -> RemoteError:
        """This as an exception."""
        error = RemoteError(self.type, self.value, self.traceback)
        told = self.described()
        came = CarriedParts(told, ())
        error.parents, error.id = told.parents, told.id
        error.remote_args, error.members, error.carried = came.args, tuple(came.members), came.parts
        came.noted(error)
        return error

    def raiseException(self) -> NoReturn:
        """Raise this, as a RemoteError."""
        raise self.remote_error()

    def throwExceptionIntoGenerator(self, g: Any) -> Any:
        """Raise this where a generator is waiting, as a RemoteError."""
        return g.throw(self.remote_error())


def _text(value: Any, size: int = LONGEST_ERROR_NAME) -> str:
    """Text of what peers send as bytes or str, and a hostile one as anything; cut to ``size``."""
    return as_text(value, size)


def _is_free(name: str) -> bool:
    """Whether a peer may set an attribute of a CopiedFailure: none that Twisted's Failure, or we, look at."""
    return not name.startswith("_") and may_be_set(CopiedFailure, name)


setUnjellyableForClass(CopyableFailure, CopiedFailure)


def failure2Copyable(fail: Any, unsafeTracebacks: Any = 0) -> CopyableFailure:
    """A Failure that can cross."""
    copyable = CopyableFailure.__new__(CopyableFailure)
    copyable.__setstate__(fail.__getstate__())
    copyable.unsafeTracebacks = unsafeTracebacks
    return copyable


class Answer(defer.Deferred[Any]):
    """What ``callRemote`` returns: a Deferred that an asyncio Future may be made of, whatever the peer answers."""

    is_unheard = False  # nobody need look at how it ends

    def asFuture(self, loop: Any) -> Any:
        self.addErrback(_as_exception)
        return super().asFuture(loop)


def _as_exception(failed: failure.Failure) -> Any:
    return failure.Failure(failed.remote_error()) if isinstance(failed, CopiedFailure) else failed
