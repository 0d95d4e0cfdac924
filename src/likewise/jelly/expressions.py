"""
The readable form: jelly as nested lists of byte strings, ints and floats, and as text for people.

Nothing on a connection goes this way. It serves tools, error reports, tests, and the Twisted names ``jelly()`` and
``unjelly()``: an expression is made by writing tokens and reading them back, so there is one codec only.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import InsecureJelly
from ..limits import Limits
from ..wire.framer import Frame, Framer
from ..wire.reader import Expression, Reader
from ..wire.tokens import LIKEWISE_1
from ..wire.writer import Pieces, write_expression
from .context import ReceivingTables, SendingTables
from .decoder import Decoder
from .encoder import Encoder
from .registry import Registry, default_registry

EXPRESSION_LIMITS = Limits()
WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_.\-]*")  # what needs no quotes
ESCAPED = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def to_frame(data: bytes, limits: Limits = EXPRESSION_LIMITS) -> Frame:
    """
    The one whole expression that ``data`` holds.

    Raises:
        LimitExceeded, RemoteProtocolError: as the framer does.
        InsecureJelly: the expression is not whole, or something follows it.
    """
    framer = Framer(limits)
    framer.speak(LIKEWISE_1)
    framer.feed(data)
    frame = framer.next_frame()
    if frame is None or not framer.is_between_frames:
        raise InsecureJelly("exactly one whole expression is expected")
    return frame


def jelly(
    value: Any, tables: SendingTables | None = None, perspective: Any = None, limits: Limits = EXPRESSION_LIMITS
) -> Expression:
    """A value as an s-expression. Raises NotSendable as sending it would."""
    encoder = Encoder(tables, perspective, limits.depth - 4, LIKEWISE_1)
    encoder.encode(value)
    return Reader(to_frame(b"".join(encoder.written()), limits)).read_expression()


def unjelly(
    expression: Expression,
    registry: Registry = default_registry,
    tables: ReceivingTables | None = None,
    perspective: Any = None,
    limits: Limits = EXPRESSION_LIMITS,
) -> Any:
    """The value of an s-expression. Raises InsecureJelly as receiving it would."""
    pieces: Pieces = []
    write_expression(pieces, expression, LIKEWISE_1)
    return Decoder(to_frame(b"".join(pieces), limits), registry, tables, limits, perspective).decode()


def expression_text(expression: Expression, size: int = 2_000) -> str:
    """An s-expression as people read it, ``(message 1 root echo 1 (tuple 5) (dictionary))``, cut to ``size`` characters."""
    parts: list[str] = []
    left = size
    stack: list[Expression | str] = [expression]
    while stack and left > 0:
        item = stack.pop()
        if isinstance(item, list):
            stack.append(")")
            for i in range(min(len(item), left) - 1, -1, -1):
                stack.append(item[i])
                if i:
                    stack.append(" ")
            item = "("
        shown = item if isinstance(item, str) else _leaf(item, left)
        parts.append(shown)
        left -= len(shown)
    return "".join(parts) if left > 0 else "".join(parts)[:size] + "..."


def _leaf(item: int | float | bytes, left: int) -> str:
    if not isinstance(item, bytes):
        return repr(item)
    part = item[:left]
    if WORD.fullmatch(part) and part not in (b"inf", b"nan"):
        return part.decode()
    return '"' + "".join(ESCAPED.get(c) or (chr(c) if 32 <= c < 127 else f"\\x{c:02x}") for c in part) + '"'
