"""Hostile logins, S-44 to S-50: replays, guesses, what is not offered, logouts. The portal takes MD5, as Twisted's does."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.hostile.harness import Server, case, cases, drops, pairs
from tests.hostile.raw import Peer, RemoteFailure
from tests.sexp import encode

REFUSED = "twisted.cred.error.UnauthorizedLogin"
FAILED = "twisted.cred.error.LoginFailed"
NO_SUCH_METHOD = "twisted.spread.flavors.NoSuchMethod"
NOBODY = [b"None"]


def respond(challenge: bytes, password: bytes = b"sesame") -> bytes:
    return hashlib.md5(hashlib.md5(password).digest() + challenge).digest()


def begin(peer: Peer, user: Any = b"alice") -> tuple[bytes, int]:
    """A challenge, and the id of what takes the response."""
    _, challenge, (_, step) = peer.ask(b"login", user)
    assert isinstance(challenge, bytes) and len(challenge) == 16
    return challenge, step


def enter(peer: Peer) -> int:
    """Log in as alice; the id of the avatar."""
    challenge, step = begin(peer)
    kind, avatar = peer.ask(b"respond", respond(challenge), NOBODY, luid=step)
    assert kind == b"remote" and peer.ask(b"ping", luid=avatar) == [b"unicode", b"pong"]
    number: int = avatar
    return number


def refused(server: Server, peer: Peer, *call: Any, kind: str = REFUSED, **options: Any) -> None:
    """That a call of a login fails in this way; with what text is the checker's to say, under Twisted."""
    try:
        answer = peer.ask(*call, **options)
    except RemoteFailure as failure:
        assert failure.type == kind, str(failure)
        if kind == REFUSED and server.target == "asyncio":
            assert failure.text == "the login is refused"
    else:
        raise AssertionError(f"answered {answer}")


