"""
Listening sockets: one port for all addresses of a host, and what is to be done where the process has no descriptor left
for one more connection.

asyncio then makes as many attempts as its ``backlog`` says, reports each with a traceback, and for each it tries again a
second later, with as many attempts: at a backlog of a thousand that takes most of a CPU, and 2 MB of log a second. So
asyncio is told to take one at a time, and the system to hold many.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .. import logs
from ..limits import Limits
from .addresses import Address

if TYPE_CHECKING:
    from .endpoint import Endpoint

BACKLOG: Final = 1024  # connections that the system holds until the loop takes them: a deploy reconnects all at once
AT_ONCE: Final = 1  # connections that the loop takes in one turn: the ``backlog`` for ``create_server``
ATTEMPTS: Final = 20  # at a port that is free at all addresses of a host
FOR_ALL_ELSE: Final = 64  # descriptors that a process needs besides those of its connections

log = logging.getLogger("likewise")


async def listen(make: Callable[[], asyncio.BaseProtocol], address: Address) -> asyncio.Server:
    """Listen at all addresses of a host, on one and the same port, though the system choose it."""
    loop = asyncio.get_running_loop()
    host = address.host
    if address.port or address.is_ip:
        return await loop.create_server(make, host, address.port, backlog=AT_ONCE)
    infos = await loop.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    left = ATTEMPTS if len({each[4] for each in infos}) > 1 else 0
    while True:
        port = _free_port(infos[0][0], infos[0][4]) if left else 0
        try:
            return await loop.create_server(make, host, port, backlog=AT_ONCE)
        except OSError as error:
            left -= 1
            if error.errno != errno.EADDRINUSE or left <= 0:
                raise


def _free_port(family: int, address: tuple[object, ...]) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as plug:
        plug.bind(address)
        port: int = plug.getsockname()[1]
        return port


def begin(listening: asyncio.Server, endpoint: Endpoint, address: Address) -> None:
    """A server has begun to listen: have the system hold :data:`BACKLOG` connections, and the log bounded."""
    for plug in listening.sockets:
        with socket.fromfd(plug.fileno(), plug.family, plug.type) as again:
            again.listen(BACKLOG)
    connections = endpoint.limits.connections
    _compare_descriptors(connections, is_meant=not address.is_local or connections != Limits().connections)
    logs.accepting(endpoint.log, listening.sockets, _remedy(endpoint.limits.connections))


async def end(listening: asyncio.Server) -> None:
    """
    Listen no longer, once those connections that were accepted already have been made.

    For one that was accepted and not made yet when its server closes, asyncio (up to 3.12) fails, and leaves it open.
    """
    loop = listening.get_loop()
    if isinstance(loop, asyncio.SelectorEventLoop):
        for plug in listening.sockets:
            loop.remove_reader(plug.fileno())
        for _ in range(3):  # the task that makes it, its connection_made, and what that has asked for
            await asyncio.sleep(0)
    listening.close()


def _descriptors() -> int | None:
    """How many descriptors the process may have, ``None`` where that is not known or has no end."""
    try:
        import resource  # not everywhere
    except ImportError:
        return None
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if most == resource.RLIM_INFINITY else most


def _remedy(connections: int) -> str:
    most = _descriptors()
    return f"more descriptors help: ulimit -n{'' if most is None else f' is {most}'}, limits.connections {connections}"


def _compare_descriptors(connections: int, *, is_meant: bool) -> None:
    """
    Say so where the process runs out of descriptors before a server has as many connections as it may.

    It is a warning where somebody set that number or the server is for other machines, a note otherwise: at the usual
    1,024 each small program on one machine would begin with it.
    """
    most = _descriptors()
    if most is not None and most < connections + FOR_ALL_ELSE:
        log.log(
            logging.WARNING if is_meant else logging.INFO,
            "limits.connections is %d, but this process may have %d files open, its connections among them: "
            "ulimit -n %d lets it have as many, likewise.Limits(connections=%d) asks for no more",
            connections,
            most,
            connections + FOR_ALL_ELSE,
            max(1, most - FOR_ALL_ELSE),
        )


__all__ = ("AT_ONCE", "begin", "end", "listen")
