"""Chunks -> frames: whatever the cutting, linear work, and every ceiling before memory is taken."""

import time
import tracemalloc
from collections.abc import Iterable

import pytest

from likewise.errors import LimitExceeded, RemoteProtocolError
from likewise.limits import Limits
from likewise.wire.framer import LARGE_STRING, Framer
from likewise.wire.reader import Reader
from likewise.wire.tokens import LIKEWISE_1, NONE, PB, SIZE_LIMIT, base128
from tests import sexp


def framer(dialect=LIKEWISE_1, **limits: int) -> Framer:
    made = Framer(Limits(**limits))
    made.speak(dialect)
    return made


def expressions(of: Framer, chunks: Iterable[bytes]) -> list[object]:
    found = []
    for chunk in chunks:
        of.feed(chunk)
        while (frame := of.next_frame()) is not None:
            found.append(Reader(frame).read_expression())
    return found


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


SAMPLES = {
    "an int": 5,
    "a large int": 2**447,
    "a negative int": -(2**31),
    "a very negative int": -(2**31) - 1,
    "a float": 0.5,
    "an empty string": b"",
    "a string": b"hello",
    "a word": b"None",
    "a string of two digits": b"x" * 200,
    "an empty list": [],
    "nested empty lists": [[], [[]], []],
    "a message": [b"message", 1, b"root", b"echo", 1, [b"tuple", [b"unicode", b"duck"]], [b"dictionary"]],
    "a string just below large": [b"a", b"x" * (LARGE_STRING - 1), b"b"],
    "a large string alone": b"y" * LARGE_STRING,
    "a large string last in its lists": [[1, [b"z" * LARGE_STRING]]],
    "a large string first": [b"z" * (LARGE_STRING + 1), 7, b"tail"],
    "two large strings": [b"p" * LARGE_STRING, 1, b"q" * (LARGE_STRING + 5)],
}
SAMPLE = pytest.mark.parametrize("value", SAMPLES.values(), ids=SAMPLES.keys())


@SAMPLE
def test_a_frame_arrives_whole(value: object) -> None:
    assert expressions(framer(), [sexp.encode(value)]) == [value]


@SAMPLE
@pytest.mark.parametrize("size", [1, 2, 3, 7, 63, 64, 65, 1_000, 4_096, LARGE_STRING - 1])
def test_a_frame_arrives_in_pieces(value: object, size: int) -> None:
    data = sexp.encode(value)
    if size < 7 and len(data) > 10_000:
        data = sexp.encode(value := [b"x" * 300, value if len(data) < 10_000 else b"short"])
    assert expressions(framer(), in_pieces(data * 2, size)) == [value, value]


def test_a_large_string_that_dribbles_in_is_whole() -> None:
    body = bytes(range(256)) * 300
    data = sexp.encode([1, body, 2])
    assert expressions(framer(), in_pieces(data, 1)) == [[1, body, 2]]
    mixed = [data[:70], data[70:71], data[71:6_000], data[6_000:6_001], data[6_001:]]
    assert expressions(framer(), mixed) == [[1, body, 2]]


