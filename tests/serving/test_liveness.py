"""What the system tells of a line decides whether its peer has vanished: silence alone does not."""

from __future__ import annotations

import socket
import struct
import sys

import pytest

from likewise.serving.liveness import INFO_BYTES, TCP_INFO, Lines, longest_pause

SECONDS = 60.0


class Peer:
    """Who is at the other end; only asked who it is."""


def info(*, sent_again: int = 0, probes: int = 0, unacknowledged: int = 0, silent: float = 0.0) -> bytes:
    return struct.pack("=2xBB20xI28xI", sent_again, probes, unacknowledged, int(silent * 1_000))


def test_who_acknowledges_now_and_then_stays_however_often_it_was_sent_the_same() -> None:
    lines, peer = Lines(SECONDS), Peer()
    for now in range(0, 3_600, 5):
        line = info(sent_again=min(200, now), unacknowledged=5, silent=now % 50)
        assert not lines.has_vanished(peer, line, float(now))
    for now in range(3_600, 7_200, 5):  # asked whether there is room every two minutes, it says each time that there is none
        assert not lines.has_vanished(peer, info(probes=1, silent=now % 120), float(now))


def test_who_acknowledges_nothing_has_vanished_after_that_time_and_not_before() -> None:
    lines, peer = Lines(SECONDS), Peer()
    found = [
        now for now in range(100) if lines.has_vanished(peer, info(sent_again=now // 10, unacknowledged=1, silent=now), now)
    ]
    assert found[0] == SECONDS


def test_an_idle_line_is_for_keep_alive_to_judge() -> None:
    assert not Lines(SECONDS).has_vanished(Peer(), info(sent_again=9, silent=9_999.0), 0.0)


@pytest.mark.parametrize("told", [b"", bytes(INFO_BYTES - 1)])
def test_where_the_system_does_not_tell_nobody_has_vanished(told: bytes) -> None:
    assert not Lines(SECONDS).has_vanished(Peer(), told, 0.0)


@pytest.mark.parametrize("seconds, pause", [(60.0, 15_000), (0.5, 1_000), (float("inf"), 120_000)])
def test_there_is_time_for_some_attempts(seconds: float, pause: int) -> None:
    assert longest_pause(seconds) == pause


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
def test_the_fields_stand_where_this_system_has_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as plug:
        plug.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                plug.send(bytes(1_000_000))
        for _ in range(2_000):
            told = plug.getsockopt(socket.IPPROTO_TCP, TCP_INFO, INFO_BYTES)
            _, probes, unacknowledged, silent = struct.unpack("=2xBB20xI28xI", told)
            assert probes <= 2 and unacknowledged < 10_000 and silent < 60_000
