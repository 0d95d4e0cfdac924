"""
Every program about Perspective Broker in Twisted's own documentation, with its imports changed and nothing else: ours
with ours, ours with Twisted's, Twisted's with ours print what Twisted's two print. Those that log in do it with str,
over which Twisted stumbles on Python 3: names and passwords are made bytes there.

The programs are in Twisted's source package, which ``make field`` fetches. They use the ports 8800, 8787 and 8789.
"""

from __future__ import annotations

import re
import signal
import socket
import tarfile
import time
from pathlib import Path

import pytest

from tests.programs import ROOT, Program, running, without_addresses

PLACES = ("docs/core/howto/listings/pb/", "docs/core/examples/")
KINDS = ("twisted.spread", "likewise.spread")
TWISTD = ("-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=", "-y")
QUIET = 1.0  # seconds without a line, after which a program that does not end is taken to have said all

PAIRS = [  # server, its port, clients in turn
    ("pb1server.py", 8800, ["pb1client.py"]),
    ("pb2server.py", 8800, ["pb2client.py"]),
    ("pb3server.py", 8800, ["pb3client.py"]),
    ("exc_server.py", 8800, ["exc_client.py"]),
    ("trap_server.py", 8800, ["trap_client.py"]),
    ("copy_receiver.tac", 8800, ["copy_sender.py"]),
    ("copy2_receiver.py", 8800, ["copy2_sender.py"]),
    ("cache_receiver.py", 8800, ["cache_sender.py"]),
    ("pbsimple.py", 8789, ["pbsimpleclient.py"]),
]  # pb4client and pb7client ask for functions that Twisted has not had for years

LOGGING_IN = [
    ("pb5server.py", 8800, ["pb5client.py"]),
    ("pb6server.py", 8800, ["pb6client1.py", "pb6client2.py"]),
    ("pbAnonServer.py", 8800, ["pbAnonClient.py"]),
    ("chatserver.py", 8800, ["chatclient.py"]),
    ("pbecho.py", 8787, ["pbechoclient.py"]),
]

AS_PRINTED = [  # with str, and what they were meant to say
    (
        "chatserver.py",
        8800,
        ["chatclient.py"],
        [
            [],
            [
                "connected, joining group #NeedAFourth",
                "joined group, now sending a message to all members",
                "<alice> says: You can call me Al.",
            ],
        ],
    ),
    (
        "pbecho.py",
        8787,
        ["pbechoclient.py"],
        [
            ["echoing hello world", "<SimplePerspective> logged out"],
            ["connected.", "Message received: hello world", "error received: <class 'pbecho.DefinedError'>"],
        ],
    ),
]

SOURCES = sorted((ROOT / "build" / "field").glob("twisted-*.tar.gz"))
pytestmark = pytest.mark.skipif(not SOURCES, reason="Twisted's source package is not here: make field")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of its PB programs, once as they are and once with the import changed."""
    places = {kind: tmp_path_factory.mktemp(kind.partition(".")[0]) for kind in KINDS}
    with tarfile.open(SOURCES[-1]) as package:
        for member in package:
            inner = member.name.partition("/")[2]
            if not inner.startswith(PLACES) or not inner.endswith((".py", ".tac")):
                continue
            file = package.extractfile(member)
            assert file is not None
            text = file.read().decode()
            if "twisted.spread" in text:
                for kind, place in places.items():
                    name, changed = Path(inner).name, text.replace("twisted.spread", kind)
                    (place / name).write_text(changed)
                    (place / "bytes").mkdir(exist_ok=True)
                    (place / "bytes" / name).write_text(with_bytes(changed))
    return places


def with_bytes(text: str) -> str:
    """A program whose users have names and passwords that are bytes."""
    text = re.sub(r'(UsernamePassword|addUser)\("(\w+)", "(\w+)"\)', r'\1(b"\2", b"\3")', text)
    return re.sub(r'(user\d)="(pass\d)"', r'\1=b"\2"', text)


def converse(server: Path, port: int, clients: list[Path]) -> list[list[str]]:
    """What a server and its clients print."""
    said = []
    with socket.create_server(("127.0.0.1", port)):
        pass  # else it is in use, and this would be somebody else's conversation
    command = (*TWISTD, str(server)) if "application = service" in server.read_text() else (str(server),)
    with running("-u", *command, cwd=server.parent) as serving:
        wait_for(port)
        for client in clients:
            with running("-u", str(client), cwd=client.parent) as calling:
                said.append(all_lines(calling))
        said.insert(0, all_lines(serving))
    return [[line for line in map(plain, without_addresses(lines)) if line] for lines in said]


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)):
                return
        except OSError:
            assert time.monotonic() < until, f"nobody listens on {port}"
            time.sleep(0.05)


def all_lines(program: Program) -> list[str]:
    """What a program prints until it ends, or falls silent."""
    seen, since = -1, time.monotonic()
    while program.process.poll() is None and time.monotonic() - since < QUIET + (5 if not program.seen else 1):
        drain(program)
        if len(program.seen) != seen:
            seen, since = len(program.seen), time.monotonic()
        time.sleep(0.02)
    if program.process.poll() is None:
        program.process.send_signal(signal.SIGTERM)  # a SIGINT would be ignored where this runs in the background
    program.end()
    return program.seen


def drain(program: Program) -> None:
    while not program._lines.empty() and program._lines.queue[0] is not None:
        program.line()


def plain(line: str) -> str:
    """A line of a program without what its log puts before it; empty for a line of the log itself."""
    line = re.sub(r"^\d{4}-\d\d-\d\d[T ][\d:]+[+-]\d{4} \[[^]]*\] ", "", line)
    line = re.sub(r"<(\w+) object at 0x[0-9a-f]+>", r"<\1>", line)
    return "" if re.search(OF_THE_LOG, line) else line.replace("likewise.spread", "twisted.spread")


OF_THE_LOG = (
    r"twistd|Loading|Loaded|Log opened|reactor class|factory|starting on|Port \d+ Closed|Main loop|SIGINT|SIGTERM|Shut Down|"
    r"^Unhandled|^\t"
)


@pytest.mark.parametrize(("server", "port", "clients"), PAIRS, ids=[clients[0] for _, _, clients in PAIRS])
def test_they_print_what_twisteds_print(server: str, port: int, clients: list[str], programs: dict[str, Path]) -> None:
    compare(server, port, clients, *(programs[kind] for kind in KINDS))


@pytest.mark.parametrize(("server", "port", "clients"), LOGGING_IN, ids=[clients[0] for _, _, clients in LOGGING_IN])
def test_those_that_log_in_do_so_too(server: str, port: int, clients: list[str], programs: dict[str, Path]) -> None:
    compare(server, port, clients, *(programs[kind] / "bytes" for kind in KINDS))


def compare(server: str, port: int, clients: list[str], twisteds: Path, ours: Path) -> None:
    wanted = converse(twisteds / server, port, [twisteds / client for client in clients])
    assert any(wanted), "nobody said anything"
    for serving, calling in ((ours, ours), (ours, twisteds), (twisteds, ours)):
        assert converse(serving / server, port, [calling / client for client in clients]) == wanted


@pytest.mark.parametrize(
    ("server", "port", "clients", "said"), AS_PRINTED, ids=[clients[0] for _, _, clients, _ in AS_PRINTED]
)
def test_a_password_may_be_a_str(
    server: str, port: int, clients: list[str], said: list[list[str]], programs: dict[str, Path]
) -> None:
    ours = programs["likewise.spread"]
    assert converse(ours / server, port, [ours / client for client in clients]) == said
