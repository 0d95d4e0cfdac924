"""What one connection has the server hold, and for how long: H-3, H-8, H-10."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.hostile.calls import send_what_goes
from tests.hostile.framing import call_with
from tests.hostile.harness import Server, case, pairs, serves
from tests.hostile.logins import NOBODY, begin, enter, logouts, release, respond, serves_alice, told
from tests.hostile.raw import Peer, RemoteFailure, list_head
from tests.sexp import encode

ENDED = 4.0  # seconds in which the end of a connection is noticed


def until(met: Callable[[], bool], within: float = ENDED) -> bool:
    deadline = time.monotonic() + within
    while not met() and time.monotonic() < deadline:
        time.sleep(0.02)
    return met()


# --- H-3


@case("H-3", "who goes with as many calls running as may run, and more that wait, is noticed to have gone", cpu=0.5)
def gone_at_the_ceiling(server: Server) -> None:
    def running() -> int:
        return int(pairs(server.control.ask(b"state"))["running"])

    with Peer(server.port) as peer:
        peer.send(*(peer.message(b"slow", [b"tuple", 3.0])[1] for _ in range(60)))
        assert until(lambda: running() == 32)
    server.reason(peer, 2.0)  # before those calls have ended
    assert until(lambda: running() == 0)  # and those that waited are not run


@case("H-3", "so is a user, whose logout runs", cpu=0.5)
def user_gone_at_the_ceiling(server: Server) -> None:
    before = logouts(server)
    with Peer(server.portal_port) as peer:
        avatar = enter(peer)
        peer.send(*(peer.message(b"slow", [b"tuple", 8.0], luid=avatar, answer=0)[1] for _ in range(60)))
    told(server, before + 1)


# --- H-8


@case("H-8", "logins over one connection have a ceiling, and letting go of them all is cheap", cpu=1.0)
def many_logins(server: Server) -> None:
    before, entered = logouts(server), []
    with Peer(server.portal_port) as peer:
        for _ in range(130):
            challenge, step = begin(peer)
            try:
                entered.append(peer.ask(b"respond", respond(challenge), NOBODY, luid=step)[1])
            except RemoteFailure as failure:
                assert "limits.logins" in failure.text, failure
                break
        assert len(entered) == 100
        peer.send(*map(release, entered))
        told(server, before + 100)
    serves_alice(server)


# --- H-10


@case("H-10", "arguments of calls that run and wait are counted as they lie in memory", cpu=3.0)
def arguments(server: Server) -> None:
    value = list_head(4_001) + encode(b"list") + encode([b"set"]) * 4_000  # 216 bytes each, 7 on the wire
    with Peer(server.port) as peer:
        send_what_goes(peer, b"".join(call_with(value, b"hold", number) for number in range(1, 51)), 2.0)
        with Peer(server.port) as another:
            serves(another)
    assert until(lambda: pairs(server.control.ask(b"state"))["running"] == 0)
