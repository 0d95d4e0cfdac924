"""The second halves of logins in two steps: each takes one answer to one challenge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..broker import login
from ..errors import LoginRefused
from ..objects.by_reference import Referenceable
from .connection import Connection
from .strangers import ForStrangers


class LoginSteps(Protocol):
    """The root of the connection that the challenge was given out by."""

    connection: Connection

    def takes(self, step: ScramStep | Md5Step) -> None:
        """A step is to be finished: once, and only the latest. Raises LoginRefused."""

    async def finish(self, way: str, user: str, check: Callable[[], bool], mind: Any) -> Referenceable:
        """The user's avatar, if ``check()`` says when its turn has come that the answer is right."""


class ScramStep(ForStrangers):
    """Takes one proof."""

    def __init__(self, root: LoginSteps, exchange: login.ScramServer, user: str) -> None:
        self._root = root
        self.connection = root.connection
        self._exchange = exchange
        self._user = user

    async def remote_finish(self, client_final: Any, mind: Any = None) -> tuple[str, Referenceable]:
        root = self._root
        root.takes(self)
        final = client_final.decode("ascii", "replace") if isinstance(client_final, bytes) else client_final
        proofs: list[str] = []

        def check() -> bool:
            try:
                proofs.append(self._exchange.finish(final))
            except LoginRefused:
                return False
            return True

        avatar = await root.finish(self._exchange.way, self._user, check, mind)
        return proofs[0], avatar


class Md5Step(ForStrangers):
    """Takes one response, as Twisted's clients give it."""

    def __init__(self, root: LoginSteps, user: str, record: str | None, nobody: str) -> None:
        self._root = root
        self.connection = root.connection
        self._user = user
        self._is_real = record is not None
        self._record = record or nobody
        self.challenge = login.md5_challenge()

    async def remote_respond(self, response: Any, mind: Any = None) -> Referenceable:
        self._root.takes(self)

        def check() -> bool:
            return login.md5_is_right(self._record, self.challenge, response) and self._is_real

        return await self._root.finish(login.MD5, self._user, check, mind)


__all__ = ("Md5Step", "ScramStep")
