"""``serve(..., login=)``: who may come in, and what they are then."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ..broker import login
from .passwords import Argon2Passwords, Records, ScramPasswords, Tokens

Realm = Callable[[str | None, Any], Any]
CertificateUser = Callable[[dict[str, Any]], str | None]


class Login:
    """
    Who may come in, and what they are then: ``serve(..., login=Login(realm, passwords=...))``.

    ``realm(user, mind)``, plain or ``async``, gives the user's avatar: an :class:`likewise.Avatar` or another
    Referenceable. ``user`` is ``None`` for an anonymous one, ``mind`` what the client passed to ``connect(mind=)`` or
    ``None``. It may return ``None``, or raise LoginFailed, to send the user away. Without a realm everybody who is let
    in gets the root that is served.

    Only the ways that are named here are open. ``passwords``: :class:`ScramPasswords` or :class:`Argon2Passwords`, or
    both in a tuple. ``tokens``: :class:`Tokens`. ``certificates``: ``True`` for the common name of the TLS client
    certificate, or a function from the certificate, as ``ssl`` gives it, to the user's name or ``None``.
    ``anonymous``: whether anybody is let in. ``md5_for_twisted``: records by :meth:`md5_record` for Twisted's clients,
    who know nothing better; MD5 is broken, and the records are as good as the passwords.
    """

    def __init__(
        self,
        realm: Realm | None = None,
        *,
        passwords: ScramPasswords | Argon2Passwords | tuple[ScramPasswords | Argon2Passwords, ...] = (),
        tokens: Tokens | None = None,
        certificates: bool | CertificateUser = False,
        anonymous: bool = False,
        md5_for_twisted: Records | None = None,
    ) -> None:
        stores = passwords if isinstance(passwords, tuple) else (passwords,)
        self.realm = realm
        self.scram = next((store for store in stores if isinstance(store, ScramPasswords)), None)
        self.argon2 = next((store for store in stores if isinstance(store, Argon2Passwords)), None)
        if len(stores) != (self.scram is not None) + (self.argon2 is not None):
            raise TypeError("passwords= takes ScramPasswords, Argon2Passwords, or one of each in a tuple")
        self.tokens = tokens
        self.certificates: CertificateUser | None = common_name if certificates is True else certificates or None
        self.anonymous = anonymous
        self.md5 = md5_for_twisted
        if not (stores or tokens or certificates or anonymous or md5_for_twisted is not None):
            raise ValueError("nobody could log in: name at least one of passwords, tokens, certificates, anonymous")
        if md5_for_twisted is not None:
            if not (isinstance(md5_for_twisted, Mapping) or callable(md5_for_twisted)):
                raise TypeError("md5_for_twisted= takes records: {user: Login.md5_record(password)}, or a function")
            text = "MD5 logins are for Twisted's clients only: MD5 is broken, and its records are as good as the passwords"
            warnings.warn(text, stacklevel=2)

    @staticmethod
    def md5_record(password: str) -> str:
        """What ``md5_for_twisted`` keeps of a password. Whoever has it can log in."""
        return login.md5_record(password)

    def ways(self, is_private: bool, is_tls: bool, binding: str) -> tuple[str, ...]:
        """What is offered to one connection, the best first."""
        offered = {
            login.SCRAM_PLUS: self.scram is not None and bool(binding),
            login.SCRAM: self.scram is not None and not self.scram.must_bind,
            login.PLAIN: self.argon2 is not None and is_private,
            login.TOKEN: self.tokens is not None and is_private,
            login.CERTIFICATE: self.certificates is not None and is_tls,
            login.ANONYMOUS: self.anonymous,
            login.MD5: self.md5 is not None,
        }
        return tuple(way for way, is_open in offered.items() if is_open)


def common_name(certificate: dict[str, Any]) -> str | None:
    """The one common name of a certificate's subject."""
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for name, value in pairs if name == "commonName"]
    return names[0] if len(names) == 1 else None


__all__ = ("Login", "common_name")
