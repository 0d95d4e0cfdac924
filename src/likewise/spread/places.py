"""Where the peers of likewise.spread are counted."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import interfaces

from ..serving.networks import CREDENTIALS, local_user, network


def place(transport: Any) -> str:
    """The peer's IPv4 address, the first half of an IPv6 one, the user at a UNIX socket; ``""`` in memory."""
    host = getattr(getattr(transport, "getPeer", lambda: None)(), "host", None)
    if isinstance(host, str):
        return network(host)
    return user_at(transport.getHandle()) if interfaces.ISystemHandle.providedBy(transport) else ""


def user_at(plug: Any) -> str:
    """Whose process is at the other end of a UNIX socket; ``""`` for another one, and where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)  # Linux and a few others have it
    if option is None or getattr(plug, "family", None) != socket.AF_UNIX:
        return ""
    try:
        return local_user(plug.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size))
    except OSError:  # it has gone already
        return ""


__all__ = ("place",)
