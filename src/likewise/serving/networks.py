"""Where peers are counted together."""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

CREDENTIALS: Final = struct.Struct("iII")  # what SO_PEERCRED tells of a process: its own number, its user's, its group's


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


def local_user(credentials: bytes) -> str:
    """Whose process is at the other end of a UNIX socket, by what the system tells of it: ``"uid 1000"``."""
    return f"uid {CREDENTIALS.unpack(credentials)[1]}"


__all__ = ("CREDENTIALS", "local_user", "network")
