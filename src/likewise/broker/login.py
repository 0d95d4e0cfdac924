"""
Logging in: challenge and response, and how long who has to wait, as pure functions. No sockets, no clock.

Passwords are kept in one of two forms, and which one decides how they cross:

* A :class:`Verifier` (SCRAM-SHA-256, RFC 5802 and 7677): the password never crosses, a captured exchange is worth
  nothing, the client learns that the server knows it too, and over TLS the exchange is bound to the server's
  certificate (``tls-server-end-point``: the one binding that Python's ``ssl`` can give for TLS 1.2 and 1.3 alike).
  What is stored must have been derived by the client's own arithmetic, PBKDF2; that is what the protocol is.
* An argon2id hash: the best there is against somebody who steals the store, but only whoever has the password itself
  can compute it. So it crosses, inside TLS, and the hashing is the server's work.

They do not go together: a SCRAM verifier that were hashed by argon2id could not check a SCRAM proof.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..bounded import text_of
from ..errors import LoginFailed, LoginRefused
from ..limits import Limits

SCRAM: Final = "SCRAM-SHA-256"
SCRAM_PLUS: Final = "SCRAM-SHA-256-PLUS"
PLAIN: Final = "PLAIN"
TOKEN: Final = "TOKEN"
CERTIFICATE: Final = "CERTIFICATE"
ANONYMOUS: Final = "ANONYMOUS"
MD5: Final = "MD5"

BINDING: Final = "tls-server-end-point"
FEWEST_ITERATIONS: Final = 4_096  # RFC 7677: less is refused by clients
MOST_ITERATIONS: Final = 10_000_000  # some seconds: more is refused by clients
SHORTEST_SALT: Final = 12
DIGEST_BYTES: Final = 32
MD5_CHALLENGE_BYTES: Final = 16

LOGIN_REFUSED: Final = "the login is refused"  # one text for whatever is wrong


def scramp() -> Any:
    """The module, when the first login needs it. Raises ImportError that names the extra."""
    try:
        import scramp as module  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError("logins with passwords need the package scramp: pip install 'likewise[login]'") from error
    return module


# --- SCRAM


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server keeps of a password for SCRAM-SHA-256; as text in the form of RFC 5803, as PostgreSQL has it."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    @classmethod
    def of(cls, password: str, iterations: int) -> Verifier:
        """For a new password. Raises ValueError for one that can't be used, or for too few iterations."""
        module = scramp()
        try:
            salt, stored, server, count = module.ScramMechanism(SCRAM).make_auth_info(password, iterations)
        except module.ScramException as error:
            raise ValueError(text_of(error)) from None
        return cls(salt, count, stored, server)

    @classmethod
    def parse(cls, record: str) -> Verifier:
        """From its text. Raises ValueError."""
        try:
            name, counted, keys = record.split("$")
            count, salt = counted.split(":")
            stored, server = (base64.b64decode(key, validate=True) for key in keys.split(":"))
            made = cls(base64.b64decode(salt, validate=True), int(count), stored, server)
        except (ValueError, binascii.Error):
            name = ""
        if name != SCRAM or not made.is_usable:
            raise ValueError("no record of ScramPasswords.record()")
        return made

    @property
    def is_usable(self) -> bool:
        """Whether a client would take it."""
        sizes = len(self.salt) >= SHORTEST_SALT and {len(self.stored_key), len(self.server_key)} == {DIGEST_BYTES}
        return sizes and FEWEST_ITERATIONS <= self.iterations <= MOST_ITERATIONS

    @classmethod
    def imaginary(cls, user: str, secret: bytes, iterations: int) -> Verifier:
        """For a user who does not exist: always the same for one name, and no password fits it."""
        name = user.encode("utf-8", "replace")
        salt, stored, server = (hmac.digest(secret, part + name, "sha256") for part in (b"salt\0", b"key\0", b"key2\0"))
        return cls(salt, iterations, stored, server)

    def __str__(self) -> str:
        salt, stored, server = (base64.b64encode(each).decode() for each in (self.salt, self.stored_key, self.server_key))
        return f"{SCRAM}${self.iterations}:{salt}${stored}:{server}"


