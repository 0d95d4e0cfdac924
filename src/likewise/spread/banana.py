"""
Banana, the token layer, as a Twisted protocol: nested lists of byte strings, ints and floats over a stream.

:class:`.pb.Broker` is one of these by name, but reads and writes through likewise's broker; this is for whoever uses
banana by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet import protocol
from twisted.persisted import styles
from twisted.python import log
from twisted.python.reflect import fullyQualifiedName

from ..bounded import shown, text_of
from ..errors import LimitExceeded, NotSendable, RemoteProtocolError
from ..limits import Limits
from ..wire import tokens
from ..wire.framer import Framer
from ..wire.reader import Reader
from ..wire.tokens import VOCABULARY, Dialect, base128, from_base128
from ..wire.writer import write_expression
from .faults import BananaError, MalformedBanana, refused

LIST, INT, STRING, NEG, FLOAT, LONGINT, LONGNEG, VOCAB = (
    bytes((kind,))
    for kind in (
        tokens.LIST,
        tokens.INT,
        tokens.STRING,
        tokens.NEG,
        tokens.FLOAT,
        tokens.LONGINT,
        tokens.LONGNEG,
        tokens.VOCAB,
    )
)
HIGH_BIT_SET = b"\x80"

SIZE_LIMIT = tokens.SIZE_LIMIT
"""Bytes of a string and items of a list, both ways; connections made after it is changed go by the new value."""

_PREFIX_LIMIT = 64


def setPrefixLimit(limit: int) -> None:
    """Set how many bytes of prefix the connections made after this call accept."""
    global _PREFIX_LIMIT
    _PREFIX_LIMIT = limit


def int2b128(integer: int, stream: Callable[[bytes], object]) -> None:
    """Call ``stream`` with the base-128 digits of a number that is not negative."""
    assert integer >= 0, "can only encode positive integers"
    stream(base128(integer))


def b1282int(st: bytes) -> int:
    """The number that base-128 digits spell."""
    return from_base128(st)


def dialect_called(name: bytes) -> Dialect:
    """One of PB's dialects, with the sizes that :data:`SIZE_LIMIT` allows now."""
    known = tokens.NONE if name == b"none" else tokens.PB
    if known.string_bytes == SIZE_LIMIT:
        return known
    return Dialect(known.name, known.has_vocabulary, SIZE_LIMIT, SIZE_LIMIT)


def dialects_called(names: list[bytes]) -> tuple[Dialect, ...]:
    """Several of them; one tuple for all connections that speak the same."""
    return _dialects_called(tuple(names), SIZE_LIMIT)


@functools.lru_cache(16)
def _dialects_called(names: tuple[bytes, ...], size_limit: int) -> tuple[Dialect, ...]:
    return tuple(map(dialect_called, names))


