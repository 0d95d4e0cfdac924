"""Costly messages of many connections take turns, and who asks for little is not behind them all."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from likewise.serving.turns import BUDGET, GAP, Turns
from tests import sexp
from tests.programs import running

SERVER = str(Path(__file__).with_name("herd_server.py"))
HERD = 60
SECONDS = 60.0


class Peer:
    def __init__(self, port: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(port)), SECONDS)
        self.socket.sendall(sexp.encode(b"pb", "none") + sexp.encode([b"version", 6]))
        self.received = b""

    def send(self, name: bytes, *args: Any) -> None:
        self.socket.sendall(sexp.encode([b"message", 1, b"root", name, 1, [b"tuple", *args], [b"dictionary"]]))

    def answer(self) -> Any:
        while True:
            data = self.socket.recv(1 << 20)
            assert data, "the server has closed the connection"
            found, self.received = sexp.decode_available(self.received + data)
            for message in found:
                if message[0] == b"answer":
                    return message[2]

    def call(self, name: bytes, *args: Any) -> Any:
        self.send(name, *args)
        return self.answer()


@pytest.mark.parametrize("driver", ["asyncio", "spread"])
def test_a_small_call_is_not_behind_the_costly_ones_of_a_herd(driver: str) -> None:
    if driver == "spread":
        pytest.importorskip("twisted")
    costly = bytes(2_000)  # more than is handled without a look at the time
    with running(SERVER, driver) as program:
        port = program.port()
        herd = [Peer(port) for _ in range(HERD)]
        sleeper, bystander = Peer(port), Peer(port)
        bystander.call(b"ping")
        for peer in herd:
            peer.call(b"ping")
        sleeper.send(b"sleep", 1.0)
        time.sleep(0.1)  # until the server is asleep: what is sent now waits for it in the sockets
        for peer in herd:
            peer.send(b"costly", costly)
        bystander.send(b"ping")
        for peer in (sleeper, *herd):
            peer.answer()
        bystander.answer()
        order = bystander.call(b"order")[1:]
    assert order.count(b"costly") == HERD
    handled = order[HERD + 1 :]
    assert handled.index(b"ping") < HERD / 2, handled  # one turn's worth is before it, and all of them without turns


class Loop:
    """A clock that is set, and what is to run in the next turn."""

    def __init__(self) -> None:
        self.now = 100.0
        self.soon: list[Any] = []

    def call_soon(self, function: Any) -> None:
        self.soon.append(function)

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for each in soon:
            each()


def test_a_turn_takes_so_much_and_those_that_wait_go_one_by_one() -> None:
    loop, ran = Loop(), []
    turns = Turns(lambda: loop.now, loop.call_soon)
    assert turns.may_begin(loop.now)
    loop.now += 1.5 * BUDGET
    turns.ended(loop.now)
    assert not turns.may_begin(loop.now)
    for name in "abc":
        turns.take_turns(lambda name=name: ran.append(name))  # type: ignore[misc]
    for expected in ("", "a", "a", "ab", "ab", "abc"):  # with a turn for all others in between
        loop.turn()
        assert "".join(ran) == expected
    assert not loop.soon
    loop.now += 2 * GAP
    assert turns.may_begin(loop.now)
