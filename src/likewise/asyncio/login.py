"""
``serve(..., login=)``: what a stranger meets instead of the root, and what becomes of one who is let in.

It travels as plain calls on the object under ``root``, so every dialect of PB carries it:

::

    login_ways() -> (way, ...)                      the best first; the names are in broker/login.py
    login_scram(client_first) -> (server_first, step);  step.finish(client_final, mind) -> (server_final, avatar)
    login_plain(user, password, mind) -> avatar     over TLS, a UNIX socket or loopback
    login_token(token, mind) -> avatar              the same
    login_certificate(mind) -> avatar               who the TLS client certificate says
    loginAnonymous(mind) -> avatar                  Twisted's own
    login(user) -> (challenge, step);  step.respond(response, mind) -> avatar      Twisted's MD5
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import inspect
import ipaddress
import logging
import secrets
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from ..bounded import clip
from ..broker import login
from ..broker.core import Broker
from ..errors import ENDS_THE_PROGRAM, LimitExceeded, LoginFailed, LoginRefused, RemoteProtocolError
from ..jelly.registry import registry_from
from ..limits import Limits
from ..logs import Seldom
from ..objects.by_reference import AsReferenceable, Avatar, Referenceable
from ..trace import Record
from .addresses import place
from .connection import Connection
from .endpoint import Endpoint
from .passwords import Argon2Passwords, Records, ScramPasswords, Tokens, find
from .strangers import ForStrangers

log = Seldom(logging.getLogger("likewise"))

Realm = Callable[[str | None, Any], Any]
CertificateUser = Callable[[dict[str, Any]], str | None]

REFUSED = login.REFUSED


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


class Gate:
    """What a server with a login has in the place of its root: each connection gets a :class:`Door`."""

    def __init__(self, how: Login, root: Any, endpoint: Endpoint) -> None:
        self.how = how
        self.root = root
        self.endpoint = endpoint
        self.lanes = login.Lanes(endpoint.limits)
        self.nobody = login.md5_record(secrets.token_hex(16))  # the password of users who do not exist
        self._before = endpoint.limits.before_login()
        self._nothing = registry_from(())

    def rootObject(self, connection: Connection) -> Door:
        return Door(self, connection)

    def restrain(self, broker: Broker) -> None:
        """A stranger sends little, and nothing of the application's."""
        broker.restrain(self._nothing, self._before)

    def run(self, logout: Coroutine[Any, Any, None], connection: Connection) -> None:
        """An ``async`` logout, by itself: nobody waits for it but :meth:`Server.close`."""

        def ended(task: asyncio.Task[None]) -> None:
            self.endpoint.logouts.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                connection.broker.driver.report("running logout", error)

        task = asyncio.get_running_loop().create_task(logout, name="logout")
        self.endpoint.logouts.add(task)
        task.add_done_callback(ended)

    async def avatar(self, user: str | None, mind: Any, connection: Connection) -> Any:
        """What the user is here."""
        if self.how.realm is None:
            return self.root.rootObject(connection)
        avatar = self.how.realm(user, mind)
        return await avatar if inspect.isawaitable(avatar) else avatar


class Stay:
    """One login, from the moment that there is an avatar until its logout, which is told once."""

    __slots__ = ("_avatar", "_door", "_mind", "_reference", "key")

    def __init__(self, door: Door, avatar: Any, mind: Any) -> None:
        self._door: Door | None = door
        self._avatar = avatar
        self._mind = mind
        is_plain = isinstance(avatar, Referenceable) and not isinstance(avatar, Avatar)
        self._reference = avatar if is_plain else AsReferenceable(avatar, "perspective")
        self.key: object = self._reference.processUniqueID()  # by which the tables know what the client holds

    def begin(self) -> Referenceable:
        """What to send to the client. If it has gone meanwhile, that was the stay."""
        assert self._door is not None
        self._door.connection.broker.notify_on_disconnect(self.end)
        return self._reference

    def end(self) -> None:
        """The client has let go of the avatar, or the connection has ended, or both."""
        door, self._door = self._door, None
        if door is None:
            return
        door.connection.broker.dont_notify_on_disconnect(self.end)
        door.left(self)
        if not isinstance(self._avatar, Avatar):
            return
        try:
            done = self._avatar.logout(self._mind)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:
            door.connection.broker.driver.report("running logout", error)
        else:
            if inspect.iscoroutine(done):
                door.gate.run(done, door.connection)


