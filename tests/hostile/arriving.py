"""Who comes: guessers, strangers, local users, and who comes while a server closes: H-11, M-4, M-5, L-3, L-7."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.harness import Server, case, pairs, serves
from tests.hostile.logins import NOBODY, begin, respond, serves_alice
from tests.hostile.raw import Peer, text
from tests.sexp import encode

GREETING = encode(b"pb", "none") + encode([b"version", 6])
PING = encode([b"message", 1, b"root", b"ping", 1, [b"tuple"], [b"dictionary"]])


def count(server: Server, name: str) -> int:
    return int(pairs(server.control.ask(b"state"))[name])


@contextlib.contextmanager
def unix_path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        yield str(Path(directory, "socket"))


def open_another(server: Server, address: str) -> int:
    return int(server.control.ask(b"open_another", text(address)))


def close_another(server: Server, seconds: float = 0.0) -> None:
    server.control.ask(b"close_another", seconds)


def at(address: Any) -> socket.socket:
    """A connection to a path, or to a port."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), 5)
    plug = socket.socket(socket.AF_UNIX)
    plug.settimeout(5)
    plug.connect(address)
    return plug


def is_served(plug: socket.socket) -> bool:
    """Whether a call is answered; otherwise the connection must be closed."""
    try:
        plug.sendall(GREETING + PING)
        received = b""
        while data := plug.recv(1_000):
            received += data
            if b"pong" in received:
                return True
    except ConnectionError:
        pass
    return False


# --- H-11


@case("H-11", "however many guess, the owner is let in within 5 s from an address that was never there", quick=False)
def locked_out(server: Server) -> None:
    with contextlib.ExitStack() as open_peers:
        waiting = []
        for number in range(30):  # ten of which would do for a wait of 8 s, were it the owner's, too
            peer = open_peers.enter_context(Peer(server.portal_port, source=f"127.0.4.{1 + number}"))
            waiting.append((peer, peer.call(b"respond", b"x" * 16, NOBODY, luid=begin(peer)[1])))
        deadline = time.monotonic() + 9.0
        for peer, number in waiting:
            peer.timeout = max(0.001, deadline - time.monotonic())
            with contextlib.suppress(TimeoutError):
                peer.result(number)
        for number in range(3):
            began = time.monotonic()
            with Peer(server.portal_port, source=f"127.0.5.{1 + number}") as owner:
                challenge, step = begin(owner)
                assert owner.ask(b"respond", respond(challenge), NOBODY, luid=step)[0] == b"remote"
            waited = time.monotonic() - began
            assert waited < 5.0, f"the owner waited {waited:.1f} s"
    serves_alice(server)


# --- M-4, M-5: servers that close


@case("M-4", "who is being accepted while a server closes is not served on", cpu=0.5)
def closing(server: Server) -> None:
    port = open_another(server, "tcp://127.0.0.1:0")
    number = server.control.call(b"close_another", 0.3)
    time.sleep(0.1)  # it stands still
    plugs = [at(port) for _ in range(30)]
    server.control.result(number)
    served = sum(is_served(plug) for plug in plugs)
    for plug in plugs:
        plug.close()
    # Those that Twisted has made when it stops to listen go on, which is how Twisted's servers close.
    assert served <= (3 if server.target == "spread" else 0), f"{served} of 30 are served on"


@case("M-5", "a server that closes leaves the socket file of another one")
def socket_file(server: Server) -> None:
    with unix_path() as path:
        open_another(server, f"unix://{path}")
        Path(path).unlink()
        open_another(server, f"unix://{path}")
        close_another(server)
        if server.target == "asyncio":  # the file is Twisted's to remove, and it removes what is there
            with at(path) as plug:
                assert is_served(plug)
        Path(path).touch()  # Twisted complains of one that has gone
        close_another(server)


# --- L-3


@case("L-3", "for a stranger that is never let in no root is made, and nobody is told of its end", cpu=0.5)
def strangers(server: Server) -> None:
    port = open_another(server, "tcp://127.0.0.1:0")
    roots, told = count(server, "roots"), count(server, "told")
    for what in (b"", b"\xff", b"\x07\x80", b"GET / HTTP/1.1\r\n\r\n", encode(b"klingon", "none")):
        for _ in range(3):
            with at(port) as plug:
                plug.sendall(what)
                if what:
                    with contextlib.suppress(ConnectionError, TimeoutError):
                        plug.settimeout(0.05)
                        while plug.recv(1_000):
                            pass
    serves(server.control)
    assert count(server, "told") == told
    if server.target == "asyncio":  # Twisted's factories make the root with the protocol
        assert count(server, "roots") == roots
    roots = count(server, "roots")
    with at(port) as plug:
        assert is_served(plug)
    assert count(server, "roots") == roots + 1
    close_another(server)
    assert count(server, "told") == told + (server.target == "asyncio")


# --- L-7


@case("L-7", "connections of one user over a UNIX socket have a ceiling")
def local_user(server: Server) -> None:
    with unix_path() as path:
        open_another(server, f"unix://{path}")
        with contextlib.ExitStack() as plugs:
            served = [is_served(plugs.enter_context(at(path))) for _ in range(6)]
            assert served == [True] * 3 + [False] * 3
        close_another(server)
