"""Slow, silent and many peers, S-37 to S-43: the ceilings of time and of connections."""

from __future__ import annotations

import socket
import time

from tests.hostile.calls import next_call, send_what_goes
from tests.hostile.framing import CALL
from tests.hostile.harness import Server, case, drops, pairs, serves
from tests.hostile.objects import raise_open_files
from tests.hostile.raw import Peer, list_head, string_head, text
from tests.sexp import encode

SILENT = 4.0  # seconds: the target's ceilings of time are 2 to 3, see LIMITS there
LOUD = 128 * 1024  # bytes of log: Twisted writes a line for each Deferred that a program forgets
ELSEWHERE = ("127.0.0.9", 0)  # an address of its own for those that come in numbers


# --- S-37, S-38: slow and silent


@case("S-37", "who connects and says nothing is dropped", quick=False)
def silent(server: Server) -> None:
    with Peer(server.port, None) as peer:
        assert peer.is_closed(SILENT)
        kind, _, text = server.reason(peer)
        assert kind == "RemoteProtocolError" and "no dialect agreed within" in text


@case("S-37", "who greets one byte at a time is dropped", quick=False)
def slow_greeting(server: Server) -> None:
    with Peer(server.port, None) as peer:
        ends = time.monotonic() + SILENT
        while time.monotonic() < ends and peer.send(b"\x00"):
            time.sleep(0.2)  # slower than the ceiling allows, that is the case
        assert peer.is_closed(1.0)


@case("S-37", "who stops in the middle of a message is dropped", quick=False)
def stalled_message(server: Server) -> None:
    for beginning in (CALL, CALL + list_head(5), CALL + string_head(500) + b"x", b"\x07", b"\x84\0\0"):
        with Peer(server.port) as peer:
            peer.send(beginning)
            assert peer.is_closed(SILENT + 1)
            assert server.reason(peer)[1] == "message_seconds"


@case("S-37", "who sends one byte of a message now and then is dropped", quick=False)
def slow_message(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(CALL + string_head(500))
        ends = time.monotonic() + SILENT + 1
        while time.monotonic() < ends and peer.send(b"x"):
            time.sleep(0.2)  # as above
        assert peer.is_closed(1.0)
        assert server.reason(peer)[1] == "message_seconds"


@case("S-37", "who sends whole messages, each cut in two, is served for as long as it likes", quick=False, cpu=0.5)
def steady(server: Server) -> None:
    with Peer(server.port) as peer:
        ends = time.monotonic() + SILENT + 1
        half = b""
        while time.monotonic() < ends:
            data = peer.message(b"ping")[1]
            peer.send(half + data[:9])
            half = data[9:]
            time.sleep(0.05)  # always in the middle of a message, never long in the same one
        peer.send(half)
        serves(peer)


@case("S-37", "who logs in and reads no answers is dropped", quick=False, cpu=2.0)
def never_reads(server: Server) -> None:
    with Peer(server.port) as peer:
        send_what_goes(peer, b"".join(peer.message(b"echo", [b"tuple", text("x" * 1_000)])[1] for _ in range(30_000)), 1.0)
        reason = server.reason(peer, SILENT + 2)[2]
        assert "stalled_seconds" in reason or "unread_answers" in reason, reason  # whichever comes first


# --- S-39: observers


@case("S-39", "an observer that never reads is dropped at its ceiling, the publisher does not wait", cpu=6.0)
def deaf_observer(server: Server) -> None:
    with Peer(server.port) as deaf, Peer(server.port) as publisher:
        deaf.ask(b"pond")
        slowest = 0.0
        for _ in range(400):
            began = time.monotonic()
            publisher.ask(b"change", text("x" * 30_000))
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 0.5, f"a change took the publisher {slowest:.2f} s"
        kind, limit, _ = server.reason(deaf)
        assert kind == "LimitExceeded" and limit in ("queued_output", "unread_bytes")
        assert pairs(server.control.ask(b"state"))["observers"] == 0


@case("S-39", "an observer that answers changes with errors costs the publisher nothing, the log little", cpu=3.0, log=LOUD)
def rude_observer(server: Server) -> None:
    with Peer(server.port) as rude, Peer(server.port) as publisher:
        luid = rude.ask(b"pond")[1]
        for n in range(500):
            publisher.ask(b"change_and_wait_not", n)
            call = next_call(rude)
            assert call[2] == luid
            rude.send(encode([b"error", call[1], [b"twisted.spread.pb.CopyableFailure", [b"dictionary"]]]))
        serves(rude)


# --- S-43: many


def crowd(server: Server, count: int, dialect: bytes | None) -> list[socket.socket]:
    """So many connections from one other address, those that were refused left out."""
    raise_open_files()
    found = []
    for _ in range(count):
        try:
            plug = socket.create_connection(("127.0.0.1", server.port), 5, source_address=ELSEWHERE)
        except ConnectionError:  # refused before it was told that it is there
            continue
        found.append(plug)
        if dialect is not None:
            try:
                plug.recv(100)
                plug.sendall(encode(dialect, "none"))
            except ConnectionError:
                pass
    time.sleep(0.2)  # so that the server has had each in its hands
    alive = []
    for plug in found:
        plug.setblocking(False)
        try:
            while data := plug.recv(1_000):
                pass
        except BlockingIOError:
            alive.append(plug)
            continue
        except ConnectionError:
            data = b""
        if not data:
            plug.close()
    return alive


@case("S-43", "one address has its ceiling of connections, others are served", cpu=3.0)
def crowd_of_one_address(server: Server) -> None:
    alive = crowd(server, 1_100, b"pb")
    try:
        assert 990 <= len(alive) <= 1_000, f"{len(alive)} connections are open"
        with Peer(server.port) as peer:
            serves(peer)
    finally:
        for plug in alive:
            plug.close()


@case("S-43", "1,000 connections that come and go leave nothing", cpu=3.0)
def coming_and_going(server: Server) -> None:
    for _ in range(10):
        for plug in crowd_quickly(server, 90):
            plug.close()
    with Peer(server.port) as peer:
        serves(peer)


def crowd_quickly(server: Server, count: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", server.port), 5, source_address=ELSEWHERE) for _ in range(count)]


@case("S-43", "connections that are reset at once leave nothing", cpu=3.0)
def resets(server: Server) -> None:
    for _ in range(500):
        plug = socket.create_connection(("127.0.0.1", server.port), 5, source_address=ELSEWHERE)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        plug.close()
    with Peer(server.port) as peer:
        serves(peer)


@case("S-43", "one too many is told why in the log, not at length", cpu=2.0)
def refused_in_numbers(server: Server) -> None:
    alive = crowd(server, 90, b"pb")
    try:
        for plug in crowd(server, 400, None):
            plug.close()
    finally:
        for plug in alive:
            plug.close()
    with Peer(server.port) as peer:
        peer.send(b"\xff")
        drops(server, peer, "RemoteProtocolError")


@case("S-43", "1,000 connections that are reset in the middle of large calls leave nothing", cpu=12.0, quick=False)
def resets_in_calls(server: Server) -> None:
    for _ in range(50):
        peers = [Peer(server.port) for _ in range(20)]
        for peer in peers:
            peer.send(peer.message(b"echo", [b"tuple", [b"list", *range(8_000)], b"x" * 60_000])[1] * 2)
            time.sleep(0.002)  # the server has read them and is at work when the end comes
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
    with Peer(server.port) as peer:
        serves(peer)
