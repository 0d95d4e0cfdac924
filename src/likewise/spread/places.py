"""Where the peers of likewise.spread are counted."""

from __future__ import annotations

from typing import Any

from twisted.internet import interfaces

from ..serving.networks import network
from ..sockets import user_at


def place_of_transport(transport: Any) -> str:
    """The peer's IPv4 address, the first half of an IPv6 one, the user at a UNIX socket; ``""`` in memory."""
    host = getattr(getattr(transport, "getPeer", lambda: None)(), "host", None)
    if isinstance(host, str):
        return network(host)
    return user_at(transport.getHandle()) if interfaces.ISystemHandle.providedBy(transport) else ""


__all__ = ("place_of_transport",)
