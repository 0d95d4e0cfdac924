"""Jellies for tests: written as text, as nested lists, or as bytes."""

from __future__ import annotations

from typing import Any

from likewise.jelly.context import ReceivingTables, SendingTables
from likewise.jelly.decoder import Decoder
from likewise.jelly.encoder import Encoder
from likewise.jelly.registry import Registry, default_registry
from likewise.limits import Limits
from likewise.wire.framer import Frame, Framer
from likewise.wire.tokens import LIKEWISE_1, PB, Dialect
from tests import sexp

LIMITS = Limits()


def frame_of(data: bytes, limits: Limits = LIMITS, dialect: Dialect = LIKEWISE_1) -> Frame:
    """The one frame that ``data`` is."""
    framer = Framer(limits)
    framer.speak(dialect)
    framer.feed(data)
    frame = framer.next_frame()
    assert frame is not None and framer.is_between_frames
    return frame


def written(
    value: Any,
    *,
    tables: SendingTables | None = None,
    perspective: Any = None,
    depth: int = 252,
    dialect: Dialect = PB,
) -> bytes:
    """The bytes of one jelly."""
    encoder = Encoder(tables, perspective, depth, dialect)
    encoder.encode(value)
    return b"".join(encoder.written())


def read(
    jelly: bytes | str | list[Any],
    *,
    registry: Registry = default_registry,
    tables: ReceivingTables | None = None,
    limits: Limits = LIMITS,
    perspective: Any = None,
) -> Any:
    """The value of a jelly: its bytes, its text as in ``(tuple 1 2)``, or its nested lists."""
    if not isinstance(jelly, bytes):
        jelly = sexp.encode(sexp.parse(jelly) if isinstance(jelly, str) else jelly)
    return Decoder(frame_of(jelly, limits), registry, tables, limits, perspective).decode()


def text(words: str) -> list[bytes]:
    """The jelly of a str."""
    return [b"unicode", words.encode()]


def state(**attributes: Any) -> list[Any]:
    """The jelly of an instance's attributes; their values are jellies."""
    return [b"dictionary", *([text(name), value] for name, value in attributes.items())]
