"""
A peer made by hand: a blocking socket, bytes from ``tests/sexp.py``, nothing of the package.

Hostile cases send with :meth:`Peer.send` whatever they like; the well-behaved client of the corpus is one of these, too.
"""

from __future__ import annotations

import itertools
import socket
import time
from types import TracebackType
from typing import Any

from tests.sexp import TruncatedError, decode_one, encode

TIMEOUT = 20.0  # seconds that any one thing may take before a case has failed
OFFER = b"likewise-1"


def list_head(count: int) -> bytes:
    """The head of a list, whatever follows."""
    return digits(count) + b"\x80"


def string_head(size: int) -> bytes:
    """The head of a byte string, whatever follows."""
    return digits(size) + b"\x82"


def digits(number: int) -> bytes:
    """Base 128, least significant first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value: str) -> list[bytes]:
    """A str as jelly."""
    return [b"unicode", value.encode()]


def dictionary(items: dict[str, Any]) -> list[Any]:
    """A dict with str keys as jelly; the values are jelly already."""
    return [b"dictionary", *([text(key), value] for key, value in items.items())]


class Closed(Exception):
    """The server has closed the connection."""


class Peer:
    """
    One connection to the server. ``dialect`` is what it chooses, ``None`` to choose nothing; ``source`` is its address.

    Every answer that arrives is kept by its request number until asked for.
    """

    def __init__(self, port: int, dialect: bytes | None = b"pb", *, timeout: float = TIMEOUT, source: str = "") -> None:
        self.opened = time.monotonic()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = "{}:{}".format(*self.socket.getsockname())
        self.timeout = timeout
        self.messages: list[Any] = []  # what came and is no answer
        self.answers: dict[int, Any] = {}
        self.numbers = itertools.count(1)
        self._buffer = bytearray()
        if dialect is not None:
            self.offered = self.receive()
            self.send(encode(dialect, "none") + encode([b"version", 6]))

    # --- out

    def send(self, *pieces: bytes) -> bool:
        """Write; ``False`` if the server has closed the connection meanwhile, which is what many cases want."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionError):
            return False
        return True

    def message(
        self, name: bytes, args: Any = (b"tuple",), kwargs: Any = (b"dictionary",), *, luid: Any = b"root", answer: Any = 1
    ) -> tuple[int, bytes]:
        """The number and the bytes of a call; ``args`` and ``kwargs`` are jelly."""
        number = next(self.numbers)
        return number, encode([b"message", number, luid, name, answer, args, kwargs])

    def call(self, name: bytes, *args: Any, luid: Any = b"root", kwargs: Any = (b"dictionary",)) -> int:
        """Send a call with these arguments, each jelly; its number."""
        number, data = self.message(name, [b"tuple", *args], kwargs, luid=luid)
        self.send(data)
        return number

    # --- in

    def receive(self) -> Any:
        """The next message. Raises Closed, or TimeoutError when nothing comes."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                value, end = decode_one(bytes(self._buffer))
            except TruncatedError:
                pass
            else:
                del self._buffer[:end]
                return value
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionError:
                data = b""
            if not data:
                raise Closed
            self._buffer += data

    def receive_until(self, word: bytes) -> Any:
        """The next message that begins with this word."""
        while (message := self.receive())[0] != word:
            self.messages.append(message)
        return message

    def result(self, number: int) -> Any:
        """The whole ``(answer n X)`` or ``(error n X)`` for a call."""
        while number not in self.answers:
            message = self.receive()
            if message[0] in (b"answer", b"error"):
                self.answers[message[1]] = message
            else:
                self.messages.append(message)
        return self.answers.pop(number)

    def ask(self, name: bytes, *args: Any, luid: Any = b"root", kwargs: Any = (b"dictionary",)) -> Any:
        """Call and return the jelly of the answer. Raises RemoteFailure for an error, Closed if the server hangs up."""
        kind, _, value = self.result(self.call(name, *args, luid=luid, kwargs=kwargs))
        if kind == b"error":
            raise RemoteFailure(value)
        return value

    def is_closed(self, within: float = 5.0) -> bool:
        """Whether the server hangs up within so many seconds; what it still sends is read and forgotten."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(1 << 18):
                    return True
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        return False

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class RemoteFailure(Exception):
    """An ``error`` message: ``type`` and ``text`` of the failure, where it is one."""

    def __init__(self, jelly: Any) -> None:
        state = jelly[1] if isinstance(jelly, list) and len(jelly) == 2 and isinstance(jelly[1], list) else []
        found = {as_text(pair[0]): pair[1] for pair in state[1:] if isinstance(pair, list)}
        self.jelly = jelly
        self.type = as_text(found.get("type", b""))
        self.text = as_text(found.get("value", b""))
        super().__init__(f"{self.type}: {self.text[:300]}")


def as_text(jelly: Any) -> str:
    """A str, or bytes, as jelly spells them."""
    if isinstance(jelly, list):
        jelly = jelly[1] if len(jelly) == 2 and jelly[0] == b"unicode" else b""
    return jelly.decode("utf-8", "replace") if isinstance(jelly, bytes) else ""
