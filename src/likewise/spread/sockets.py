"""What the sockets of connections are told. A transport that has none, as one in memory, is left as it is."""

from __future__ import annotations

import socket
from typing import Any, Final

from twisted.internet.interfaces import ITCPTransport

from ..limits import Limits
from ..sockets import keep_alive

LAYERS: Final = 8  # of transports, one over another, below which the socket is looked for: TLS makes one


def set_up(transport: Any, limits: Limits) -> None:
    """What holds for every connection over TCP, with TLS or without; ``connectionMade`` of an application comes later."""
    send_at_once(transport)
    keep_alive(socket_of(transport), limits.keepalive_seconds)


def send_at_once(transport: Any) -> None:
    """
    Have TCP not wait for the peer's acknowledgement before it sends the end of a message.

    Else the last part of a page, or a call behind another, waits for up to 40 ms. asyncio does the same by itself.
    """
    try:
        transport.setTcpNoDelay(True)
    except (AttributeError, NotImplementedError, OSError):  # a UNIX socket, or no socket at all
        pass


def socket_of(transport: Any) -> socket.socket | None:
    """The socket, below the layers of TLS and the like."""
    for _ in range(LAYERS):
        transport = getattr(transport, "transport", transport)
    get_handle = getattr(transport, "getHandle", None)  # an application's own transport may claim more than it has
    plug = get_handle() if get_handle is not None and ITCPTransport.providedBy(transport) else None
    return plug if isinstance(plug, socket.socket) else None


__all__ = ("send_at_once", "set_up", "socket_of")
