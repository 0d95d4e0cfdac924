"""H-5, H-9, M-7, L-6: what a peer has printed, logged and weighed, by whoever prints it."""

from __future__ import annotations

import os
import resource
import socket
import time
from typing import Any

from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.raw import Peer, dictionary, text
from tests.hostile.times import next_call
from tests.hostile.values import shared
from tests.sexp import encode

FORGED = "x\nFORGED\r\x1b[2J\u2028FORGED\x85FORGED"
SLOTS = [b"hostile.Slotted", dictionary({"x": shared(40, b"list")})]


@cases(
    "H-5",
    "2^40 leaves behind slots are printed and logged in bounds",
    {
        "at once": SLOTS,
        "behind a dict": [b"hostile.Copy", dictionary({"x": SLOTS})],
        "behind more slots": [b"hostile.Slotted", dictionary({"x": [b"tuple", SLOTS]})],
        "beside a text": [b"list", text(FORGED), SLOTS],
    },
)
def slots(server: Server, value: list[Any]) -> None:
    with Peer(server.port) as peer:
        for name, kind in ((b"fail", "builtins.ValueError"), (b"expected", "twisted.spread.pb.Error")):
            refuses(peer, peer.call(name, value), kind)
        refuses(peer, peer.call(b"ping", value), "builtins.TypeError")
        refuses(peer, peer.call(b"no_such_method", value), "twisted.spread.flavors.NoSuchMethod")
        peer.send(peer.message(b"ping", [b"tuple", value], answer=0)[1])
        peer.send(peer.message(b"fail", [b"tuple", value], answer=0)[1])
        assert peer.result(peer.call(b"look_up", value))[0] == b"error"  # it may be a key, and is none
        peer.result(peer.call(b"echo", value))
        serves(peer)


@case("H-9", "out of descriptors little is logged and little computed; then those that waited are served", quick=False)
def out_of_descriptors(server: Server) -> None:
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    waiting: list[socket.socket] = []
    with Peer(server.port) as peer:
        held = max(map(int, os.listdir(f"/proc/{server.pid}/fd"))) + 1
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (held, hard))
        try:
            for _ in range(50):
                plug = socket.socket()
                plug.setblocking(False)
                plug.connect_ex(("127.0.0.1", server.port))
                waiting.append(plug)
            for _ in range(30):
                serves(peer)
                time.sleep(0.1)
        finally:
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for plug in waiting:
        plug.close()
    time.sleep(1.5)  # after a second asyncio tries again
    with Peer(server.port) as peer:
        serves(peer)


@case("M-7", "errors of calls that the server forgot begin no line of its log", quick=False, cpu=2.0)
def forgotten(server: Server) -> None:
    before = server.log_size()
    with Peer(server.port) as rude, Peer(server.port) as publisher:
        rude.ask(b"pond")
        for kind in ("hostile.Unknown", "builtins.ValueError"):
            for n in range(100):
                publisher.ask(b"change_and_wait_not", n)
                state = dictionary({"type": text(kind), "value": text(FORGED), "parents": [b"list", text(kind)]})
                rude.send(encode([b"error", next_call(rude)[1], [b"twisted.spread.pb.CopyableFailure", state]]))
        serves(rude)
    written = server.log.read_bytes()[before:].decode()
    assert [line for line in written.splitlines() if line.startswith("FORGED")] == []
    assert all(each.isprintable() or each in "\n\t" for each in written)


@case("L-6", "a call that waits for a client which goes is no error in the log", quick=False)
def gone(server: Server) -> None:
    before = server.log_size()
    with Peer(server.port) as peer:
        for n in range(20):
            peer.call(b"call_back", [b"remote", n + 1])
        serves(peer)
    with Peer(server.port) as peer:
        serves(peer)
        time.sleep(0.2)  # the log is written when the server has seen the other end go
        serves(peer)
    written = server.log.read_bytes()[before:].decode()
    assert "ERROR" not in written and "Unhandled" not in written and "Traceback" not in written, written[:500]