class ScramServer:
    """
    One exchange at the server; it takes one proof.

    ``binding`` is the server's certificate in PEM, ``""`` where there is no TLS or it is not known;
    ``must_bind``: whether a client that does not bind the exchange to it is refused.
    """

    def __init__(self, client_first: str, binding: str, must_bind: bool) -> None:
        self._module = scramp()
        self._client_first = client_first
        self._mechanism = self._module.ScramMechanism(SCRAM_PLUS if must_bind else SCRAM)
        self._binding = (BINDING, binding) if binding else None
        self._server: Any = None
        self.way = SCRAM  # or, from the challenge on, with the binding

    def user(self) -> str:
        """Who the client says it is. Raises LoginFailed for what is no first message, or binds to something else."""
        names: list[str] = []

        def note(name: str) -> tuple[bytes, bytes, bytes, int]:
            names.append(name)
            return bytes(DIGEST_BYTES), b"", b"", FEWEST_ITERATIONS

        self._begin(note)
        return names[0]

    def challenge(self, verifier: Verifier) -> str:
        """The server's first message, for whoever :meth:`user` is."""
        self._server = self._begin(
            lambda name: (verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations)
        )
        self.way = self._server.m.name
        challenge: str = self._server.get_server_first()
        return challenge

    def finish(self, client_final: str) -> str:
        """The server's last message. Raises LoginRefused, also when it is asked again."""
        server, self._server = self._server, None
        if server is None:
            raise LoginRefused(LOGIN_REFUSED)
        try:
            server.set_client_final(client_final)
            proof: str = server.get_server_final()
        except self._module.ScramException:
            raise LoginRefused(LOGIN_REFUSED) from None
        return proof

    def _begin(self, look_up: Any) -> Any:
        try:
            server = self._mechanism.make_server(look_up, channel_binding=self._binding)
            server.set_client_first(self._client_first)
        except self._module.ScramException as error:  # nothing here depends on who the user is
            raise LoginFailed(f"SCRAM: {text_of(error, 500)}") from None
        return server


class ScramClient:
    """
    One exchange at the client; ``ways`` is what the server offers, ``tls`` the connection's ``ssl_object`` (or the hash
    of the server's certificate), ``None`` where there is no TLS.

    Where there is TLS and the server offers it, the exchange is bound to the server's certificate; where it does not
    offer it the proof says so, and a server that did is not to be deceived.
    """

    def __init__(self, user: str, password: str, ways: list[str], tls: Any) -> None:
        self._module = scramp()
        try:
            self._client = self._module.ScramClient(
                [way for way in (SCRAM_PLUS, SCRAM) if way in ways],
                user,
                password,
                channel_binding=None if tls is None else (BINDING, tls),
            )
        except self._module.ScramException as error:
            raise LoginFailed(f"SCRAM: {text_of(error, 500)}") from None

    def first(self) -> str:
        """The client's first message."""
        message: str = self._client.get_client_first()
        return message

    def respond(self, challenge: str) -> str:
        """The client's last message; takes as long as the server's number of iterations says: at most seconds."""
        try:
            self._client.set_server_first(challenge)
            message: str = self._client.get_client_final()
        except self._module.ScramException as error:
            raise LoginFailed(f"SCRAM: {text_of(error, 500)}") from None
        return message

    def check(self, proof: str) -> None:
        """Whether the server knows the password, too. Raises LoginFailed: then it is an impostor."""
        try:
            self._client.set_server_final(proof)
        except self._module.ScramException:
            raise LoginFailed("the server did not prove that it knows the password: it is not who it seems to be") from None


# --- tokens, and MD5 for Twisted's clients


def token_record(token: str) -> str:
    """What is kept of a token. It is long and random, so one hash is enough: there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def md5_record(password: str | bytes) -> str:
    """What is kept of a password for Twisted's clients. Whoever has it can log in: treat it as the password."""
    text = password.encode() if isinstance(password, str) else password
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def md5_challenge() -> bytes:
    """What a client is to respond to; drawn from the system's random source, and good for one response."""
    return secrets.token_bytes(MD5_CHALLENGE_BYTES)


def md5_response(record: str, challenge: bytes) -> bytes:
    """The right response to a challenge, as ``twisted.spread.pb.respond`` computes it."""
    return hashlib.md5(bytes.fromhex(record) + challenge, usedforsecurity=False).digest()


def md5_is_right(record: str, challenge: bytes, response: Any) -> bool:
    """Whether what a client has sent, whatever it is, is the right response; it takes as long for a wrong one."""
    return hmac.compare_digest(md5_response(record, challenge), response if isinstance(response, bytes) else b"")


# --- how long who has to wait


Wait = tuple[float, float, float]  # failures, when they were counted, when the next try may be


