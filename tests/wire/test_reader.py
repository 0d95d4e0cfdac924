"""Tokens out of a frame."""

import pytest

from likewise.errors import RemoteProtocolError
from likewise.limits import Limits
from likewise.wire.framer import Framer
from likewise.wire.reader import Reader
from likewise.wire.tokens import LIKEWISE_1
from tests import sexp


def reader(value: object) -> Reader:
    framer = Framer(Limits())
    framer.speak(LIKEWISE_1)
    framer.feed(sexp.encode(value))
    frame = framer.next_frame()
    assert frame is not None
    return Reader(frame)


def test_it_steps_into_a_list_and_reads_on() -> None:
    at = reader([b"message", 7, -7, 2.5, b"x" * 70_000, [1, [b"deep"]]])
    assert at.read_list() == 6
    assert at.read_word() == b"message"
    assert at.read_int() == 7
    assert at.read_leaf() == -7
    assert at.read_leaf() == 2.5
    assert at.read_leaf() == b"x" * 70_000
    assert not at.at_end
    assert at.read_expression() == [1, [b"deep"]]
    assert at.at_end


def test_it_knows_its_place() -> None:
    at = reader([1, 2])
    start = at.pos
    at.read_list()
    assert at.pos == start + 2
    at.read_int()
    assert at.pos == start + 4


def test_all_four_kinds_of_integers_are_integers() -> None:
    for number in (5, 2**31, -5, -(2**31) - 1, 0, 2**448 - 1, -(2**448 - 1)):
        assert reader(number).read_int() == number


@pytest.mark.parametrize("value", [5, 1.5, b"x", b"None"])
def test_something_else_than_a_list_is_refused_where_one_must_be(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match="a list was expected"):
        reader(value).read_list()


@pytest.mark.parametrize("value", [5, 1.5])
def test_something_else_than_bytes_is_refused_where_they_must_be(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match="a word was expected"):
        reader(value).read_word()


@pytest.mark.parametrize("value", [b"5", 1.5, b"None"])
def test_something_else_than_an_integer_is_refused_where_one_must_be(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match="an integer was expected"):
        reader(value).read_int()


def test_a_list_is_refused_where_none_may_be() -> None:
    for read in (Reader.read_leaf, Reader.read_word, Reader.read_int):
        with pytest.raises(RemoteProtocolError, match=r"where none may be|was expected here"):
            read(reader([1]))
