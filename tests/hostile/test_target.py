"""What ``target.py`` promises to whoever drives it, asked for by a real Twisted client, and by its command line."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.harness import TARGETS
from tests.hostile.raw import Peer
from tests.programs import ROOT, environment

NO_SUCH = "error twisted.spread.flavors.NoSuchMethod"
REFUSED = "error twisted.cred.error.UnauthorizedLogin"


@contextmanager
def target(which: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    command = [sys.executable, "-P", str(TARGETS[which]), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"READY \d+ \d+ \d+\n", line), line
        yield process, [int(word) for word in line.split()[1:]]
        process.terminate()
        assert process.stdout.read() == ""  # one line, and no other
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def what_twisted_sees(ports: list[int]) -> Any:
    program = str(Path(__file__).with_name("twisted_guest.py"))
    command = [sys.executable, "-P", program, *map(str, ports)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert ended.stdout.startswith("{"), ended.stdout + ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("which", sorted(TARGETS))
def test_a_twisted_client_finds_all_that_is_offered(which: str) -> None:
    with target(which) as (process, (root_port, portal_port, pid)):
        assert process.pid == pid
        seen = what_twisted_sees([root_port, portal_port])
    root, portal = seen["root"], seen["portal"]
    assert root["ping"] == "pong" and root["canary"] == 0
    assert root["echo"] == [1, "two", "33", [4.5, None, True], {"k": -(2**70)}]
    assert root["one"] == [None] * 3
    assert root["thing"] == root["pond"] == [True, True]
    assert root["kw"] == {"a": 1, "b": "two"}
    assert root["forbidden"] == [NO_SUCH] * 5
    assert root["copy"] == [True, {"state": {"a": [1, 2]}}]
    assert root["sent pond"] == [True, None]
    assert root["wrong arguments"] == "error builtins.TypeError"
    private = NO_SUCH if which == "asyncio" else "error builtins.AttributeError"  # as Twisted has it
    assert portal == {"wrong": REFUSED, "unknown": REFUSED, "ping": "pong", "private": private}


@pytest.mark.parametrize("which", sorted(TARGETS))
def test_ports_and_the_log_are_as_the_command_line_says(which: str, tmp_path: Path) -> None:
    root_port, portal_port, log = free_port(), free_port(), tmp_path / "log"
    with target(which, str(root_port), str(portal_port), str(log)) as (_, found):
        assert found[:2] == [root_port, portal_port]
        with Peer(root_port) as peer:
            peer.ask(b"ping")
            peer.send(b"\xff")
            assert peer.is_closed()
    assert "starts no token" in log.read_text()
    with target(which, str(root_port)) as (_, found):
        assert found[0] == root_port and found[1] not in (0, root_port)