def serves_alice(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        enter(peer)


@case("S-44", "TLS to a plain port ends the connection, and is told apart from other junk")
def tls_to_plain(server: Server) -> None:
    with Peer(server.port, None) as peer:
        peer.send(bytes.fromhex("1603010200010001fc0303") + bytes(500))
        told = "speaks TLS where plain text is served" if server.target == "asyncio" else "starts no token"
        drops(server, peer, "RemoteProtocolError", text=told)


@case("S-45", "a captured response is worth nothing for another challenge")
def replay(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        challenge, step = begin(peer)
        captured = respond(challenge)
        peer.ask(b"respond", captured, NOBODY, luid=step)
    with Peer(server.portal_port) as peer:
        refused(server, peer, b"respond", captured, NOBODY, luid=begin(peer)[1])
    serves_alice(server)


@case("S-46", "a challenge takes one response, right or wrong")
def one_response(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        challenge, step = begin(peer)
        refused(server, peer, b"respond", b"x" * 16, NOBODY, luid=step)
        refused(server, peer, b"respond", respond(challenge), NOBODY, luid=step)
    serves_alice(server)


@case("S-46", "of several challenges only the last is good")
def many_challenges(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        challenge, step = begin(peer)
        last, last_step = begin(peer)
        if server.target == "spread":  # Twisted's clients may log several users in at once
            assert peer.ask(b"respond", respond(challenge), NOBODY, luid=step)[0] == b"remote"
            return
        refused(server, peer, b"respond", respond(challenge), NOBODY, luid=step)
        refused(server, peer, b"respond", respond(last), NOBODY, luid=last_step)  # and with a wrong one it was spent
    serves_alice(server)


@case("S-46", "a connection has a few attempts")
def few_attempts(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        for _ in range(3):
            begin(peer, b"somebody")
        peer.call(b"login", b"somebody")
        drops(server, peer, limit="login_attempts")
    serves_alice(server)


@case("S-46", "sixty guesses at one user, each over a connection of its own, wait; others do not", cpu=1.0)
def many_guesses(server: Server) -> None:
    peers = [Peer(server.portal_port) for _ in range(60)]
    guesses = [peer.call(b"respond", b"x" * 16, NOBODY, luid=begin(peer, b"the victim")[1]) for peer in peers]
    serves_alice(server)
    time.sleep(2.0)
    answered = 0
    for peer, guess in zip(peers, guesses, strict=True):
        peer.timeout = 0.001
        try:
            answered += peer.result(guess)[0] == b"error"
        except TimeoutError:
            pass
        peer.close()
    assert 1 <= answered <= 8, answered  # limits.user_attempts, and those of the first waits of 1 s and 2 s
    serves_alice(server)


@case("S-47", "challenges do not repeat")
def challenges(server: Server) -> None:
    seen = set()
    for _ in range(20):
        with Peer(server.portal_port) as peer:
            seen |= {begin(peer)[0], begin(peer)[0]}
    assert len(seen) == 40


@cases(
    "S-47",
    "what is no response is refused",
    {"empty": b"", "short": b"x" * 15, "long": b"x" * 10_000, "an int": 5, "text": [b"unicode", b"x" * 16]},
)
def no_response(server: Server, value: Any) -> None:
    for user in (b"alice", b"nobody"):
        with Peer(server.portal_port) as peer:
            if value == b"x" * 10_000 and server.target == "asyncio":  # over what a stranger may send
                peer.call(b"respond", value, NOBODY, luid=begin(peer, user)[1])
                drops(server, peer, limit="string_bytes")
            else:
                refused(server, peer, b"respond", value, NOBODY, luid=begin(peer, user)[1])
    serves_alice(server)


@case("S-48", "an unknown user and a wrong password look alike; that they last alike is tests/login's to show")
def alike(server: Server) -> None:
    seen = []
    for user in (b"alice", b"nobody", b"", [b"unicode", b"alice"]):
        with Peer(server.portal_port) as peer:
            _, step = begin(peer, user)
            refused(server, peer, b"respond", b"x" * 16, NOBODY, luid=step)
            number = peer.call(b"respond", b"x" * 16, NOBODY, luid=step)
            failure = pairs(peer.result(number)[2][1])
            seen.append({name: value for name, value in failure.items() if name != "count"})
    assert all(each == seen[0] for each in seen)
    serves_alice(server)


@cases(
    "S-49",
    "a way that is not offered is not to be had",
    {
        "plain": (b"login_plain", b"alice", b"sesame"),
        "token": (b"login_token", b"sesame"),
        "scram": (b"login_scram", b"n,,n=alice,r=abc"),
        "certificate": (b"login_certificate",),
        "anonymous": (b"loginAnonymous", NOBODY),
    },
)
def not_offered(server: Server, value: tuple[Any, ...]) -> None:
    kind = FAILED
    if server.target == "spread":
        kind = "twisted.cred.error.UnhandledCredentials" if value[0] == b"loginAnonymous" else NO_SUCH_METHOD
    with Peer(server.portal_port) as peer:
        refused(server, peer, *value, kind=kind)
        refused(server, peer, b"ping", kind=NO_SUCH_METHOD if server.target == "spread" else FAILED)


@case("S-49", "nothing of the application's is built for a stranger, and no long message read")
def stranger(server: Server) -> None:
    with Peer(server.portal_port) as peer:
        if server.target == "spread":  # what may come in may come in at once; a user's name it is not
            refused(server, peer, b"login", [b"hostile.Copy", [b"dictionary"]])
            refused(server, peer, b"login", b"x" * 4_096)
            return
        refused(server, peer, b"login", [b"hostile.Copy", [b"dictionary"]], kind="twisted.spread.jelly.InsecureJelly")
        peer.send(b"\x00\x20\x82" + b"x" * 4_096)
        assert peer.is_closed()
    serves_alice(server)


def logouts(server: Server) -> int:
    return int(pairs(server.control.ask(b"state"))["logouts"])


def told(server: Server, expected: int) -> None:
    deadline = time.monotonic() + 5
    while logouts(server) < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert logouts(server) == expected


@case("S-50", "logout runs once: at the end, at the last release, at both, and not at a release too many")
def logout(server: Server) -> None:
    before = logouts(server)
    with Peer(server.portal_port) as peer:
        enter(peer)
    told(server, before + 1)
    with Peer(server.portal_port) as peer:
        avatar = enter(peer)
        for _ in range(3):
            peer.send(release(avatar))
        told(server, before + 2)
    with Peer(server.portal_port) as peer:
        avatar = enter(peer)
        peer.send(release(avatar))
    told(server, before + 3)
    serves_alice(server)
    told(server, before + 4)


def release(luid: int) -> bytes:
    return encode([b"decref", luid])