def test_a_large_string_that_arrives_is_in_memory_once() -> None:
    size, of = 10_000_000, framer()
    tracemalloc.start()
    try:
        of.feed(base128(size) + b"\x82")
        assert of.next_frame() is None
        for _ in range(size // 250_000):
            of.feed(bytes(250_000))
            frame = of.next_frame()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert frame is not None and frame.large == [bytes(size)]
    assert most < 1.25 * size


def test_a_large_string_is_lifted_out_of_its_frame() -> None:
    body = b"x" * (LARGE_STRING + 1)
    of = framer()
    of.feed(sexp.encode([1, body, 2]))
    frame = of.next_frame()
    assert frame is not None and frame.large == [body]
    assert frame.end - frame.start < 20, "only the head of the string is left there"


def test_frames_in_one_chunk_come_in_order() -> None:
    values = [1, [2, [3]], b"four", [], 5.5]
    data = b"".join(map(sexp.encode, values))
    assert expressions(framer(), [data]) == values
    assert expressions(framer(), in_pieces(data, 1)) == values


def test_a_chunk_may_come_while_frames_are_still_waiting() -> None:
    of = framer()
    of.feed(sexp.encode(1) + sexp.encode([2, b"xyz"])[:4])
    first = of.next_frame()
    assert first is not None and Reader(first).read_expression() == 1
    of.feed(sexp.encode([2, b"xyz"])[4:])
    second = of.next_frame()
    assert second is not None and Reader(second).read_expression() == [2, b"xyz"]


def test_several_chunks_may_come_before_any_frame_is_taken() -> None:
    of = framer()
    data = b"".join(sexp.encode([i, b"x" * 100]) for i in range(50))
    for chunk in in_pieces(data, 33):
        of.feed(chunk)
    found = []
    while (frame := of.next_frame()) is not None:
        found.append(Reader(frame).read_expression())
    assert found == [[i, b"x" * 100] for i in range(50)]


def test_it_can_tell_whether_it_is_between_frames() -> None:
    of = framer()
    assert of.is_between_frames
    for chunk in (b"\x02", b"\x80", b"\x01\x81"):
        of.feed(chunk)
        assert of.next_frame() is None
        assert not of.is_between_frames
    of.feed(b"\x02\x81")
    assert of.next_frame() is not None
    assert of.is_between_frames
    of.feed(b"\x01\x80\x05\x82ab")
    assert of.next_frame() is None and not of.is_between_frames
    for unfinished in (b"\x05", b"\x05\x82", b"\x05\x82ab", b"\x84" + b"1234567", base128(LARGE_STRING) + b"\x82"):
        of = framer()
        of.feed(unfinished)
        assert of.next_frame() is None and not of.is_between_frames


def test_padded_digits_are_no_fault() -> None:
    assert expressions(framer(), [b"\x02\x00\x00\x82ab"]) == [b"ab"]
    assert expressions(framer(), [b"\x01" + b"\x00" * 60 + b"\x80\x05\x81"]) == [[5]]
    assert expressions(framer(), [b"\x82\x80\x81\x83"]) == [b"", [], 0, 0]


def test_digits_before_a_float_are_ignored() -> None:
    assert expressions(framer(), in_pieces(b"\x05\x06" + sexp.encode(2.25)[-9:], 3)) == [2.25]


def test_a_dribbled_frame_costs_linear_time() -> None:
    def seconds(count: int) -> float:
        data = sexp.encode([b"word"] * count)
        start = time.perf_counter()
        assert len(expressions(framer(), in_pieces(data, 1))) == 1
        return time.perf_counter() - start

    seconds(2_000)  # warms up
    few = min(seconds(4_000) for _ in range(3))
    assert min(seconds(40_000) for _ in range(3)) < 30 * few


# --- ceilings. The error names the ceiling; what was whole before it has been handed out.


def refused(of: Framer, *chunks: bytes) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as caught:
        for chunk in chunks:
            of.feed(chunk)
            while of.next_frame() is not None:
                pass
    assert caught.value.limit in str(caught.value)
    return caught.value


def test_prefix_digits_bound_a_number() -> None:
    longest = b"\x7f" * 64 + b"\x85"
    assert expressions(framer(), [longest]) == [2**448 - 1]
    assert expressions(framer(), in_pieces(longest, 5)) == [2**448 - 1]
    error = refused(framer(), b"\x01" * 65)
    assert (error.limit, error.value, error.ceiling) == ("prefix_digits", 65, 64)
    assert refused(framer(), *in_pieces(b"\x01" * 70, 1)).limit == "prefix_digits"
    assert refused(framer(prefix_digits=3), b"\x01\x01\x01\x01\x81").ceiling == 3


def test_string_bytes_bound_a_string_at_its_head() -> None:
    assert expressions(framer(string_bytes=10), [b"\x0a\x82" + b"x" * 10]) == [b"x" * 10]
    error = refused(framer(string_bytes=10), b"\x0b\x82")
    assert (error.limit, error.value, error.ceiling) == ("string_bytes", 11, 10)
    assert refused(framer(), base128(2**40) + b"\x82").limit == "string_bytes"
    assert refused(framer(), b"\x7f" * 60 + b"\x82").limit == "string_bytes"


def test_a_peer_that_speaks_pb_may_send_what_twisted_may() -> None:
    whole = expressions(framer(PB), [base128(SIZE_LIMIT) + b"\x82", b"x" * SIZE_LIMIT])
    assert whole == [b"x" * SIZE_LIMIT]
    assert refused(framer(PB), base128(SIZE_LIMIT + 1) + b"\x82").ceiling == SIZE_LIMIT
    assert refused(framer(PB), base128(SIZE_LIMIT + 1) + b"\x80").limit == "list_items"


def test_list_items_bound_a_list_at_its_head() -> None:
    assert expressions(framer(list_items=3), [sexp.encode([1, 2, 3])]) == [[1, 2, 3]]
    error = refused(framer(list_items=3), b"\x04\x80")
    assert (error.limit, error.value, error.ceiling) == ("list_items", 4, 3)
    assert refused(framer(), b"\x7f" * 64 + b"\x80").limit == "list_items"


def test_depth_bounds_open_lists() -> None:
    def nested(levels: int) -> bytes:
        return b"\x01\x80" * levels + b"\x05\x81"

    assert len(expressions(framer(depth=9), [nested(9)])) == 1
    error = refused(framer(depth=9), nested(10))
    assert (error.limit, error.value, error.ceiling) == ("depth", 10, 9)
    assert refused(framer(depth=9), *in_pieces(nested(10), 1)).limit == "depth"
    assert len(expressions(framer(depth=9), [nested(9) * 50])) == 50, "siblings do not add up"


def test_frame_items_bound_the_tokens_of_a_message() -> None:
    assert expressions(framer(frame_items=5), [sexp.encode([1, [2, 3], 4])]) == [[1, [2, 3], 4]]
    error = refused(framer(frame_items=5), sexp.encode([1, [2, 3, 4], 5]))
    assert (error.limit, error.value, error.ceiling) == ("frame_items", 6, 5)
    assert len(expressions(framer(frame_items=5), [sexp.encode([1, [2, 3], 4]) * 9])) == 9, "each message has its own"


def test_frame_bytes_bound_a_message() -> None:
    data = sexp.encode([b"x" * 40, b"y" * 40])
    assert len(expressions(framer(frame_bytes=len(data)), [data] * 3)) == 3
    error = refused(framer(frame_bytes=len(data) - 1), data)
    assert (error.limit, error.value, error.ceiling) == ("frame_bytes", len(data), len(data) - 1)
    assert refused(framer(frame_bytes=len(data) - 1), *in_pieces(data, 1)).limit == "frame_bytes"
    assert refused(framer(frame_bytes=len(data) - 1), data + data).limit == "frame_bytes"


def test_frame_bytes_bound_a_string_that_only_goes_on() -> None:
    chunks = [b"\x03\x80" + sexp.encode(b"w" * 99)[:30], b"w" * 60, b"w" * 11, b"\x01\x81\x01\x81"]
    assert refused(framer(frame_bytes=100), *chunks).limit == "frame_bytes"


def test_a_large_string_over_frame_bytes_is_refused_at_its_head() -> None:
    of = framer(frame_bytes=LARGE_STRING)
    error = refused(of, b"\x02\x80" + base128(LARGE_STRING) + b"\x82")
    assert (error.limit, error.value) == ("frame_bytes", LARGE_STRING + 6)


def test_the_greeting_is_bounded_until_a_dialect_is_agreed() -> None:
    of = Framer(Limits())
    assert expressions(of, [sexp.encode([b"pb", b"none"], "none")]) == [[b"pb", b"none"]]
    assert refused(Framer(Limits()), base128(5_000) + b"\x82").ceiling == 4_096
    assert refused(Framer(Limits()), base128(5_000) + b"\x80").limit == "list_items"
    assert refused(Framer(Limits(greeting_bytes=10)), sexp.encode([b"pb", b"none"], "none")).limit == "frame_bytes"


def test_frames_before_a_violation_were_handed_out() -> None:
    of = framer()
    of.feed(sexp.encode(1) + sexp.encode([2]) + b"\x88")
    found = []
    with pytest.raises(RemoteProtocolError):
        while (frame := of.next_frame()) is not None:
            found.append(Reader(frame).read_expression())
    assert found == [1, [2]]


# --- bytes that are no banana


@pytest.mark.parametrize("kind", [0x88, 0x90, 0xFF])
def test_a_type_byte_that_starts_no_token_is_refused(kind: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"{kind:#04x} starts no token"):
        expressions(framer(), [bytes((1, kind))])


@pytest.mark.parametrize("data", [b"\x00\x87", b"\x20\x87", b"\x87", b"\x7f" * 60 + b"\x87"])
def test_a_word_outside_the_vocabulary_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="no word"):
        expressions(framer(), [data])


def test_a_dialect_without_vocabulary_has_no_words() -> None:
    with pytest.raises(RemoteProtocolError, match="no word 1"):
        expressions(framer(NONE), [b"\x01\x87"])
    with pytest.raises(RemoteProtocolError, match="no word 1"):
        expressions(Framer(Limits()), [b"\x01\x87"])
