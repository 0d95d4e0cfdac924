"""Whether anybody else can listen to what is said over a connection."""

from __future__ import annotations

import ipaddress

from .addresses import HasExtraInfo


def ip_of(connection: HasExtraInfo) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The peer's IP address, ``None`` for a UNIX socket."""
    peer = connection.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return None
    address = ipaddress.ip_address(peer[0].partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def is_private(connection: HasExtraInfo) -> bool:
    """Whether nobody else can listen: TLS, a UNIX socket, or the same machine."""
    address = ip_of(connection)
    return connection.get_extra_info("ssl_object") is not None or address is None or address.is_loopback


__all__ = ("is_private",)
