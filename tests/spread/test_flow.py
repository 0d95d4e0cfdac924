"""
Peers that do not read what they asked for, or say nothing, against a server of likewise.spread in a process of its own.

The peers are sockets: what they send is made by ``tests.sexp``, and nothing of the package slows them down.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import likewise
from tests import sexp
from tests.programs import Program, running

pytest.importorskip("twisted")

from pathlib import Path

SERVER = str(Path(__file__).with_name("flow_server.py"))
PATIENCE = 20.0
MIB = 1_048_576


class Peer:
    """A socket that has greeted, or not."""

    def __init__(self, port: str, greets: bool = True, tls: bool = False) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(port)), PATIENCE)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.received = b""
        self.number = 0
        if greets:
            self.greet()

    def greet(self) -> None:
        self.socket.sendall(sexp.encode(b"pb", "none") + sexp.encode([b"version", 6]))

    def answers(self, call: bytes) -> bool:
        """Whether the server answers this call."""
        self.socket.sendall(call)
        while not any(message[0] == b"answer" for message in self.receive()):
            pass
        return True

    def call(self, name: bytes, *args: Any) -> bytes:
        """The bytes of a call."""
        self.number += 1
        return sexp.encode([b"message", self.number, b"root", name, 1, [b"tuple", *args], [b"dictionary"]])

    def push(self, data: bytes, seconds: float = 1.0) -> int:
        """Send the same over and over, as long as the server takes it; how many bytes it has taken."""
        self.socket.settimeout(seconds)
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += self.socket.send(data[sent % len(data) :])
        except (TimeoutError, ConnectionError):
            pass
        return sent

    def receive(self) -> list[Any]:
        """The messages that have come meanwhile; one at least."""
        self.socket.settimeout(PATIENCE)
        while True:
            data = self.socket.recv(1 << 20)
            assert data, "the server has closed the connection"
            found, self.received = sexp.decode_available(self.received + data)
            if found:
                return found

    def is_closed(self) -> bool:
        """Whether the server ends the connection before long; what it sends is read."""
        self.socket.settimeout(PATIENCE)
        try:
            while self.socket.recv(1 << 20):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True


class Server:
    """The server, and what it tells of itself to a well-behaved client."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.plain_port = program.port()
        self.port = program.port()

    def ask(self, name: str, *args: Any) -> Any:
        async def run() -> Any:
            async with likewise.connect(f"tcp://127.0.0.1:{self.plain_port}") as connection:
                return await connection.root.callRemote(name, *args)

        return asyncio.run(asyncio.wait_for(run(), PATIENCE))

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("state")
        return found

    def patient_state(self) -> dict[str, Any]:
        """The same of a server that takes no more connections for a while."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.state()
            except likewise.LikewiseError:
                assert time.monotonic() < deadline

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while not holds(state := self.state()):
            assert time.monotonic() < deadline, state
            time.sleep(0.01)  # between two questions to another process
        return state

    def why(self, word: str) -> None:
        """Wait until a connection has ended for this reason."""
        self.until(lambda state: any(word in each for each in state["ended"]))


@contextmanager
def serving(tls: list[str] | None = None, **limits: Any) -> Iterator[Server]:
    with running(SERVER, json.dumps(limits), *(tls or ())) as program:
        yield Server(program)


@pytest.mark.parametrize("size", [10, 20_000, 600_000])
def test_calls_of_who_reads_no_answers_wait_and_then_the_connection_ends(size: int) -> None:
    with serving(unread_answers=MIB, stalled_seconds=300.0, waiting_calls=10_000, argument_bytes=4 * MIB) as server:
        before = server.state()["peak"]
        peer = Peer(server.port)
        peer.push(peer.call(b"blob", size) * 1_000)
        state = server.state()
        assert state["calls"] * size < 20 * MIB, state  # what the kernel holds for a socket, and the ceiling
        assert state["peak"] - before < 16 * 1024, state  # KiB
        server.why("unread_answers")


@pytest.mark.parametrize("pages", [False, True], ids=["", "with pages under way"])
def test_who_reads_again_is_served_again(pages: bool) -> None:
    with serving(unread_answers=100_000, stalled_seconds=300.0) as server:
        peer = Peer(server.port)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        if pages:
            peer.socket.sendall(peer.call(b"pages", [b"remote", 7], 3_000_000))
        calls = b"".join(peer.call(b"blob", 100_000) for _ in range(300))
        peer.socket.sendall(calls)  # 20 kB, which the kernel takes
        server.until(lambda state: state["calls"] > 0)
        time.sleep(0.2)  # would it go on, it would be through by now
        assert server.state()["calls"] < 200
        answers = ends = got = 0
        while answers < 300 + pages or ends < pages:
            for message in peer.receive():
                answers += message[0] == b"answer"
                if message[0] == b"message":
                    ends += message[3] == b"endedPaging"
                    got += len(message[5][1]) if message[3] == b"gotPage" else 0
        assert server.state()["calls"] == 300 and got == (3_000_000 if pages else 0)
        peer.socket.sendall(peer.call(b"blob", 3))
        while not any(message[0] == b"answer" for message in peer.receive()):
            pass


def test_who_never_reads_is_dropped() -> None:
    with serving(unread_answers=100_000, stalled_seconds=0.3) as server:
        peer = Peer(server.port)
        peer.push(peer.call(b"blob", 50_000) * 1_000, 0.1)
        server.why("stalled_seconds")
        assert peer.is_closed()


def test_who_does_not_read_what_it_is_told_is_dropped() -> None:
    with serving(queued_output=MIB) as server:
        before = server.state()["peak"]
        peer = Peer(server.port)
        peer.socket.sendall(peer.call(b"listen", [b"remote", 5]))
        for _ in range(50):
            server.ask("tell", 10, 100_000)
        server.why("queued_output")
        assert server.state()["peak"] - before < 16 * 1024  # KiB


def test_who_reads_slowly_what_it_is_told_is_kept() -> None:
    """It is 8 MB behind all the time, more than the kernel takes, and gets 40."""
    with serving(queued_output=12 * MIB) as server:
        peer = Peer(server.port)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        peer.socket.sendall(peer.call(b"listen", [b"remote", 5]))
        heard = 0
        for told in range(0, 400, 10):
            server.ask("tell", 10, 100_000)
            while heard < told - 80:
                heard += sum(message[0] == b"message" for message in peer.receive())
        assert not any("queued_output" in each for each in server.state()["ended"])


@pytest.mark.parametrize("reads", [True, False])
def test_over_tls_it_is_the_same(reads: bool) -> None:
    pytest.importorskip("OpenSSL")
    pytest.importorskip("cryptography")
    from tests.tls import certificates

    made = certificates.server()
    with serving(unread_answers=100_000, stalled_seconds=300.0, tls=[str(made.certificate), str(made.key)]) as server:
        peer = Peer(server.port, tls=True)
        peer.socket.sendall(b"".join(peer.call(b"blob", 100_000) for _ in range(300)))
        server.until(lambda state: state["calls"] > 0)
        time.sleep(0.2)  # as above
        assert server.state()["calls"] < 200
        if reads:
            answers = 0
            while answers < 300:
                answers += sum(message[0] == b"answer" for message in peer.receive())
            peer.socket.sendall(peer.call(b"hang_up"))
            assert peer.is_closed()
        else:
            server.ask("end_all")
            assert peer.is_closed()


def test_calls_beyond_running_calls_wait() -> None:
    with serving(running_calls=5) as server:
        peer = Peer(server.port)
        peer.socket.sendall(b"".join(peer.call(b"wait") for _ in range(12)))
        server.until(lambda state: state["waiting"] == 5)
        assert server.state()["waiting"] == 5
        answers = 0
        while answers < 12:
            server.ask("let_go")
            answers += sum(message[0] == b"answer" for message in peer.receive())


def test_who_breaks_the_protocol_and_reads_nothing_does_not_stay() -> None:
    with serving(unread_answers=100 * MIB, queued_output=100 * MIB, stalled_seconds=0.3) as server:
        peer = Peer(server.port)
        peer.socket.sendall(peer.call(b"blob", 600_000) * 30 + b"\xff")
        server.until(lambda state: any("RemoteProtocolError" in each for each in state["ended"]))


@pytest.mark.parametrize("name", ["handshake_seconds", "message_seconds", "idle_seconds"])
def test_who_is_silent_or_slow_is_dropped(name: str) -> None:
    with serving(**{name: 0.3}) as server:
        peer = Peer(server.port, greets=name != "handshake_seconds")
        if name == "message_seconds":
            peer.socket.sendall(b"\x07\x80")
        server.why("no dialect agreed within 0.3 s" if name == "handshake_seconds" else name)
        assert peer.is_closed()


@pytest.mark.parametrize("name", ["connections", "connections_per_address"])
def test_connections_have_a_ceiling(name: str) -> None:
    with serving(**{name: 3}) as server:
        peers = [Peer(server.port) for _ in range(3)]
        for peer in peers:
            assert peer.answers(peer.call(b"blob", 1))
        assert Peer(server.port).is_closed()
        peers[0].socket.close()
        assert any(f"{name}" in each for each in server.patient_state()["ended"])


@pytest.mark.parametrize("name", ["handshakes", "connections", "connections_per_address"])
def test_who_is_silent_makes_way(name: str) -> None:
    with serving(**{name: 3}) as server:
        peers = [Peer(server.port, greets=False) for _ in range(3)]
        for peer in peers:
            peer.receive()
        assert any(name in each for each in server.state()["ended"])
        assert peers[0].is_closed()
        for peer in peers[1:]:
            peer.greet()
            assert peer.answers(peer.call(b"blob", 1))


def test_unfinished_messages_of_all_together_have_a_ceiling() -> None:
    with serving(held_bytes=MIB, frame_bytes=MIB) as server:
        peers = [Peer(server.port) for _ in range(8)]
        for peer in peers:
            peer.socket.sendall(b"\x07\x80\x07\x82message" + b"\x00\x00\x20\x82" + bytes(300_000))
        state = server.until(lambda state: sum("held_bytes" in each for each in state["ended"]) == 5)
        assert len([each for each in state["ended"] if "held_bytes" in each]) == 5


def test_what_all_together_leave_unread_has_a_ceiling() -> None:
    with serving(unread_bytes=10 * MIB, queued_output=8 * MIB, unread_answers=6 * MIB) as server:
        peers = [Peer(server.port) for _ in range(5)]
        for peer in peers:
            peer.push(peer.call(b"blob", 100_000) * 10, 0.1)
        server.why("unread_bytes")
        assert not any("queued_output" in each for each in server.state()["ended"])


def test_lines_about_peers_have_a_ceiling() -> None:
    with serving(log_lines=20) as server:
        peer = Peer(server.port)
        peer.socket.sendall(b"".join(peer.call(b"fail") for _ in range(300)))
        failed = 0
        while failed < 300:
            failed += sum(message[0] == b"error" for message in peer.receive())
        peer.socket.close()
        server.until(lambda state: len(state["ended"]) > 1)
        server.program.process.kill()
        _, _, text = server.program.end()
        assert text.count("builtins.ValueError: as often as you like") == 20
        assert "280 failures of methods" in text
