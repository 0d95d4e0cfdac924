"""``likewise decode``: recorded bytes as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import RemoteProtocolError
from ..jelly.expressions import expression_text
from ..limits import Limits
from ..wire.framer import Framer
from ..wire.reader import Reader
from ..wire.tokens import LIKEWISE_1

CAPTURE_LIMITS: Final = Limits()
MESSAGE_CHARACTERS: Final = 10_000  # characters of one message that are shown


def messages(data: bytes) -> Iterator[tuple[int, str]]:
    """
    Each whole message in the bytes that one end sent: where it begins, and its s-expression as text.

    Raises:
        RemoteProtocolError: after the last message that is whole, if there is more.
    """
    framer = Framer(CAPTURE_LIMITS)
    framer.speak(LIKEWISE_1)  # its ceilings are the widest, and words spelled out are understood as well
    framer.feed(data)
    place = 0
    while (frame := framer.next_frame()) is not None:
        yield place, expression_text(Reader(frame).read_expression(), MESSAGE_CHARACTERS)
        place += frame.end - frame.start + sum(map(len, frame.large or ()))
    if place < len(data):
        raise RemoteProtocolError(f"{len(data) - place} bytes at {place:#06x} are only the beginning of a message")


def show(path: Path) -> int:
    """Print the messages of a file, each behind its place in hexadecimal."""
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    for place, text in messages(data):
        print(f"{place:04x}  {text}")
    return 0
