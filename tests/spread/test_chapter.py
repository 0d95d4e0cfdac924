"""
The chapter's programs for Twisted, with their imports changed and nothing else: as scripts and under ``twistd -ny``,
ours with ours, ours with Twisted's, Twisted's with ours.
"""

from __future__ import annotations

import re
import signal
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("twisted")

from tests.programs import Program, running, without_addresses
from tests.test_examples import CONVERSATIONS

CHAPTER = Path(__file__).resolve().parents[1] / "interop" / "chapter"
KINDS = ("likewise.spread", "twisted.spread")
TWISTD = ("-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=", "-y")

TAC = """
    from twisted.application import internet, service

    import NAME
    from PACKAGE import pb

    class Listening(internet.TCPServer):
        def startService(self):
            internet.TCPServer.startService(self)
            print("listening on", self._port.getHost().port, flush=True)

    application = service.Application("NAME")
    factory = pb.PBServerFactory(NAME.Receiver())
    Listening(0, factory, interface="127.0.0.1").setServiceParent(service.IServiceCollection(application))
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The programs, once as they are and once with the import changed."""
    places = {}
    for kind in KINDS:
        places[kind] = place = tmp_path_factory.mktemp(kind.partition(".")[0])
        for program in CHAPTER.glob("*.py"):
            text = program.read_text()
            assert "twisted.spread" in text
            (place / program.name).write_text(text.replace("twisted.spread", kind))
        for name in CONVERSATIONS:
            tac = textwrap.dedent(TAC).replace("NAME", f"{name}_receiver").replace("PACKAGE", kind)
            (place / f"{name}_receiver.tac").write_text(tac)
    return places


def converse(name: str, receiver: Program, sender_program: Path, how: str) -> tuple[list[str], list[str]]:
    """Have a sender talk to a receiver; what both say."""
    port = listening_on(receiver)
    with running(str(sender_program), "--port", port, cwd=sender_program.parent) as sender:
        code, said_by_sender, errors = sender.end()
        assert (code, errors) == (0, "")
    if name != "cache":  # that sender calls `shutdown`; the others leave their receiver running
        while len(CONVERSATIONS[name][1]) > len(said(receiver.seen)):
            receiver.line()
        receiver.process.send_signal(signal.SIGTERM)  # a SIGINT would be ignored where this runs in the background
    _, lines, errors = receiver.end()
    assert errors == "" or how == "twistd"
    return said_by_sender, said(lines)


def listening_on(receiver: Program) -> str:
    while True:
        found = re.search(r"listening on (\d+)$", receiver.line())
        if found:
            return found[1]


def said(lines: list[str]) -> list[str]:
    """What the program itself printed: twistd puts time and place before it, and has lines of its own."""
    lines = [re.sub(r"^\d{4}-\d\d-\d\dT[\d:]+[+-]\d{4} \[[^]]*\] ", "", line) for line in lines]
    return without_addresses([line for line in lines if not re.search(OF_TWISTD, line)])


OF_TWISTD = (
    r"Loading |Loaded\.|twistd |reactor class|Starting factory|Server Shut Down|Main loop terminated|Stopping factory|"
    r"Received SIG|starting on \d|\(TCP Port \d+ Closed\)"
)


@pytest.mark.parametrize("how", ["script", "twistd"])
@pytest.mark.parametrize(("sender", "receiver"), [("likewise.spread",) * 2, KINDS, KINDS[::-1]])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_pair_of_programs_prints_the_chapter_s_lines(
    name: str, sender: str, receiver: str, how: str, programs: dict[str, Path]
) -> None:
    place = programs[receiver]
    command = (*TWISTD, f"{name}_receiver.tac") if how == "twistd" else (f"{name}_receiver.py", "--port", "0")
    with running(*command, cwd=place) as running_receiver:
        said_by_sender, said_by_receiver = converse(name, running_receiver, programs[sender] / f"{name}_sender.py", how)
    assert (without_addresses(said_by_sender), said_by_receiver) == CONVERSATIONS[name]
