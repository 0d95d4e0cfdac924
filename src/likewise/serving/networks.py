"""Where peers are counted together."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any, Final

PEERCRED: Final = getattr(socket, "SO_PEERCRED", None)  # Linux and some others have it
CREDENTIALS: Final = struct.Struct("iII")  # of a process: its own number, its user's, its group's


def network(host: str) -> str:
    """
    What one household or office has of an IP address: all of an IPv4 one, the first 64 bits of an IPv6 one.

    Whoever has a network of IPv6 has 2**64 addresses to come from.
    """
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def local_user(plug: Any) -> str:
    """Whose process is at the other end of a UNIX socket: ``"uid 1000"``, or ``""`` where the system does not tell."""
    if PEERCRED is None or getattr(plug, "family", None) != socket.AF_UNIX:
        return ""
    try:
        told = plug.getsockopt(socket.SOL_SOCKET, PEERCRED, CREDENTIALS.size)
    except OSError:
        return ""
    return f"uid {CREDENTIALS.unpack(told)[1]}"


__all__ = ("local_user", "network")
