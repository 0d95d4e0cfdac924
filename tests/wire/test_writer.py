"""Tokens into bytes: those that Twisted writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.spread import banana

from likewise.errors import NotSendable
from likewise.limits import Limits
from likewise.wire.framer import Framer
from likewise.wire.reader import Reader
from likewise.wire.tokens import LARGEST_INT, LIKEWISE_1, NONE, PB, SIZE_LIMIT
from likewise.wire.writer import LARGE_PIECE, encode, gather, int_token, spell_out, write_expression
from tests import sexp
from tests.jellies import frame_of

NUMBERS = [0, 1, 127, 128, 2**31 - 1, 2**31, 2**63, LARGEST_INT]

leaves = (
    st.integers(-LARGEST_INT, LARGEST_INT)
    | st.binary(max_size=40)
    | st.sampled_from([b"None", b"message", b"uncache", b""])
    | st.floats(allow_nan=False)
)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=6), max_leaves=30)


def speaking(dialect) -> Framer:
    framer = Framer(Limits())
    framer.speak(dialect)
    return framer


def as_twisted_writes(value: object) -> bytes:
    written: list[bytes] = []

    class Transport:
        disconnecting = False

        def write(self, data: bytes) -> None:
            written.append(data)

    theirs = banana.Banana(isClient=False)
    theirs.transport = Transport()
    theirs.setPrefixLimit(64)
    theirs._selectDialect(b"pb")
    theirs.sendEncoded(value)
    return b"".join(written)


@given(trees)
def test_what_is_written_is_read_again(value: object) -> None:
    for dialect in (LIKEWISE_1, PB, NONE):
        frame = frame_of(encode(value, dialect), dialect=dialect)
        assert Reader(frame).read_expression() == value


@given(trees)
def test_twisted_writes_the_same_bytes(value: object) -> None:
    assert encode(value, PB) == as_twisted_writes(value)


@given(trees)
def test_words_are_spelled_out_where_no_vocabulary_is_agreed(value: object) -> None:
    spelled = b"".join(spell_out([encode(value, PB), encode([value, b"answer"], PB)], speaking(PB)))
    assert spelled == encode(value, NONE) + encode([value, b"answer"], NONE)
    assert sexp.decode(spelled) == [value, [value, b"answer"]]


@pytest.mark.parametrize("number", [*NUMBERS, *(-n for n in NUMBERS), -(2**31) - 1])
def test_an_integer_has_one_token(number: int) -> None:
    assert int_token(number) == sexp.encode(number)


@pytest.mark.parametrize("number", [LARGEST_INT + 1, -LARGEST_INT - 1, 1 << 5_000])
def test_an_integer_that_no_peer_accepts_is_refused(number: int) -> None:
    with pytest.raises(NotSendable, match="at most 448"):
        int_token(number)


def test_tuples_are_lists_and_bools_are_ints_to_banana() -> None:
    assert encode((1, (True, False)), PB) == encode([1, [1, 0]], PB)


@pytest.mark.parametrize("value", ["text", None, {1: 2}, [1, object()]])
def test_a_value_that_is_no_expression_is_refused(value: object) -> None:
    with pytest.raises(NotSendable, match="banana carries"):
        encode(value, PB)


def test_sizes_that_a_peer_would_drop_the_connection_for_are_refused() -> None:
    assert len(encode(b"x" * SIZE_LIMIT, PB)) == SIZE_LIMIT + 4
    with pytest.raises(NotSendable, match="a byte string of 655,361 bytes: a peer that speaks pb takes at most 655,360"):
        encode(b"x" * (SIZE_LIMIT + 1), PB)
    with pytest.raises(NotSendable, match="a list of 655,361 items"):
        encode([1] * (SIZE_LIMIT + 1), PB)
    assert encode(b"x" * (SIZE_LIMIT + 1), LIKEWISE_1).endswith(b"xx")


def test_small_pieces_are_joined_and_large_ones_are_left_alone() -> None:
    large = b"L" * LARGE_PIECE
    gathered = gather([b"a", b"b", large, large, b"c", b"", b"d"])
    assert gathered == [b"ab", large, large, b"cd"]
    assert gathered[1] is large
    assert gather([]) == []
    assert gather([large]) == [large]
    assert gather([b"a", large]) == [b"a", large]


def test_a_message_that_is_not_whole_gives_no_frame() -> None:
    framer = speaking(PB)
    framer.feed(encode([1, 2], PB)[:-1])
    assert framer.next_frame() is None


@pytest.mark.parametrize(("number", "kind"), [(2**500 + 1, 0x85), (-(2**500) - 1, 0x86)])
def test_integers_that_both_ends_agreed_on_go_beyond_the_largest(number: int, kind: int) -> None:
    pieces: list[bytes] = []
    write_expression(pieces, [number], PB, 2**600)
    *digits, last = b"".join(pieces)[2:]
    assert last == kind and sum(digit << 7 * place for place, digit in enumerate(digits)) == abs(number)
    with pytest.raises(NotSendable, match="501 bits"):
        write_expression([], number, PB)
    with pytest.raises(NotSendable, match="601 bits"):
        write_expression([], 2**600 + 1, PB, 2**600)
