"""The readable form."""

import pytest
from twisted.spread import jelly as theirs

from likewise.errors import InsecureJelly, LimitExceeded, NotSendable
from likewise.jelly.expressions import expression_text, jelly, to_frame, unjelly
from likewise.limits import Limits
from tests import sexp

VALUES = [None, True, 5, -1.5, "duck", b"raw", [1, [2]], (1, ()), {"a": {1, 2}, 3: frozenset([4])}, "None", b"list"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_as_an_expression_and_back(value: object) -> None:
    expression = jelly(value)
    assert expression == theirs.jelly(value)
    assert unjelly(expression) == value


def test_what_may_not_cross_is_refused_as_on_a_connection() -> None:
    with pytest.raises(NotSendable, match=r"\[0\]: an instance of builtins.object"):
        jelly([object()])
    with pytest.raises(InsecureJelly, match=r"a.B is not registered"):
        unjelly([b"a.B", [b"dictionary"]])
    with pytest.raises(NotSendable):
        unjelly(["text"])  # type: ignore[list-item]
    with pytest.raises(LimitExceeded, match="depth"):
        unjelly([[[[[]]]]], limits=Limits(depth=3))


@pytest.mark.parametrize("data", [b"", b"\x01\x80", b"\x01\x81\x01", b"\x01\x81\x02\x81"])
def test_a_frame_is_made_of_exactly_one_expression(data: bytes) -> None:
    with pytest.raises(InsecureJelly, match="exactly one"):
        to_frame(data)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ([b"message", 1, b"root", b"a-b_c.d", [b"tuple", 5], [b"list"]], "(message 1 root a-b_c.d (tuple 5) (list))"),
        ([b"unicode", b"two words"], '(unicode "two words")'),
        ([1.5, -3, b"", [[]]], '(1.5 -3 "" (()))'),
        (b"7up", '"7up"'),
        (b"\xff\x00", '"\\xff\\x00"'),
        (5, "5"),
    ],
)
def test_the_text_that_people_read(expression: object, shown: str) -> None:
    assert expression_text(expression) == shown  # type: ignore[arg-type]


AMBIGUOUS = (b'"', b"it's", b'the word "b"', b"\\", b"a\nb", b"-5", b"inf", b"nan", b".", bytes(range(256)))


@pytest.mark.parametrize("data", AMBIGUOUS)
def test_the_text_of_bytes_is_that_of_nothing_else(data: bytes) -> None:
    assert sexp.parse(expression_text([data, b"end"])) == [data, b"end"]
    assert expression_text(data).isprintable()


def test_a_long_text_is_cut() -> None:
    shown = expression_text([b"x" * 50] * 1_000, size=100)
    assert shown.startswith("(xxx") and shown.endswith("...") and len(shown) <= 103
    assert len(expression_text([[b"a"] * 10_000_0], size=50)) <= 53
    deep: object = b"core"
    for _ in range(5_000):
        deep = [deep]
    assert expression_text(deep, size=20) == "(" * 20 + "..."  # type: ignore[arg-type]


def test_it_reads_as_the_tests_own_reader_does() -> None:
    expression = jelly({"a": [1, 2.5, (None, True)], b"raw": {3}})
    assert sexp.parse(expression_text(expression)) == expression
