"""
Whether a TCP peer that was sent something has vanished, or is there and slow to read, by what Linux tells of its line.

Keep-alive asks a peer only while nothing is on its way to it. Otherwise the system sends again, or asks whether there is
room, again and again: a peer that is there acknowledges that, though it may not read for hours, and one that has vanished
does not. ``TCP_USER_TIMEOUT`` does not tell the two apart; the time of the last acknowledgement does.
"""

from __future__ import annotations

import errno
import struct
import weakref
from typing import Any, Final

TCP_INFO: Final = 11  # the option of IPPROTO_TCP; struct tcp_info is in <linux/tcp.h>
INFO_BYTES: Final = 60  # of that struct: what is read of it has stood where it stands since Linux 2.6
TCP_RTO_MAX_MS: Final = 44  # the most between two attempts, 120 s if not set; the option is there since Linux 6.15

# At 2 tcpi_retransmits, at 3 tcpi_probes, at 24 tcpi_unacked, at 56 tcpi_last_ack_recv.
_INFO: Final = struct.Struct("=2xBB20xI28xI")
IN_VAIN: Final = 3  # attempts since the last acknowledgement, each of which may have been lost on its way
JITTER: Final = 0.1  # seconds by which two clocks, one of them coarse, may differ


class Lines:
    """The lines of one endpoint: which of them lead nowhere any more."""

    __slots__ = ("_asked", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # When a peer was heard last, and how often what it is to acknowledge had been sent again when that was noticed.
        self._asked: weakref.WeakKeyDictionary[Any, tuple[float, int]] = weakref.WeakKeyDictionary()

    def has_vanished(self, peer: Any, info: bytes, now: float) -> bool:
        """
        Whether nothing has come from a peer for so long, not even an acknowledgement, though it was asked again and again.

        ``info`` is what the system tells of its line by :data:`TCP_INFO`. To be asked now and then.
        """
        if len(info) < INFO_BYTES:
            return False
        sent_again, probes, unacknowledged, silent = _INFO.unpack_from(info)
        if not unacknowledged and not probes:
            self._asked.pop(peer, None)
            return False
        heard_at = now - silent / 1_000
        before = self._asked.get(peer)
        if before is None or heard_at > before[0] + JITTER:
            self._asked[peer] = before = heard_at, sent_again
        return bool(silent >= self._seconds * 1_000 and max(sent_again - before[1], probes) >= IN_VAIN)

    def error(self) -> OSError:
        """Why the line is given up; of the kind that the system gives where it finds that out by itself."""
        text = f"the peer has vanished: nothing was acknowledged for {self._seconds:g} s (limits.keepalive_seconds)"
        return TimeoutError(errno.ETIMEDOUT, text)


def keep_alive_options(seconds: float) -> dict[str, int]:
    """The options of ``IPPROTO_TCP`` by which the system finds out about an idle line within so many seconds."""
    within = max(1, int(min(32_767.0, seconds)))
    return {"TCP_KEEPIDLE": max(1, within // 2), "TCP_KEEPINTVL": max(1, within // 10), "TCP_KEEPCNT": 5}


def longest_pause(seconds: float) -> int:
    """
    Milliseconds, the value of :data:`TCP_RTO_MAX_MS`: time for some attempts within so many seconds.

    Where it can't be set, a peer that had long stopped reading when it vanished is found out some minutes later.
    """
    return int(min(120_000.0, max(1_000.0, seconds * 1_000 / (IN_VAIN + 1))))


__all__ = ("INFO_BYTES", "TCP_INFO", "TCP_RTO_MAX_MS", "Lines", "keep_alive_options", "longest_pause")
