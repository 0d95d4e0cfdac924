"""What TCP is told so that a peer that vanished without a word is found out in time."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 32_767  # seconds; the most that Linux takes


def keep_alive_options(seconds: float) -> dict[str, int]:
    """
    The options of TCP, by their names in :mod:`socket`; a system need not have all of them.

    A probe goes out after half of the time, then five more within the other half. ``TCP_USER_TIMEOUT`` is the same for
    what was sent and never acknowledged, when no probes are sent.
    """
    within = int(max(1, min(LONGEST, seconds)))
    return {
        "TCP_KEEPIDLE": max(1, within // 2),
        "TCP_KEEPINTVL": max(1, within // 10),
        "TCP_KEEPCNT": 5,
        "TCP_USER_TIMEOUT": within * 1_000,
    }


__all__ = ("keep_alive_options",)
