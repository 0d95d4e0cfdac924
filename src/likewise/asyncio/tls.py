"""
``tls://``: what either end shows and whom it believes, by the standard library's ``ssl``.

Host names are checked, TLS is 1.2 or later, and nothing here turns either off: who needs something else hands an
:class:`ssl.SSLContext` of their own to ``serve(..., tls=)`` or ``connect(..., tls=)``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, cast

from ..errors import LimitExceeded
from .addresses import peer_name, peer_place
from .coroutines import start_coroutine
from .endpoint import Endpoint

log = logging.getLogger("likewise")

PLAIN_TEXT: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
WRONG_NAME: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
OUT_OF_TIME: Final = {9: "is not valid yet", 10: "has expired"}
UNKNOWN_ISSUER: Final = frozenset({18, 19, 20, 21})  # self-signed, or no issuer that is believed here
TLS_REFUSALS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate: TLS(certificate=..., key=...)",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know who issued our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it finds that our certificate has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it refuses our certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it found nothing in common with us, or asks for a client certificate",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no client certificate",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS as new as 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no version of TLS that is accepted here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """
    The TLS of one end; every file is PEM.

    ``certificate`` is what this end shows, with the issuers between it and the root behind it; ``key`` its private key,
    by default in the same file. A server must have one.

    ``ca``, for a client: believe these issuers instead of the system's. ``server_name``: the name that the server's
    certificate must bear, if not the host in the address.

    ``client_ca``, for a server: ask clients for a certificate of these issuers; ``client_certificates`` says whether
    one who shows none is sent away (``"required"``) or served (``"optional"``).
    """

    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    key_password: str | bytes | Callable[[], str | bytes] | None = None
    ca: str | os.PathLike[str] | None = None
    server_name: str | None = None
    client_ca: str | os.PathLike[str] | None = None
    client_certificates: Literal["required", "optional"] = "required"

    def __post_init__(self) -> None:
        if self.client_certificates not in ("required", "optional"):
            raise ValueError(f"client_certificates is 'required' or 'optional', not {self.client_certificates!r}")
        if self.key is not None and self.certificate is None:
            raise ValueError("TLS(key=...) lacks the certificate that the key belongs to")


class ServerContext(ssl.SSLContext):
    """A context that remembers its own certificate: logins are bound to it, and ``ssl`` does not give it back."""

    certificate_pem: str = ""


def client_context(tls: TLS | ssl.SSLContext | None) -> ssl.SSLContext:
    """
    What ``connect()`` hands to the loop.

    Raises:
        ValueError: a setting that is a server's.
        OSError: a file can't be read, or holds no certificate or key.
    """
    if isinstance(tls, ssl.SSLContext):
        return tls
    tls = tls or TLS()
    if tls.client_ca is not None:
        raise ValueError("TLS(client_ca=...) is for a server: a client believes the issuers in TLS(ca=...)")
    if tls.ca is None:
        context = ssl.create_default_context()
    else:
        with _naming("ca", tls.ca):
            context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        _show(context, tls)
    return context


def server_context(tls: TLS) -> ServerContext:
    """
    The context for the files as they are now.

    Raises:
        ValueError: there is no certificate, or a setting is a client's.
        OSError: a file can't be read, or the key is not the certificate's.
    """
    if tls.certificate is None:
        raise ValueError("a server shows a certificate: TLS(certificate='server.pem', key='server.key')")
    if tls.ca is not None or tls.server_name is not None:
        raise ValueError("TLS(ca=..., server_name=...) are for a client: a server believes who is in TLS(client_ca=...)")
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = CheckedSSLObject
    _show(context, tls)
    with open(tls.certificate, encoding="ascii", errors="replace") as file:
        context.certificate_pem = file.read()
    if tls.client_ca is not None:
        with _naming("client_ca", tls.client_ca):
            context.load_verify_locations(tls.client_ca)
        required = tls.client_certificates == "required"
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def _show(context: ssl.SSLContext, tls: TLS) -> None:
    assert tls.certificate is not None
    try:
        context.load_cert_chain(tls.certificate, tls.key, tls.key_password)
    except ssl.SSLError as error:
        files = os.fspath(tls.certificate) if tls.key is None else f"{os.fspath(tls.certificate)} and {os.fspath(tls.key)}"
        raise OSError(f"{files}: no certificate in PEM with the key that belongs to it ({error.reason or error})") from error
    except OSError as error:
        named = " or ".join(os.fspath(each) for each in (tls.certificate, tls.key) if each is not None)
        raise type(error)(error.errno, f"{error.strerror} ({named})") from None


@contextlib.contextmanager
def _naming(setting: str, file: str | os.PathLike[str]) -> Iterator[None]:
    """What ``ssl`` says of a file of issuers, with the setting and the file in it."""
    where = f"TLS({setting}={os.fspath(file)!r})"
    try:
        yield
    except ssl.SSLError as error:
        raise OSError(f"{where}: no certificate in PEM ({error.reason or error})") from error
    except OSError as error:
        raise type(error)(error.errno, f"{error.strerror}: {where}") from None


class CheckedSSLObject(ssl.SSLObject):
    """One connection's TLS at a server, which lets the client know why it is refused."""

    failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """
        As the base class, in two steps where the client's certificate is refused.

        asyncio drops the alert when a handshake fails. It sends what there is when more is wanted, though: so more is
        wanted once, and what comes next, the client's end or that of ``limits.handshake_seconds``, is the end.
        """
        if self.failure is not None:
            raise self.failure
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if isinstance(error, ssl.SSLCertVerificationError) or error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
                self.failure = error
                raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the alert is on its way") from error
            raise