class Door(ForStrangers):
    """The root of one connection whose client has yet to say who it is."""

    def __init__(self, gate: Gate, connection: Connection) -> None:
        self.gate = gate
        self.connection = connection
        self.address = ""
        self._limits: Limits = gate.endpoint.limits
        self._attempts = 0
        self._is_busy = False
        self._step: ScramStep | Md5Step | None = None
        self._stays: dict[object, list[Stay]] = {}  # by what the tables know them by
        self._logged_in: int = 0
        self._timer: asyncio.TimerHandle | None = None
        self._start_timer(self._limits.handshake_seconds + self._limits.login_seconds)
        connection.notifyOnDisconnect(lambda _: self._stop_timer())

    # --- what the client calls

    def remote_login_ways(self) -> tuple[str, ...]:
        return self._ways()

    async def remote_login_scram(self, client_first: Any) -> tuple[str, ScramStep]:
        self._admit(login.SCRAM, login.SCRAM_PLUS)
        self._begin_attempt()
        store = self.gate.how.scram
        assert store is not None
        exchange = login.ScramServer(self._text(client_first), self._binding(), store.must_bind)
        user = exchange.user()
        self._step = step = ScramStep(self, exchange, user)
        return exchange.challenge(await store.verifier(user)), step

    async def remote_login_plain(self, user: Any, password: Any, mind: Any = None) -> Referenceable:
        self._admit(login.PLAIN)
        self._begin_attempt()
        store = self.gate.how.argon2
        assert store is not None
        name, secret, most = self._text(user), self._text(password), self._limits.logins_waiting

        async def check() -> str | None:
            is_right = await store.check(name, secret, most, lambda: not self.connection.broker.is_closed)
            return name if is_right else None

        return await self._enter(login.PLAIN, await self._judge(name, check), mind)

    async def remote_login_token(self, token: Any, mind: Any = None) -> Referenceable:
        self._admit(login.TOKEN)
        self._begin_attempt()
        store, secret = self.gate.how.tokens, self._text(token)
        assert store is not None
        return await self._enter(login.TOKEN, await self._judge("", lambda: store.user(secret)), mind)

    async def remote_login_certificate(self, mind: Any = None) -> Referenceable:
        self._admit(login.CERTIFICATE)
        self._begin_attempt()
        name_of = self.gate.how.certificates
        assert name_of is not None
        shown = self.connection.get_extra_info("peercert")  # only one whose issuer is believed is there
        user = name_of(shown) if shown else None
        if user is None:
            self._note_refusal(login.CERTIFICATE, "")
            raise LoginRefused("you showed no certificate, or not a user's")
        return await self._enter(login.CERTIFICATE, user, mind)

    async def remote_loginAnonymous(self, mind: Any = None) -> Referenceable:
        self._admit(login.ANONYMOUS)
        self._begin_attempt()
        return await self._enter(login.ANONYMOUS, None, mind)

    async def remote_login(self, user: Any) -> tuple[bytes, Md5Step]:
        records = self.gate.how.md5
        if records is None:
            raise LoginFailed("MD5 logins of Twisted's clients are not taken here")
        self._begin_attempt()
        name = self._text(user)
        record = await find(records, name)
        if record is not None and len(record) != len(self.gate.nobody):
            log.error("the MD5 record of a user can't be used: it is none of Login.md5_record()")
            record = None
        self._step = step = Md5Step(self, name, record)
        return step.challenge, step

    # --- an attempt

    def _ways(self) -> tuple[str, ...]:
        is_tls = self.connection.get_extra_info("ssl_object") is not None
        return self.gate.how.ways(is_private(self.connection), is_tls, self._binding())

    def _binding(self) -> str:
        pem: str = getattr(self.connection.get_extra_info("sslcontext"), "certificate_pem", "")
        return pem

    def _admit(self, *ways: str) -> None:
        offered = self._ways()
        if not any(way in offered for way in ways):
            takes = ", ".join(offered) or "nothing, over a connection like this"
            raise LoginFailed(f"{ways[0]} is not taken here; what is: {takes}")

    def _text(self, value: Any) -> str:
        """A user name or the like, which old peers send as bytes."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > self._limits.login_bytes:
            raise LoginFailed(f"a string of at most {self._limits.login_bytes} bytes is expected, not {clip(value, 20)}")
        return value

    def _begin_attempt(self) -> None:
        """Count one. A step that was begun before is worth nothing now."""
        if self._is_busy:
            raise LoginFailed("one login at a time")
        self._step = None
        self._attempts += 1
        if self._attempts > self._limits.login_attempts:
            error = LimitExceeded("login_attempts", self._attempts, self._limits.login_attempts)
            self._warn("connections dropped", "%s: dropped: %s", error)
            self.connection.abort(error)
            raise LoginFailed(str(error))

    def takes(self, step: ScramStep | Md5Step) -> None:
        """A step is to be finished: once, and only the latest. Raises LoginRefused."""
        latest, self._step = self._step, None
        if latest is not step or self._is_busy:
            raise LoginRefused(REFUSED)

    async def _judge(self, user: str, check: Callable[[], Awaitable[str | None]]) -> str:
        """Who it is, when its turn has come. Raises LoginRefused if it is not who it says."""
        lanes, loop = self.gate.lanes, asyncio.get_running_loop()
        address: str = place(self.connection)
        lane = user or f"\0{address}"  # a token has no user until it is right
        self._is_busy = True
        try:
            await self._wait_for_turn(user, lane, address)
            try:
                found = await check()
                if found is None:
                    lanes.failed(lane, address, loop.time())
                else:
                    lanes.succeeded(lane, address)
            finally:
                if user:
                    lanes.ended(lane, address)
        finally:
            self._is_busy = False
        if found is None:
            self._note_refusal("", user)
            raise LoginRefused(REFUSED)
        return found

    async def _wait_for_turn(self, user: str, lane: str, address: str) -> None:
        """Until it may be checked who it is. Raises LoginRefused if the client goes meanwhile."""
        lanes, loop = self.gate.lanes, asyncio.get_running_loop()
        begun = loop.time()
        while True:
            pause = lanes.pause(lane, address, loop.time(), loop.time() - begun)
            ended = loop.create_future()
            if pause > 0.0:
                await asyncio.sleep(pause)
            elif not user or lanes.begin(lane, address, functools.partial(_settle, ended)):
                return  # of tokens, which nobody guesses, any number may be looked up side by side
            else:
                await ended
            if self.connection.broker.is_closed:
                raise LoginRefused(REFUSED)

    async def finish(self, way: str, user: str, check: Callable[[], bool], mind: Any) -> Referenceable:
        """The second half of a login in two steps."""

        async def decide() -> str | None:
            return user if check() else None

        return await self._enter(way, await self._judge(user, decide), mind)

    async def _enter(self, way: str, user: str | None, mind: Any) -> Referenceable:
        """The user is who it says: what is it here?"""
        if self._logged_in >= self._limits.logins:
            raise LoginFailed(f"{self._logged_in} users are logged in over this connection (limits.logins)")
        self._is_busy = True
        try:
            avatar = await self.gate.avatar(user, mind, self.connection)
        except LoginFailed:  # sent away by the realm, with a text
            self._refused(way, user or "")
            raise
        finally:
            self._is_busy = False
        if avatar is None:
            self._refused(way, user or "")
            raise LoginRefused(REFUSED)
        stay = Stay(self, avatar, mind)
        self._attempts = 0
        self._stays.setdefault(stay.key, []).append(stay)
        self._logged_in += 1
        self._stop_timer()
        self.connection.broker.tables.released = self._released
        endpoint = self.gate.endpoint
        self.connection.broker.hold_to(endpoint.registry, endpoint.limits)
        later, who = asyncio.get_running_loop().call_later, clip(user or "somebody")
        endpoint.log.note(later, "logins", "%s: %s logged in by %s", self.connection.peer, who, way)
        self._trace("login", user, way)
        return stay.begin()

    def _released(self, key: object) -> None:
        for stay in tuple(self._stays.get(key, ())):
            stay.end()

    def left(self, stay: Stay) -> None:
        """A stay has ended: without another one the client is a stranger again."""
        stays = self._stays[stay.key]
        stays.remove(stay)
        if not stays:
            del self._stays[stay.key]
        self._logged_in -= 1
        if not self._logged_in and not self.connection.broker.is_closed:
            self.gate.restrain(self.connection.broker)
            self._start_timer(self._limits.login_seconds)

    def _refused(self, way: str, user: str) -> None:
        """The realm does not let the user in, of whom it may have asked something meanwhile."""
        self._note_refusal(way, user)
        if not self._logged_in and not self.connection.broker.is_closed:
            self.gate.restrain(self.connection.broker)

    def _note_refusal(self, way: str, user: str) -> None:
        self._warn("logins refused", "%s: login refused: %s", clip(user, 60))
        self._trace("login.refused", user, way)

    def _warn(self, kind: str, text: str, what: object) -> None:
        later = asyncio.get_running_loop().call_later
        self.gate.endpoint.log.warning(later, kind, text, self.connection.peer, what)

    def _trace(self, name: str, user: str | None, way: str) -> None:
        if self.gate.endpoint.trace is not None:
            self.gate.endpoint.trace(Record(name, self.connection.peer, {"user": clip(user, 60), "way": way}))

    # --- time

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._too_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        error = RemoteProtocolError(f"nobody logged in within {self._limits.login_seconds:g} s (limits.login_seconds)")
        self._warn("connections dropped", "%s: dropped: %s", error)
        self.connection.abort(error)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class ScramStep(ForStrangers):
    """Takes one proof."""

    def __init__(self, door: Door, exchange: login.ScramServer, user: str) -> None:
        self._door = door
        self.connection = door.connection
        self._exchange = exchange
        self._user = user

    async def remote_finish(self, client_final: Any, mind: Any = None) -> tuple[str, Referenceable]:
        door = self._door
        door.takes(self)
        final = client_final.decode("ascii", "replace") if isinstance(client_final, bytes) else client_final
        proofs: list[str] = []

        def check() -> bool:
            try:
                proofs.append(self._exchange.finish(final))
            except LoginRefused:
                return False
            return True

        avatar = await door.finish(self._exchange.way, self._user, check, mind)
        return proofs[0], avatar


class Md5Step(ForStrangers):
    """Takes one response, as Twisted's clients give it."""

    def __init__(self, door: Door, user: str, record: str | None) -> None:
        self._door = door
        self.connection = door.connection
        self._user = user
        self._is_real = record is not None
        self.challenge = secrets.token_bytes(16)
        self._right = login.md5_response(record or door.gate.nobody, self.challenge)

    async def remote_respond(self, response: Any, mind: Any = None) -> Referenceable:
        self._door.takes(self)
        given = response if isinstance(response, bytes) else b""

        def check() -> bool:
            return hmac.compare_digest(self._right, given) and self._is_real

        return await self._door.finish(login.MD5, self._user, check, mind)


# --- where the other end is


def ip_of(connection: Connection) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The peer's IP address, ``None`` for a UNIX socket."""
    peer = connection.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return None
    address = ipaddress.ip_address(peer[0].partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def is_private(connection: Connection) -> bool:
    """Whether nobody else can listen: TLS, a UNIX socket, or the same machine."""
    address = ip_of(connection)
    return connection.get_extra_info("ssl_object") is not None or address is None or address.is_loopback


__all__ = ("Login",)
