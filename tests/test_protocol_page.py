"""Every example on docs/protocol.md is what the codec writes and reads, and what a second reader makes of it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from likewise.errors import NotSendable
from likewise.jelly.decoder import Decoder
from likewise.jelly.expressions import to_frame
from likewise.limits import Limits
from likewise.wire.reader import Reader
from likewise.wire.tokens import LIKEWISE_1, NONE, PB, SIZE_LIMIT, VOCABULARY, Dialect
from likewise.wire.writer import encode
from tests import sexp
from tests.pages import Block, blocks
from tests.programs import ROOT
from tests.wire_pages import CONVERSATIONS, encoded, recorded, registry, shown, values

PAGE = ROOT / "docs" / "protocol.md"
BLOCKS = list(blocks(PAGE))
HEX = re.compile(r"[0-9a-f]{2}( [0-9a-f]{2})*")


def entries(language: str, *infos: str) -> list[tuple[str, list[str], bytes]]:
    """Of the blocks of this kind: where each entry is, its lines of text, its bytes."""
    found = []
    for block in BLOCKS:
        if block.language == language and block.info in infos:
            for entry in block.content.strip("\n").split("\n\n"):
                lines = entry.split("\n")
                size = 2 if language == "jelly" else 1
                assert all(HEX.fullmatch(line) for line in lines[size:]) and len(lines) > size, f"{block}: {entry}"
                found.append((f"{block}: {lines[0]}", lines[:size], bytes.fromhex("".join(lines[size:]))))
    return found


@pytest.mark.parametrize(("where", "text", "data"), entries("wire", ""))
def test_an_expression_is_written_and_read_as_shown(where: str, text: list[str], data: bytes) -> None:
    assert shown(data) == text[0], where
    assert encode(Reader(to_frame(data)).read_expression(), PB) == data == sexp.encode(sexp.parse(text[0])), where


@pytest.mark.parametrize(("where", "text", "data"), entries("wire", "greeting"))
def test_a_greeting_is_written_without_a_vocabulary(where: str, text: list[str], data: bytes) -> None:
    assert shown(data) == text[0], where
    assert encode(Reader(to_frame(data)).read_expression(), NONE) == data, where


@pytest.mark.parametrize(("where", "text", "data"), entries("wire", "accepted"))
def test_other_spellings_are_read(where: str, text: list[str], data: bytes) -> None:
    assert shown(data) == text[0], where
    assert encode(Reader(to_frame(data)).read_expression(), PB) != data, f"{where}: this is how it is written"


PLAIN = [(*entry, PB) for entry in entries("jelly", "")]
RICH = [(*entry, LIKEWISE_1) for entry in entries("jelly", "likewise-1")]


@pytest.mark.parametrize(("where", "text", "data", "dialect"), [*PLAIN, *RICH])
def test_a_value_is_written_and_read_as_shown(where: str, text: list[str], data: bytes, dialect: Dialect) -> None:
    value = eval(text[0], values())
    assert encoded(value, dialect) == data == sexp.encode(sexp.parse(text[1])), where
    assert shown(data) == text[1], where
    back = Decoder(to_frame(data), registry(), None, Limits()).decode()
    if text[0] == "cyclic":
        assert back[0] is back
    elif "shared" in text[0] or text[0] == "[mutable, mutable]":
        assert back == value and back[0] is back[1]
    elif isinstance(value, Decimal):
        assert value.as_tuple() == back.as_tuple()
    else:
        assert value == back and (type(value) is type(back) or text[0] == "copied")


KINDS = (("wire", ""), ("wire", "greeting"), ("wire", "accepted"), ("jelly", ""), ("jelly", "likewise-1"))


@pytest.mark.parametrize(("where", "text", "data"), entries("jelly", "likewise-1"))
def test_pb_has_no_form_for_a_value_that_is_of_our_dialect(where: str, text: list[str], data: bytes) -> None:
    with pytest.raises(NotSendable, match="the peer speaks pb, and PB has no form for it"):
        encoded(eval(text[0], values()))


def test_there_are_examples_of_every_kind() -> None:
    counts = [len(entries(*kind)) for kind in KINDS]
    assert counts == [16, 2, 4, 21, 15]
    assert [block.info for block in conversations()] == list(CONVERSATIONS)


def conversations() -> list[Block]:
    return [block for block in BLOCKS if block.language == "conversation"]


@pytest.mark.parametrize("block", conversations(), ids=lambda block: str(block.info))
def test_a_conversation_goes_as_shown(block: Block) -> None:
    assert block.content.replace("\n    ", " ") == recorded(block.info)


def test_the_vocabulary_is_whole() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = section(text, "### Vocabulary")
    assert [(int(number), word) for number, word in re.findall(r"(\d+) `(\w+)`", rows)] == [
        (number, word.decode()) for number, word in enumerate(VOCABULARY) if number
    ]
    assert section(text, "### Sizes").count(f"| {SIZE_LIMIT:,} |") == 2


def section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n#")[0]
