"""
What a stranger meets in the place of the root, and what becomes of one who is let in.

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
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
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
from .addresses import peer_place
from .connection import Connection
from .endpoint import Endpoint
from .login import Login
from .login_steps import Md5Step, ScramStep
from .passwords import find
from .private import is_private
from .strangers import ForStrangers

log = Seldom(logging.getLogger("likewise"))

LOGIN_REFUSED = login.LOGIN_REFUSED


class Admission:
    """What a server with a login has in the place of its root: each connection gets a :class:`LoginRoot`."""

    def __init__(self, how: Login, root: Any, endpoint: Endpoint) -> None:
        self.how = how
        self.root = root
        self.endpoint = endpoint
        self.backoff = login.Backoff(endpoint.limits)
        self.nobody = login.md5_record(secrets.token_hex(16))  # the password of users who do not exist
        self._before = endpoint.limits.before_login()
        self._nothing = registry_from(())

    def rootObject(self, connection: Connection) -> LoginRoot:
        return LoginRoot(self, connection)

    def restrain(self, broker: Broker) -> None:
        """A stranger sends little, and nothing of the application's."""
        broker.restrain(self._nothing, self._before)

    def run(self, logout: Coroutine[Any, Any, None], connection: Connection) -> None:
        """An ``async`` logout, by itself: nobody waits for it but :meth:`Server.close`."""

        def ended(task: asyncio.Task[None]) -> None:
            self.endpoint.logouts.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                connection._broker.driver.report("running logout", error)

        task = asyncio.get_running_loop().create_task(logout, name="logout")
        self.endpoint.logouts.add(task)
        task.add_done_callback(ended)

    async def avatar(self, user: str | None, mind: Any, connection: Connection) -> Any:
        """What the user is here."""
        if self.how.realm is None:
            return self.root.rootObject(connection)
        avatar = self.how.realm(user, mind)
        return await avatar if inspect.isawaitable(avatar) else avatar


class LoggedIn:
    """One login, from the moment that there is an avatar until its logout, which is told once."""

    __slots__ = ("_avatar", "_root", "_mind", "_reference", "key")

    def __init__(self, root: LoginRoot, avatar: Any, mind: Any) -> None:
        self._root: LoginRoot | None = root
        self._avatar = avatar
        self._mind = mind
        is_plain = isinstance(avatar, Referenceable) and not isinstance(avatar, Avatar)
        self._reference = avatar if is_plain else AsReferenceable(avatar, "perspective")
        self.key: object = self._reference.processUniqueID()  # by which the tables know what the client holds

    def begin(self) -> Referenceable:
        """What to send to the client. If it has gone meanwhile, that was the login."""
        assert self._root is not None
        self._root.connection._broker.notify_on_disconnect(self.end)
        return self._reference

    def end(self) -> None:
        """The client has let go of the avatar, or the connection has ended, or both."""
        root, self._root = self._root, None
        if root is None:
            return
        root.connection._broker.dont_notify_on_disconnect(self.end)
        root.left(self)
        if not isinstance(self._avatar, Avatar):
            return
        try:
            done = self._avatar.logout(self._mind)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:
            root.connection._broker.driver.report("running logout", error)
        else:
            if inspect.iscoroutine(done):
                root.admission.run(done, root.connection)