class Banana(protocol.Protocol, styles.Ephemeral):
    """
    Sends and receives s-expressions.

    Override :meth:`expressionReceived`; :meth:`connectionReady` says that both ends agreed on a dialect.
    ``knownDialects`` are those spoken here, the best first.
    """

    knownDialects: ClassVar[list[bytes]] = [b"pb", b"none"]
    outgoingVocabulary: ClassVar[dict[bytes, int]] = {word: i for i, word in enumerate(VOCABULARY) if i}
    incomingVocabulary: ClassVar[dict[int, bytes]] = {i: word for i, word in enumerate(VOCABULARY) if i}

    transport: Any = None
    prefixLimit: Any = None
    sizeLimit = SIZE_LIMIT
    currentDialect: bytes | None = None

    _largestInt = 2**31 - 1
    _smallestInt = -(2**31)
    _framer: Framer | None = None  # made when there is something to read: a Broker reads by its core

    def __init__(self, isClient: Any = 1) -> None:
        self.isClient = isClient

    def setPrefixLimit(self, limit: int) -> None:
        """Set how many bytes of prefix this connection accepts, and with that how large a number may be."""
        self.prefixLimit = limit
        self._framer = None

    @property
    def _largestLongInt(self) -> int:
        return int(2 ** (self.prefixLimit * 7) - 1)

    @property
    def _smallestLongInt(self) -> int:
        return -self._largestLongInt

    def connectionMade(self) -> None:
        """The transport is there: a server offers its dialects."""
        self.currentDialect = None
        self.setPrefixLimit(_PREFIX_LIMIT)
        if not self.isClient:
            self.sendEncoded(self.knownDialects)

    def connectionReady(self) -> None:
        """Both ends agreed on a dialect."""

    def _selectDialect(self, dialect: bytes) -> None:
        self.currentDialect = dialect
        if self._framer is not None:
            self._framer.speak(dialect_called(dialect))
        self.connectionReady()

    def callExpressionReceived(self, obj: Any) -> None:
        """An expression has come: the dialect, if none is agreed on yet."""
        if self.currentDialect:
            self.expressionReceived(obj)
        elif not self.isClient:
            if obj in self.knownDialects:
                self._selectDialect(obj)
            else:
                self._disagree("The client selected a protocol the server didn't suggest and doesn't know: disconnecting.")
        else:
            for name in obj:
                if name in self.knownDialects:
                    self.sendEncoded(name)
                    self._selectDialect(name)
                    return
            self._disagree("The client doesn't speak any of the protocols offered by the server: disconnecting.")

    def _disagree(self, text: str) -> None:
        log.msg(text)
        self.transport.loseConnection()

    def dataReceived(self, chunk: bytes) -> None:
        """
        Take bytes, and pass on the expressions that are whole.

        Raises:
            BananaError: too long a prefix, string or list, or bytes that are no banana. The stream is unusable then.
        """
        framer = self._framer
        if framer is None:
            framer = self._framer = Framer(Limits(prefix_digits=self.prefixLimit))
            if self.currentDialect is not None:
                framer.speak(dialect_called(self.currentDialect))
        try:
            framer.feed(chunk)
            while (frame := framer.next_frame()) is not None:
                self.callExpressionReceived(Reader(frame).read_expression())
        except LimitExceeded as error:
            raise BananaError(f"Security precaution: {text_of(error)}") from None
        except RemoteProtocolError as error:
            raise MalformedBanana(text_of(error)) from None

    def expressionReceived(self, lst: Any) -> None:
        """An expression has come. Override this."""
        raise NotImplementedError

    def sendEncoded(self, obj: Any) -> None:
        """
        Send an s-expression.

        Raises:
            BananaError: it holds something that banana does not carry, or that is too large.
        """
        dialect = dialect_called(self.currentDialect or b"none")
        self.transport.write(encoded(obj, dialect, self._largestLongInt))


def encoded(obj: Any, dialect: Dialect, largest: int = tokens.LARGEST_INT) -> bytes:
    """The bytes of an s-expression; BananaError if it has none."""
    pieces: list[bytes] = []
    try:
        write_expression(pieces, obj, dialect, largest)
    except NotSendable as error:
        if error.too_large is not None:
            raise refused(error) from None
        culprit = _first_unknown(obj)
        raise BananaError(f"Banana cannot send {fullyQualifiedName(type(culprit))} objects: {shown(culprit)}") from None
    return b"".join(pieces)


def _first_unknown(obj: Any) -> Any:
    """What in an expression banana does not carry."""
    for each in obj if isinstance(obj, (list, tuple)) else ():
        found = _first_unknown(each)
        if found is not None:
            return found
    return None if isinstance(obj, (list, tuple, int, float, bytes)) else obj


def encode(lst: Any) -> bytes:
    """The bytes of an s-expression, without a vocabulary."""
    return encoded(lst, dialect_called(b"none"))


def decode(st: bytes) -> Any:
    """
    The s-expression that ``st`` begins with, without a vocabulary.

    Raises:
        BananaError: there is no whole one, or a ceiling is passed.
    """
    found: list[Any] = []
    reader = Banana()
    reader.setPrefixLimit(_PREFIX_LIMIT)
    reader._selectDialect(b"none")
    reader.expressionReceived = found.append  # type: ignore[method-assign,assignment]
    reader.dataReceived(st)
    if not found:
        raise BananaError("the bytes end within an expression")
    return found[0]


__all__ = [
    "FLOAT",
    "HIGH_BIT_SET",
    "INT",
    "LIST",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "SIZE_LIMIT",
    "STRING",
    "VOCAB",
    "Banana",
    "BananaError",
    "b1282int",
    "decode",
    "encode",
    "int2b128",
    "setPrefixLimit",
]
