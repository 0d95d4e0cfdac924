"""How to reach an endpoint: ``tcp://HOST:PORT``, ``tls://HOST:PORT`` or ``unix://PATH``; and who has reached it."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from ..serving.networks import network
from ..sockets import user_at


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. ``host`` and ``port`` for TCP and TLS, ``path`` for a UNIX socket."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.scheme == "unix" or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP address, and no name of any number of them."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path.replace('%', '%25')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(text: str) -> Address:
    """
    The address that ``text`` spells. Port 0 lets the system choose when serving.

    Raises:
        ValueError: it names what is wrong and shows the form.
    """
    scheme, _, rest = text.partition(":")
    if scheme.lower() == "unix":  # all that follows is the path: a file's name may have any sign
        path = unquote(rest.removeprefix("//"))
        if not path:
            raise ValueError(f"{text!r} names no socket: write unix:///run/app.sock")
        return Address("unix", path=path)
    parts = urlsplit(text)
    if parts.scheme not in ("tcp", "tls"):
        forms = "tcp://127.0.0.1:8800, tls://host.example:8800 or unix:///run/app.sock"
        raise ValueError(f"{text!r} is no address: write {forms}")
    form = f"{parts.scheme}://127.0.0.1:8800"
    if "@" in parts.netloc or set("?#") & set(text):
        raise ValueError(f"{text!r} has a user, a query or a fragment, which no address has: write {form}, and login=")
    if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
        raise ValueError(f"{text!r}: an IPv6 address stands in brackets: write {parts.scheme}://[::1]:8800")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if not parts.hostname or port is None or parts.path not in ("", "/"):
        raise ValueError(f"{text!r} lacks a host or a port, or has more: write {form}")
    return Address(parts.scheme, parts.hostname, port)


class HasExtraInfo(Protocol):
    """A transport, or a connection over one."""

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


def peer_place(transport: HasExtraInfo) -> str:
    """Where the peer is counted: its IPv4 address, the first half of an IPv6 one, the user at a UNIX socket."""
    name = transport.get_extra_info("peername")
    return network(str(name[0])) if isinstance(name, tuple) else user_at(transport.get_extra_info("socket"))


def peer_name(transport: asyncio.BaseTransport) -> str:
    """The other end, for people to read: an address, or the process behind a UNIX socket."""
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return f"unix:{name or transport.get_extra_info('sockname') or ''}"
