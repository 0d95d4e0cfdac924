"""
A server with a login, as a process of its own: ``doors.py WAY [ADDRESS [FILES]]``, by the asyncio API.

It prints its address and serves until its standard input ends. Every avatar is a :class:`Guest`; what it logs out is
written to the standard output, a line each. ``WAY`` names one of :data:`DOORS`.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Callable
from typing import Any

import likewise

FEW = 4_096  # iterations: a test has no time for more
PASSWORDS = {"alice": "sesame", "bob": "open sesame"}
TOKEN = "a token that is long and random"


class Guest(likewise.Avatar):
    """What a user is here."""

    def __init__(self, user: str | None) -> None:
        self.user = user

    def perspective_who(self) -> str | None:
        return self.user

    def perspective_me(self) -> Guest:
        return self

    def perspective_keep(self, value: Any) -> Any:
        return value

    def remote_secret(self) -> str:
        return "not by this prefix"

    def logout(self, mind: Any) -> None:
        print(f"logout {self.user} {mind is not None}", flush=True)


async def realm(user: str | None, mind: Any) -> Guest | None:
    if user == "carol":  # known to the passwords' keeper, not to this service
        return None
    if mind is not None:
        mind.callRemoteOnly("welcome", user)
    return Guest(user)


def scram(**options: Any) -> likewise.ScramPasswords:
    records = {name: likewise.ScramPasswords.record(password, FEW) for name, password in PASSWORDS.items()}
    records["carol"] = likewise.ScramPasswords.record("carol's", FEW)
    records["broken"] = "no record"
    return likewise.ScramPasswords(records, iterations=FEW, **options)


def argon2() -> likewise.Argon2Passwords:
    records = {name: likewise.Argon2Passwords.record(password) for name, password in PASSWORDS.items()}
    return likewise.Argon2Passwords(records | {"broken": "no record"})


def tokens() -> likewise.Tokens:
    return likewise.Tokens({likewise.Tokens.record(TOKEN): "alice"})


def md5() -> likewise.Login:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        records = {name: likewise.Login.md5_record(password) for name, password in PASSWORDS.items()}
        return likewise.Login(realm, md5_for_twisted=records | {"broken": "no record"})


DOORS: dict[str, Callable[[], likewise.Login]] = {
    "scram": lambda: likewise.Login(realm, passwords=scram(secret=bytes(32))),
    "binding": lambda: likewise.Login(realm, passwords=scram(must_bind=True)),
    "argon2": lambda: likewise.Login(realm, passwords=argon2()),
    "both": lambda: likewise.Login(realm, passwords=(scram(), argon2())),
    "tokens": lambda: likewise.Login(realm, tokens=tokens()),
    "certificates": lambda: likewise.Login(realm, certificates=True),
    "anonymous": lambda: likewise.Login(realm, anonymous=True),
    "md5": md5,
}


async def main(way: str, address: str = "tcp://127.0.0.1:0", *files: str) -> None:
    """Serve; over TLS ``files`` are the certificate, its key, and the issuer of clients' certificates."""
    tls = None
    if files:
        certificate, key, issuer = files
        tls = likewise.TLS(certificate=certificate, key=key, client_ca=issuer, client_certificates="optional")
    limits = likewise.Limits(login_attempts=3, login_seconds=5.0)
    async with likewise.serve(None, address, login=DOORS[way](), tls=tls, limits=limits) as server:
        print(server.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