class Backoff:
    """
    Wrong passwords and the waits that they earn, by user and network.

    Each network waits for its own wrong passwords. One from which nobody has guessed yet waits for those of all others
    together, but not longer than :data:`PATIENCE`: who guesses from elsewhere makes the owner of an account wait for a
    moment, and not longer than a client waits for its login. One from which the user has logged in before does not even
    wait for that.

    Names are hashed with a key of this process. What all networks together have guessed at one user is counted in a fixed
    number of places: unknown names take no memory and wait like known ones, and nobody can choose a name to share the place
    of another. What one network has is remembered for a bounded number of them: two must not share it, or one that has
    not guessed would wait for one that has.
    """

    PLACES: Final = 4_096
    NETWORKS: Final = 65_536  # pairs of a user and a network that has guessed; the one longest ago is forgotten first
    KNOWN: Final = 4_096  # networks remembered; the oldest is forgotten first
    FORGIVEN: Final = 60.0  # seconds for each failure
    PATIENCE: Final = 3.0  # seconds that who has not guessed waits for those who have, in all
    EVERYWHERE: Final = "\0"  # stands for all networks

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._key = secrets.token_bytes(16)
        self._everywhere: dict[int, Wait] = {}
        self._networks: OrderedDict[int, Wait] = OrderedDict()
        self._known: dict[int, None] = {}
        self._under_way: dict[int, int] = {}  # checks, of each user and network that has any
        self._asking: dict[int, list[Callable[[], object]]] = {}  # who is to be told when one of these has ended

    def pause(self, user: str, network: str, now: float, waited: float = 0.0) -> float:
        """Seconds until the next password may be tried, by who has ``waited`` for so long; 0.0: now."""
        here = self._hash(user, network)
        wait = self._networks.get(here)
        if wait is not None or here in self._known:
            return max(0.0, wait[2] - now) if wait is not None else 0.0
        wait = self._everywhere.get(self._place(user))
        return min(max(0.0, wait[2] - now), max(0.0, self.PATIENCE - waited)) if wait is not None else 0.0

    def begin(self, user: str, network: str, ask_again: Callable[[], object]) -> bool:
        """
        Whether a password may be checked now, which there is no :meth:`pause` for any more; :meth:`ended` is due then.

        If not, ``ask_again`` is called when one that is being checked has ended.
        """
        here = self._hash(user, network)
        under_way = self._under_way.get(here, 0)
        if under_way and under_way >= self._free(user, here):
            self._asking.setdefault(here, []).append(ask_again)
            return False
        self._under_way[here] = under_way + 1
        return True

    def ended(self, user: str, network: str) -> None:
        """A password was checked, and what came of it counted."""
        here = self._hash(user, network)
        under_way = self._under_way.pop(here) - 1
        if under_way:
            self._under_way[here] = under_way
        for ask_again in self._asking.pop(here, ()):
            ask_again()

    def failed(self, user: str, network: str, now: float) -> None:
        """A password was wrong."""
        here = self._hash(user, network)
        if here not in self._known:
            place = self._place(user)
            self._everywhere[place] = self._one_more(self._everywhere.get(place), now, 0.0)
        self._networks[here] = self._one_more(self._networks.pop(here, None), now, self._at_least(user, here))
        if len(self._networks) > self.NETWORKS:
            self._networks.popitem(last=False)

    def succeeded(self, user: str, network: str) -> None:
        """A password was right."""
        here = self._hash(user, network)
        self._networks.pop(here, None)
        self._known.pop(here, None)
        self._known[here] = None
        if len(self._known) > self.KNOWN:
            del self._known[next(iter(self._known))]

    def _at_least(self, user: str, here: int) -> float:
        """The failures that a network begins with: where many guess, a new one has no more free tries than one."""
        everywhere = None if here in self._known else self._everywhere.get(self._place(user))
        most = self._limits.user_attempts
        return most - 1.0 if everywhere is not None and everywhere[0] > most else 0.0

    def _free(self, user: str, here: int) -> float:
        """How many tries are left that need no wait."""
        wait = self._networks.get(here)
        return self._limits.user_attempts - (self._at_least(user, here) if wait is None else wait[0])

    def _one_more(self, wait: Wait | None, now: float, at_least: float) -> Wait:
        """What one more failure makes of it."""
        failures, counted, _ = wait or (0.0, now, now)
        failures = max(at_least, failures - (now - counted) / self.FORGIVEN) + 1.0
        over = round(failures) - self._limits.user_attempts
        pause = min(2.0 ** min(over, 60), self._limits.user_pause_seconds) if over >= 0 else 0.0
        return failures, now, now + pause

    def _place(self, user: str) -> int:
        return self._hash(user, self.EVERYWHERE) % self.PLACES

    def _hash(self, user: str, network: str) -> int:
        told = f"{user}\0{network}".encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2s(told, key=self._key, digest_size=8).digest(), "big")
