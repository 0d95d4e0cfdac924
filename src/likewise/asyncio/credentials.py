"""``connect(..., login=)``: what a client shows to be let in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..bounded import clip, text_of
from ..broker import login
from ..errors import LoginFailed, NoSuchMethod
from ..objects.by_reference import RemoteReference
from .connection import Connection
from .private import is_private


class Credential(Protocol):
    """What ``connect(login=)`` takes."""

    async def log_in(self, connection: Connection, mind: Any) -> Any:
        """The avatar."""


@dataclass(frozen=True, slots=True)
class Password:
    """
    A user and a password, shown by SCRAM-SHA-256: the password does not cross, and the server proves that it knows it.

    A server that keeps argon2id hashes needs the password itself; ``plain=True`` gives it, over TLS, a UNIX socket or
    loopback only, to a server that offers nothing better.
    """

    user: str
    password: str = field(repr=False)
    plain: bool = False

    async def log_in(self, connection: Connection, mind: Any) -> Any:
        root = connection.root
        offered = await root.callRemote("login_ways")
        ways = [way for way in offered if isinstance(way, str)] if isinstance(offered, (tuple, list)) else []
        tls = connection.get_extra_info("ssl_object")
        if login.SCRAM in ways or (login.SCRAM_PLUS in ways and tls is not None):
            client = login.ScramClient(self.user, self.password, ways, tls)
            challenge, step = _pair(await root.callRemote("login_scram", client.first()), str, RemoteReference)
            final = await asyncio.to_thread(client.respond, challenge)  # PBKDF2: it may take a second
            proof, avatar = _pair(await step.callRemote("finish", final, mind), str, RemoteReference)
            client.check(proof)
            return avatar
        if login.PLAIN not in ways:
            takes = clip(", ".join(ways), 100)
            raise LoginFailed(f"the server takes no passwords over this connection; what it takes: {takes}")
        if not self.plain:
            raise LoginFailed("the server wants the password itself: say Password(..., plain=True) if it may have it")
        _must_be_private(connection, "a password")
        return await root.callRemote("login_plain", self.user, self.password, mind)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that the server gave out. It crosses over TLS, a UNIX socket or loopback only."""

    token: str = field(repr=False)

    async def log_in(self, connection: Connection, mind: Any) -> Any:
        _must_be_private(connection, "a token")
        return await connection.root.callRemote("login_token", self.token, mind)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Who the client certificate says: ``connect(..., tls=TLS(certificate=..., key=...), login=Certificate())``."""

    async def log_in(self, connection: Connection, mind: Any) -> Any:
        return await connection.root.callRemote("login_certificate", mind)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody in particular."""

    async def log_in(self, connection: Connection, mind: Any) -> Any:
        return await connection.root.callRemote("loginAnonymous", mind)


async def log_in(connection: Connection, credential: Credential, mind: Any) -> RemoteReference:
    """
    The avatar, as a reference.

    Raises:
        LoginFailed: the server let nobody in.
    """
    try:
        avatar = await credential.log_in(connection, mind)
    except NoSuchMethod as error:
        raise LoginFailed(f"the server takes no such login: {text_of(error, 500)}") from error
    if not isinstance(avatar, RemoteReference):
        raise LoginFailed(f"the server gave {clip(avatar)} for an avatar")
    return avatar


def _must_be_private(connection: Connection, what: str) -> None:
    if not is_private(connection):
        raise LoginFailed(f"{what} would cross in the clear: connect to tls://")


def _pair(value: Any, first: type, second: type) -> tuple[Any, Any]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], first) and isinstance(value[1], second):
        return value
    raise LoginFailed(f"the server gave {clip(value)} in a login")


__all__ = ("Anonymous", "Certificate", "Password", "Token")
