"""What both drivers ask of a connection's socket, and tell it: who is there, whether anybody still is, and since when."""

from __future__ import annotations

import socket
import sys
from typing import Any, Final

from .serving.liveness import INFO_BYTES, TCP_INFO, TCP_RTO_MAX_MS, keep_alive_options, longest_pause
from .serving.networks import CREDENTIALS, local_user

IS_LINUX: Final = sys.platform == "linux"
HANDED_ON: Final = IS_LINUX  # what is set on a listening socket holds for the connections that it accepts
IP: Final = (socket.AF_INET, socket.AF_INET6)


def keep_alive(plug: Any, seconds: float) -> None:
    """Have the system find out within so many seconds whether a TCP peer that says nothing is still there."""
    if getattr(plug, "family", None) not in IP:
        return
    options = [(getattr(socket, name, -1), value) for name, value in keep_alive_options(seconds).items()]
    if IS_LINUX:
        options.append((TCP_RTO_MAX_MS, longest_pause(seconds)))
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in options:
            if option >= 0:
                plug.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError:  # it has gone already, or the system knows better
        pass


def line_of(plug: Any) -> bytes:
    """What the system tells of a TCP connection, ``b""`` where it tells nothing."""
    if not IS_LINUX or getattr(plug, "family", None) not in IP:
        return b""
    try:
        told: bytes = plug.getsockopt(socket.IPPROTO_TCP, TCP_INFO, INFO_BYTES)
    except (OSError, ValueError):  # it has been closed
        return b""
    return told


def user_at(plug: Any) -> str:
    """Whose process is at the other end of a UNIX socket; ``""`` for another one, and where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)  # Linux and a few others have it
    if option is None or getattr(plug, "family", None) != socket.AF_UNIX:
        return ""
    try:
        return local_user(plug.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size))
    except OSError:  # it has gone already
        return ""


__all__ = ("HANDED_ON", "keep_alive", "line_of", "user_at")