class Entrance:
    """
    Where a server's connections do their handshake: ``make`` makes the line of each when that is done, not before.

    ``context`` is what holds for those to come. Handshakes under way count as such, and end in time.
    """

    def __init__(self, tls: TLS | ssl.SSLContext, endpoint: Endpoint, make: Callable[[], asyncio.Protocol]) -> None:
        self.context = tls if isinstance(tls, ssl.SSLContext) else server_context(tls)
        self.endpoint = endpoint
        self.make = make
        self.handshakes: set[Handshake] = set()

    def accept(self) -> Handshake:
        """What the loop wants of a new connection."""
        return Handshake(self)

    def close(self) -> None:
        """The server stops: nobody who is still at the door comes in."""
        for each in tuple(self.handshakes):
            each.end()


class Handshake(asyncio.Protocol):
    """A connection while it is at the door."""

    __slots__ = ("_address", "_early", "_entrance", "_is_counted_out", "_lost", "_peer", "_task", "_transport")

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._early = b""  # what came behind the handshake, until it is somebody's
        self._lost = self._is_counted_out = False
        self._address = self._peer = ""
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        entrance, endpoint = self._entrance, self._entrance.endpoint
        self._transport = cast(asyncio.Transport, transport)
        self._address, self._peer = peer_place(transport), peer_name(transport)
        if endpoint.is_closing:
            self._transport.abort()
            return
        refused = endpoint.account.let_in(self, self._address, endpoint.lines)
        if refused is not None:
            self._warn("connections refused", "%s: refused: %s", refused)
            self._transport.abort()
            return
        entrance.handshakes.add(self)
        loop = asyncio.get_running_loop()
        # Its first step runs now: what the client sends is for TLS from the first byte on.
        self._task = start_coroutine(loop, self._shake_hands(self._transport), "TLS handshake", self._settled, is_ours=True)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        entrance = self._entrance
        seconds = entrance.endpoint.limits.handshake_seconds
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, self, entrance.context, server_side=True, ssl_handshake_timeout=seconds
            )
        except OSError as error:
            self._warn("TLS handshakes failed", "%s: the TLS handshake failed: %s", explain(error))
            return
        finally:
            entrance.handshakes.discard(self)
            self._count_out()
        if secured is None or self._lost:  # it has gone meanwhile
            return
        line = entrance.make()
        secured.set_protocol(line)
        line.connection_made(secured)
        if self._early:
            line.data_received(self._early)

    def _settled(self, value: None, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            log.error("error while opening a connection", exc_info=error)

    def _warn(self, kind: str, text: str, what: object) -> None:
        later = asyncio.get_running_loop().call_later
        self._entrance.endpoint.log.warning(later, kind, text, self._peer, what)

    def make_way(self, reason: LimitExceeded) -> None:
        """Another one takes the place of this one, which says nothing."""
        self._count_out()
        self._warn("connections that made way", "%s: made way: %s", reason)
        self.end()

    def _count_out(self) -> None:
        account = self._entrance.endpoint.account
        if not self._is_counted_out:
            self._is_counted_out = True
            account.greeted_by(self)
            account.leave(None, self._address)

    def end(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True


def explain(error: BaseException) -> str:
    """What is wrong, in words and with the remedy where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in WRONG_NAME:
            return f"the certificate is for another host ({error.verify_message}); TLS(server_name=...) names the right one"
        if error.verify_code in OUT_OF_TIME:
            return f"the certificate {OUT_OF_TIME[error.verify_code]}"
        if error.verify_code in UNKNOWN_ISSUER:
            who = "TLS(ca=...) at a client and TLS(client_ca=...) at a server name whom to believe"
            return f"the certificate's issuer is not believed here ({error.verify_message}); {who}"
        return f"the certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""  # one that OpenSSL did not raise has none
        if reason in PLAIN_TEXT:
            return "it sends plain text where TLS is expected; tcp:// is for that"
        return TLS_REFUSALS.get(reason, f"TLS failed: {reason or error}")
    return str(error) or type(error).__name__


__all__ = ("TLS",)
