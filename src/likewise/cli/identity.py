"""The options of a command that say whom to believe, and who we are: TLS and the login."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Final

from ..asyncio.credentials import Anonymous, Certificate, Credential, Password, Token
from ..asyncio.tls import TLS

LONGEST_SECRET: Final = 65_536  # characters of a secret's file that are read


class Unusable(Exception):
    """Options that do not go together, or a file that can't be used; the text is for whoever typed them."""


def add_options(verb: argparse.ArgumentParser) -> None:
    """All of them, to one command."""
    tls = verb.add_argument_group("for an address that begins with tls://")
    tls.add_argument("--ca", metavar="FILE", help="issuers to believe, in PEM, in place of the system's")
    tls.add_argument("--server-name", metavar="NAME", help="the name in the server's certificate, if not the address's")
    tls.add_argument("--cert", metavar="FILE", help="a client certificate to show, in PEM")
    tls.add_argument("--key", metavar="FILE", help="its private key, if that is in another file")
    login = verb.add_argument_group("to log in")
    who = login.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="NAME", help="by a password, which is asked for at the terminal")
    who.add_argument("--token", metavar="FILE", help="by the token in the first line of this file; - is standard input")
    who.add_argument("--as-certificate", action="store_true", help="as whom --cert names")
    who.add_argument("--anonymous", action="store_true", help="as nobody in particular")
    login.add_argument(
        "--password", metavar="FILE", help="with --user: the first line of this file is the password; - is standard input"
    )
    login.add_argument("--plain", action="store_true", help="with --user: the server may have the password itself")


def tls_of(options: argparse.Namespace) -> TLS | None:
    """
    What the options say about TLS, if anything.

    Raises:
        Unusable: they do not go together.
    """
    given = [name for name in ("ca", "server_name", "cert", "key") if getattr(options, name) is not None]
    if not given:
        return None
    if not options.address.startswith("tls://"):
        raise Unusable(f"--{given[0].replace('_', '-')} is for an address that begins with tls://")
    if options.key is not None and options.cert is None:
        raise Unusable("--key needs --cert, the certificate that it belongs to")
    return TLS(certificate=options.cert, key=options.key, ca=options.ca, server_name=options.server_name)


def login_of(options: argparse.Namespace) -> Credential | None:
    """
    What the options say about the login, if anything. Asks for a password that no file holds.

    Raises:
        Unusable: they do not go together, or a file can't be used.
    """
    if options.user is None and (options.password is not None or options.plain):
        raise Unusable(f"--{'plain' if options.password is None else 'password'} needs --user")
    if options.user is not None:
        return Password(options.user, _password(options), plain=options.plain)
    if options.token is not None:
        return Token(_secret("--token", options.token))
    if options.as_certificate:
        if options.cert is None:
            raise Unusable("--as-certificate needs --cert, the certificate to show")
        return Certificate()
    return Anonymous() if options.anonymous else None


def _password(options: argparse.Namespace) -> str:
    if options.password is not None:
        return _secret("--password", options.password)
    if not sys.stdin.isatty():
        raise Unusable("there is no terminal to ask for the password: name a file with --password, or - for standard input")
    return getpass.getpass(f"password of {options.user}: ")


def _secret(option: str, file: str) -> str:
    """The first line of a file. What was typed in place of a file's name may be the secret: it is not shown."""
    try:
        if file == "-":
            line = sys.stdin.readline(LONGEST_SECRET)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                line = opened.readline(LONGEST_SECRET)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no text"
        raise Unusable(f"the file that {option} names can't be read: {why}") from None
    secret = line.rstrip("\r\n")
    if not secret:
        raise Unusable(f"the file that {option} names begins with an empty line")
    return secret


__all__ = ("Unusable", "add_options", "login_of", "tls_of")
