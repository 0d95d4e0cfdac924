"""A large string is put together of what comes of it, however it is cut, also one that is larger than allocators keep."""

from __future__ import annotations

import pytest

from likewise.limits import Limits
from likewise.wire.arriving import Arriving
from likewise.wire.framer import Framer
from likewise.wire.tokens import LIKEWISE_1
from likewise.wire.writer import string_head

VAST, SHARE = 33_554_432, 64  # as the module has them, which the compiled build keeps to itself
PATTERN = bytes(range(256)) * 1_024


def of_size(size: int) -> bytes:
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


@pytest.mark.parametrize("size", [100_000, VAST - 1, VAST, VAST + 12_345])
@pytest.mark.parametrize("step", [99_991, VAST // SHARE, VAST * 2])
def test_what_comes_in_pieces_is_whole_in_the_end(size: int, step: int) -> None:
    data = of_size(size)
    arriving = Arriving(size)
    for start in range(0, size, step):
        arriving.write(data[start : start + step])
    assert arriving.whole() == data


@pytest.mark.parametrize("size", [VAST, VAST + 1])
@pytest.mark.parametrize("chunk", [262_144, 10_000_019])
def test_a_framer_lifts_a_vast_string_and_goes_on_behind_it(size: int, chunk: int) -> None:
    data = of_size(size)
    wire = b"\x03\x80" + string_head(size) + data + b"\x05\x81" + b"\x02\x82ab" + b"\x01\x81"
    framer = Framer(Limits.trusted())
    framer.speak(LIKEWISE_1)
    frames = []
    for start in range(0, len(wire), chunk):
        framer.feed(wire[start : start + chunk])
        while (frame := framer.next_frame()) is not None:
            frames.append(frame)
    assert len(frames) == 2 and frames[0].large == [data] and framer.is_between_frames


def test_two_vast_strings_in_a_row_are_two() -> None:
    one, two = of_size(VAST), b"x" * VAST
    framer = Framer(Limits.trusted())
    framer.speak(LIKEWISE_1)
    framer.feed(b"\x02\x80" + string_head(VAST) + one[:1_000])
    assert framer.next_frame() is None
    framer.feed(one[1_000:] + string_head(VAST) + two[:VAST // 2])
    assert framer.next_frame() is None
    framer.feed(two[VAST // 2 :])
    frame = framer.next_frame()
    assert frame is not None and frame.large == [one, two]
