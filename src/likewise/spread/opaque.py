"""S-expressions that lie on no connection: how they are read, and what they may hold besides what banana carries."""

from __future__ import annotations

from typing import Any

from ..jelly.expressions import to_frame
from ..limits import DEEPEST, Limits
from ..wire.framer import Frame
from ..wire.reader import Reader
from ..wire.tokens import LIKEWISE_1
from ..wire.writer import Pieces, write_expression

DETACHED_LIMITS = Limits.trusted(depth=DEEPEST)  # for jelly that is not on a connection


def take_out(value: Any, table: dict[bytes, Any]) -> Any:
    """What stands on the wire for a value that banana may not carry, and finds it again in ``table``."""
    if type(value) in (bytes, int, float):
        return value
    token = b"\0opaque %d %d" % (id(table), len(table))
    table[token] = value
    return token


def with_opaque(expression: Any, table: dict[bytes, Any]) -> Any:
    """The same expression, with what :func:`take_out` took out of it."""
    if not table:
        return expression
    if isinstance(expression, list):
        return [with_opaque(each, table) for each in expression]
    return table.get(expression, expression) if isinstance(expression, bytes) else expression


def without_opaque(expression: Any, table: dict[bytes, Any]) -> Any:
    """An expression as banana carries it: str as bytes, anything else taken out, and so what stands for an object."""
    if isinstance(expression, (list, tuple)):
        if len(expression) == 2 and expression[0] in (b"persistent", "persistent"):
            return [b"persistent", take_out(expression[1], table)]
        return [without_opaque(each, table) for each in expression]
    return expression.encode() if isinstance(expression, str) else take_out(expression, table)


def expression_frame(expression: Any, limits: Limits = DETACHED_LIMITS) -> Frame:
    """An s-expression as the decoder reads it."""
    pieces: Pieces = []
    write_expression(pieces, expression, LIKEWISE_1)
    return to_frame(b"".join(pieces), limits)


def expression_of(pieces: Pieces) -> Any:
    """What was written, as an s-expression."""
    return Reader(to_frame(b"".join(pieces), DETACHED_LIMITS)).read_expression()
