"""
Listening sockets, where the process has no descriptor left for one more connection.

asyncio then makes as many attempts as its ``backlog`` says, reports each with a traceback, and for each it tries again a
second later, with as many attempts: at a backlog of a thousand that takes most of a CPU, and 2 MB of log a second. So
asyncio is told to take one at a time, and the system to hold many.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from .. import logs

if TYPE_CHECKING:
    from .endpoint import Endpoint

BACKLOG: Final = 1024  # connections that the system holds until the loop takes them: a deploy reconnects all at once
AT_ONCE: Final = 1  # connections that the loop takes in one turn: the ``backlog`` for ``create_server``


def begin(listening: asyncio.Server, endpoint: Endpoint) -> None:
    """A server has begun to listen: have the system hold :data:`BACKLOG` connections, and the log bounded."""
    for plug in listening.sockets:
        with socket.fromfd(plug.fileno(), plug.family, plug.type) as again:
            again.listen(BACKLOG)
    logs.accepting(endpoint.log, listening.sockets, _remedy(endpoint.limits.connections))


def _remedy(connections: int) -> str:
    try:
        import resource  # not everywhere

        most = f" is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
    except ImportError:
        most = ""
    return f"more descriptors help: ulimit -n{most}, limits.connections {connections}"


__all__ = ("AT_ONCE", "begin")
