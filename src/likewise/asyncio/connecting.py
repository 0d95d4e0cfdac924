"""
How a client gets to an address: each of the host's addresses is tried, a quarter of a second after the one before, until
one answers (RFC 8305, "happy eyeballs"); and what a failure means.

asyncio can do the first by itself, uvloop can't.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterable
from typing import Any, Final

from ..errors import CannotConnect
from .addresses import Address

DELAY: Final = 0.25  # seconds: RFC 8305 recommends it

Found = tuple[int, Any]  # the family and the address for connect(2)


async def plugged(address: Address) -> socket.socket:
    """
    A socket that is connected to whichever IP address of the host answers first.

    Raises:
        OSError: none does; it says why for each, if that differs.
    """
    loop = asyncio.get_running_loop()
    if address.is_ip:
        return await _attempt(socket.AF_INET6 if ":" in address.host else socket.AF_INET, (address.host, address.port))
    try:
        infos = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a name that can't be one
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    waiting = interleaved((family, found) for family, _, _, _, found in infos)
    attempts: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(loop.create_task(_attempt(*waiting.pop(0)), name="connect"))
            done, attempts = await asyncio.wait(
                attempts, timeout=DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            plugs = []
            for each in done:
                try:
                    plugs.append(each.result())
                except OSError as error:
                    errors.append(error)
            for spare in plugs[1:]:
                spare.close()
            if plugs:
                return plugs[0]
    finally:
        await _give_up(attempts)
    raise _all_of(errors)


async def _attempt(family: int, address: Any) -> socket.socket:
    plug = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY where it reads that
    try:
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, address)
    except BaseException:
        plug.close()
        raise
    return plug


async def _give_up(attempts: set[asyncio.Task[socket.socket]]) -> None:
    """End what another attempt was quicker than. One that succeeds at the same moment is closed."""
    for each in attempts:
        each.cancel()
    if attempts:
        for result in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(result, socket.socket):
                result.close()


def interleaved(found: Iterable[Found]) -> list[Found]:
    """Each once, by turns of one family and another, the resolver's first one first."""
    families: dict[int, list[Found]] = {}
    for each in dict.fromkeys(found):
        families.setdefault(each[0], []).append(each)
    longest = max(map(len, families.values()), default=0)
    return [each[n] for n in range(longest) for each in families.values() if n < len(each)]


def _all_of(errors: list[OSError]) -> OSError:
    """One error for all addresses of a host."""
    if not errors:
        return OSError("the host has no address")
    if len({each.errno for each in errors}) == 1:
        return errors[0]
    error = OSError("; ".join(dict.fromkeys(_cause(each) for each in errors)))
    error.__cause__ = errors[0]
    return error


# --- what a failure means

NO_DESCRIPTOR: Final = "this process has no file descriptor left to reach {} with: {} (ulimit -n sets how many it may have)"
NO_SYSTEM_DESCRIPTOR: Final = "this system has no file descriptor left to reach {} with: {}"
NOBODY: Final = "nobody listens at {}: {}"
UNREACHABLE: Final = "{} can't be reached: {}"
FORBIDDEN: Final = "this process may not connect to {}: {}"
BUSY: Final = "{} takes no further connections now: {}"
UNKNOWN_HOST: Final = "{}: the host's name can't be resolved: {}"
CANNOT_CONNECT: Final = "can't connect to {}: {}"
BROKEN_OFF: Final = "{} broke off the connection while it was made: {}"

TEXTS: Final = {
    errno.EMFILE: NO_DESCRIPTOR,
    errno.ENFILE: NO_SYSTEM_DESCRIPTOR,
    errno.ECONNREFUSED: NOBODY,
    errno.ENOENT: NOBODY,
    errno.ETIMEDOUT: UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.EHOSTDOWN: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.ENETDOWN: UNREACHABLE,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EAGAIN: BUSY,  # a UNIX socket whose queue is full
    errno.ECONNRESET: BROKEN_OFF,
    errno.EPIPE: BROKEN_OFF,
}


def cannot_connect(address: Address, error: OSError) -> CannotConnect:
    """What has kept us from an address, by its true name."""
    text = CANNOT_CONNECT
    if isinstance(error, socket.gaierror):
        text = UNKNOWN_HOST
    elif error.errno is not None:
        text = TEXTS.get(error.errno, CANNOT_CONNECT)
    return CannotConnect(text.format(address, _cause(error)))


def _cause(error: OSError) -> str:
    # The text that asyncio gives names the address again and not the cause; a resolver's is no errno and stands.
    if error.errno and error.errno > 0 and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return str(error.strerror or error)


__all__ = ("cannot_connect", "interleaved", "plugged")
