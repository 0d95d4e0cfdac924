"""
Where a server looks up who may log in: passwords as SCRAM verifiers or as argon2id hashes, and tokens.

Records are strings that ``record()`` makes. They are looked up in a mapping, or by a function, plain or ``async``, from
a user's name to the record or ``None``. A record is never a password.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ..broker import login
from ..errors import LoginFailed
from ..logs import Seldom

log = Seldom(logging.getLogger("likewise"))

Records = Mapping[str, str] | Callable[[str], "str | Awaitable[str | None] | None"]

RECORD: Final = re.compile(r"[0-9a-f]{64}")
ITERATIONS: Final = 600_000  # of PBKDF2, a fifth of a second at the client: what OWASP asks for


async def find(records: Records, key: str) -> str | None:
    """The record of ``key``, or ``None``."""
    found = records.get(key) if isinstance(records, Mapping) else records(key)
    if inspect.isawaitable(found):
        found = await found
    return found


class ScramPasswords:
    """
    Passwords for logins by SCRAM-SHA-256: they never cross, with or without TLS. Needs ``likewise[login]``.

    ``records`` are made by :meth:`record`, the form is RFC 5803's. ``iterations`` is what unknown users pretend to: the
    number that your records were made with. ``secret`` makes what they pretend to last: without one an attacker who
    asks again after a restart can tell who exists. ``must_bind`` refuses clients that don't bind the exchange to the
    server's certificate; likewise's own do, over TLS.
    """

    def __init__(
        self, records: Records, *, iterations: int = ITERATIONS, secret: bytes | None = None, must_bind: bool = False
    ) -> None:
        login.scramp()
        if not login.FEWEST_ITERATIONS <= iterations <= login.MOST_ITERATIONS:
            raise ValueError(f"iterations must be {login.FEWEST_ITERATIONS} to {login.MOST_ITERATIONS}, not {iterations}")
        self.records = records
        self.iterations = iterations
        self.secret = secret or secrets.token_bytes(32)
        self.must_bind = must_bind

    @staticmethod
    def record(password: str, iterations: int = ITERATIONS) -> str:
        """What to keep of a password. Raises ValueError for one that SCRAM can't take: control characters, say."""
        return str(login.Verifier.of(password, iterations))

    async def verifier(self, user: str) -> login.Verifier:
        """What the user's password is checked against; for one who does not exist, what nothing fits."""
        imaginary = login.Verifier.imaginary(user, self.secret, self.iterations)
        record = await find(self.records, user)
        if record is None:
            return imaginary
        try:
            return login.Verifier.parse(record)
        except ValueError as error:
            log.error("the SCRAM record of a user can't be used: %s", error)
            return imaginary


class Argon2Passwords:
    """
    Passwords kept as argon2id hashes. Needs ``likewise[login]``.

    They cross, so they are taken over TLS, a UNIX socket or loopback only, and from a client that says
    ``Password(..., plain=True)``. At most ``workers`` are hashed at once, in threads, each in 64 MiB by default;
    ``limits.logins_waiting`` may wait.
    """

    def __init__(self, records: Records, *, workers: int = 2) -> None:
        self._hasher = _hasher()
        self.records = records
        self._threads = ThreadPoolExecutor(workers, "likewise-argon2")
        self._waiting = 0
        self._nobody = ""

    @staticmethod
    def record(password: str) -> str:
        """What to keep of a password: argon2id with the parameters of RFC 9106."""
        made: str = _hasher().hash(password)
        return made

    async def check(self, user: str, password: str, most_waiting: int, is_wanted: Callable[[], bool]) -> bool:
        """
        Whether that is the user's password; as long for one who does not exist.

        Raises:
            LoginFailed: ``most_waiting`` checks are under way.
        """
        if self._waiting >= most_waiting:
            raise LoginFailed("too many logins at once: try again later")
        self._waiting += 1
        try:
            record = await find(self.records, user)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._verify, record, password, is_wanted)
        finally:
            self._waiting -= 1

    def _verify(self, record: str | None, password: str, is_wanted: Callable[[], bool]) -> bool:
        if not is_wanted():  # the client has gone while this waited
            return False
        if not self._nobody:
            self._nobody = self._hasher.hash(secrets.token_hex(16))
        try:
            self._hasher.verify(self._nobody if record is None else record, password)
        except _refusals() as error:
            if type(error).__name__ == "InvalidHashError":
                log.error("the argon2id record of a user can't be used: %s", error)
            return False
        return record is not None


class Tokens:
    """
    Tokens and whose they are: ``records`` leads from :meth:`record` of a token to the user's name.

    A mapping is asked at each login: take a record out of it, and its token is worth nothing any more. A token crosses,
    so it is taken over TLS, a UNIX socket or loopback only.
    """

    def __init__(self, records: Records) -> None:
        for record in records if isinstance(records, Mapping) else ():
            if not RECORD.fullmatch(record):
                raise ValueError("a record of a token is what Tokens.record() returns: 64 hexadecimal digits in lower case")
        self.records = records

    @staticmethod
    def new() -> str:
        """A new token, of 256 random bits."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def record(token: str) -> str:
        """What to keep of a token."""
        return login.token_record(token)

    async def user(self, token: str) -> str | None:
        """Whose token it is, ``None`` if nobody's."""
        # What is looked up is a hash that nobody can choose: how long that takes says nothing of a token.
        return await find(self.records, login.token_record(token))


def _hasher() -> Any:
    try:
        import argon2
    except ImportError as error:
        raise ImportError("argon2id needs the package argon2-cffi: pip install 'likewise[login]'") from error
    return argon2.PasswordHasher()


def _refusals() -> tuple[type[Exception], ...]:
    from argon2.exceptions import InvalidHashError, VerificationError

    return (VerificationError, InvalidHashError)


__all__ = ("Argon2Passwords", "ScramPasswords", "Tokens")