class LoginRoot(ForStrangers):
    """The root of one connection whose client has yet to say who it is."""

    def __init__(self, admission: Admission, connection: Connection) -> None:
        self.admission = admission
        self.connection = connection
        self.address = ""
        self._limits: Limits = admission.endpoint.limits
        self._attempts = 0
        self._is_busy = False
        self._step: ScramStep | Md5Step | None = None
        self._logins: dict[object, list[LoggedIn]] = {}  # by what the tables know them by
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
        store = self.admission.how.scram
        assert store is not None
        exchange = login.ScramServer(self._text(client_first), self._binding(), store.must_bind)
        user = exchange.user()
        self._step = step = ScramStep(self, exchange, user)
        return exchange.challenge(await store.verifier(user)), step

    async def remote_login_plain(self, user: Any, password: Any, mind: Any = None) -> Referenceable:
        self._admit(login.PLAIN)
        self._begin_attempt()
        store = self.admission.how.argon2
        assert store is not None
        name, secret, most = self._text(user), self._text(password), self._limits.logins_waiting

        async def check() -> str | None:
            is_right = await store.check(name, secret, most, lambda: not self.connection._broker.is_closed)
            return name if is_right else None

        return await self._enter(login.PLAIN, await self._judge(name, check), mind)

    async def remote_login_token(self, token: Any, mind: Any = None) -> Referenceable:
        self._admit(login.TOKEN)
        self._begin_attempt()
        store, secret = self.admission.how.tokens, self._text(token)
        assert store is not None
        return await self._enter(login.TOKEN, await self._judge("", lambda: store.user(secret)), mind)

    async def remote_login_certificate(self, mind: Any = None) -> Referenceable:
        self._admit(login.CERTIFICATE)
        self._begin_attempt()
        name_of = self.admission.how.certificates
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
        records = self.admission.how.md5
        if records is None:
            raise LoginFailed("MD5 logins of Twisted's clients are not taken here")
        self._begin_attempt()
        name = self._text(user)
        record = await find(records, name)
        if record is not None and len(record) != len(self.admission.nobody):
            log.error("the MD5 record of a user can't be used: it is none of Login.md5_record()")
            record = None
        self._step = step = Md5Step(self, name, record, self.admission.nobody)
        return step.challenge, step

    # --- an attempt

    def _ways(self) -> tuple[str, ...]:
        is_tls = self.connection.get_extra_info("ssl_object") is not None
        return self.admission.how.ways(is_private(self.connection), is_tls, self._binding())

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
            raise LoginRefused(LOGIN_REFUSED)

    async def _judge(self, user: str, check: Callable[[], Awaitable[str | None]]) -> str:
        """Who it is, when its turn has come. Raises LoginRefused if it is not who it says."""
        backoff, loop = self.admission.backoff, asyncio.get_running_loop()
        address: str = peer_place(self.connection)
        name = user or f"\0{address}"  # a token has no user until it is right
        self._is_busy = True
        try:
            await self._wait_for_turn(user, name, address)
            try:
                found = await check()
                if found is None:
                    backoff.failed(name, address, loop.time())
                else:
                    backoff.succeeded(name, address)
            finally:
                if user:
                    backoff.ended(name, address)
        finally:
            self._is_busy = False
        if found is None:
            self._note_refusal("", user)
            raise LoginRefused(LOGIN_REFUSED)
        return found

    async def _wait_for_turn(self, user: str, name: str, address: str) -> None:
        """Until it may be checked who it is. Raises LoginRefused if the client goes meanwhile."""
        backoff, loop = self.admission.backoff, asyncio.get_running_loop()
        begun = loop.time()
        while True:
            pause = backoff.pause(name, address, loop.time(), loop.time() - begun)
            ended = loop.create_future()
            if pause > 0.0:
                await asyncio.sleep(pause)
            elif not user or backoff.begin(name, address, functools.partial(_settle, ended)):
                return  # of tokens, which nobody guesses, any number may be looked up side by side
            else:
                await ended
            if self.connection._broker.is_closed:
                raise LoginRefused(LOGIN_REFUSED)

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
            avatar = await self.admission.avatar(user, mind, self.connection)
        except LoginFailed:  # sent away by the realm, with a text
            self._refused(way, user or "")
            raise
        finally:
            self._is_busy = False
        if avatar is None:
            self._refused(way, user or "")
            raise LoginRefused(LOGIN_REFUSED)
        logged_in = LoggedIn(self, avatar, mind)
        self._attempts = 0
        self._logins.setdefault(logged_in.key, []).append(logged_in)
        self._logged_in += 1
        self._stop_timer()
        self.connection._broker.tables.released = self._released
        endpoint = self.admission.endpoint
        self.connection._broker.hold_to(endpoint.registry, endpoint.limits)
        later, who = asyncio.get_running_loop().call_later, clip(user or "somebody")
        endpoint.log.note(later, "logins", "%s: %s logged in by %s", self.connection.peer, who, way)
        self._trace("login", user, way)
        return logged_in.begin()

    def _released(self, key: object) -> None:
        for logged_in in tuple(self._logins.get(key, ())):
            logged_in.end()

    def left(self, logged_in: LoggedIn) -> None:
        """A logged_in has ended: without another one the client is a stranger again."""
        logins = self._logins[logged_in.key]
        logins.remove(logged_in)
        if not logins:
            del self._logins[logged_in.key]
        self._logged_in -= 1
        if not self._logged_in and not self.connection._broker.is_closed:
            self.admission.restrain(self.connection._broker)
            self._start_timer(self._limits.login_seconds)

    def _refused(self, way: str, user: str) -> None:
        """The realm does not let the user in, of whom it may have asked something meanwhile."""
        self._note_refusal(way, user)
        if not self._logged_in and not self.connection._broker.is_closed:
            self.admission.restrain(self.connection._broker)

    def _note_refusal(self, way: str, user: str) -> None:
        self._warn("logins refused", "%s: login refused: %s", clip(user, 60))
        self._trace("login.refused", user, way)

    def _warn(self, kind: str, text: str, what: object) -> None:
        later = asyncio.get_running_loop().call_later
        self.admission.endpoint.log.warning(later, kind, text, self.connection.peer, what)

    def _trace(self, name: str, user: str | None, way: str) -> None:
        if self.admission.endpoint.trace is not None:
            self.admission.endpoint.trace(Record(name, self.connection.peer, {"user": clip(user, 60), "way": way}))

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


__all__ = ("Admission", "LoggedIn", "LoginRoot")
