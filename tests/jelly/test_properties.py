"""For any value: it arrives as it was, whatever the cutting; in Twisted's bytes. For any bytes: a documented end."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.spread import jelly as theirs

from likewise.errors import InsecureJelly, LimitExceeded, RemoteProtocolError
from likewise.jelly.decoder import Decoder
from likewise.limits import Limits
from likewise.wire.framer import Framer
from likewise.wire.reader import Reader
from likewise.wire.tokens import LIKEWISE_1
from tests import sexp
from tests.jellies import LIMITS, read, written
from tests.jelly.strategies import graphs, noise, registry, same_graph, trees

SMALL = Limits(
    prefix_digits=8, string_bytes=60, list_items=12, depth=12, frame_items=60, frame_bytes=400, hash_work=50, equal_hashes=2
)  # fmt: skip


def decoded(data: bytes) -> Any:
    return read(data, registry=registry)


@given(trees)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    assert same_graph(value, decoded(written(value)))


@given(graphs())
def test_what_is_shared_arrives_shared_and_cycles_lead_back(value: Any) -> None:
    assert same_graph(value, decoded(written(value)))


@given(trees, st.lists(st.integers(1, 40), min_size=1))
def test_cutting_the_stream_changes_nothing(value: Any, sizes: list[int]) -> None:
    data = written(value) * 2
    framer = Framer(LIMITS)
    framer.speak(LIKEWISE_1)
    found = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        framer.feed(data[at : at + size])
        at += size
        turn += 1
        while (frame := framer.next_frame()) is not None:
            found.append(Decoder(frame, registry, None, LIMITS).decode())
    assert framer.is_between_frames
    assert len(found) == 2 and all(same_graph(value, each) for each in found)


@given(st.recursive(trees, lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_twisted_writes_the_same_and_reads_it(value: Any) -> None:
    if not is_plain(value):
        return
    data = written(value)
    assert sexp.decode(data) == [theirs.jelly(value)]
    assert same_graph(value, theirs.unjelly(sexp.decode(data)[0]))


def is_plain(value: Any) -> bool:
    """Whether Twisted knows all of it: no instances, and no Decimal that its own code changes."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    return type(value).__name__ not in ("Order", "Copied", "Decimal")


# --- any bytes


@given(noise, st.lists(st.integers(1, 30), min_size=1), st.sampled_from([LIMITS, SMALL]))
@example(b"\x01\x80\x03\x87", [5], LIMITS)
@example(b"\x01\x80\x10\x87\x05\x81", [50], LIMITS)
def test_any_bytes_end_in_a_documented_way(data: bytes, sizes: list[int], limits: Limits) -> None:
    """A frame, a wait for more, or RemoteProtocolError; and of a frame a value, or InsecureJelly."""
    framer = Framer(limits)
    framer.speak(LIKEWISE_1)
    at = turn = 0
    try:
        while at < len(data):
            size = sizes[turn % len(sizes)]
            framer.feed(data[at : at + size])
            at += size
            turn += 1
            while (frame := framer.next_frame()) is not None:
                Reader(frame).read_expression()
                decoder = Decoder(frame, registry, None, limits)
                try:
                    decoder.decode()
                except InsecureJelly:
                    assert decoder.failed_at >= 0
                else:
                    assert decoder.at_end
    except LimitExceeded as error:
        assert error.value > error.ceiling == getattr(limits, error.limit)
    except RemoteProtocolError:
        pass


@given(noise)
def test_bytes_and_the_tests_own_reader_agree(data: bytes) -> None:
    framer = Framer(LIMITS)
    framer.speak(LIKEWISE_1)
    framer.feed(data)
    found = []
    try:
        while (frame := framer.next_frame()) is not None:
            found.append(Reader(frame).read_expression())
    except RemoteProtocolError:
        return
    if framer.is_between_frames:
        assert repr(sexp.decode(data)) == repr(found)
