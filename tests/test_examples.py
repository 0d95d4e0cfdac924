"""The chapter's programs, ours with ours, as pairs of real processes."""

import errno
import os
import signal
import socket
import sys

import pytest

from tests.programs import EXAMPLES, ROOT, running, without_addresses

CONVERSATIONS = {
    "copy": (
        ["7 frogs", "copy_sender.CopyPond", "pond arrived safe and sound", "Main loop terminated."],
        ["listening on PORT", " got pond: <ReceiverPond>", "7 frogs"],
    ),
    "copy2": (
        ["count 7", "pond arrived safe and sound", "Main loop terminated."],
        ["listening on PORT", " got pond: <ReceiverPond>", " count 7"],
    ),
    "cache": (
        ["I have [2] ducks", "I have [3] ducks", "I have [2] ducks", "Main loop terminated."],
        [
            "listening on PORT",
            " cache - sitting, er, setting ducks",
            "got pond: <SlaveDuckPond>",
            "[2] ducks:  ['one duck', 'two duck']",
            " cache - addDuck",
            "[3] ducks:  ['one duck', 'two duck', 'ugly duckling']",
            " cache - removeDuck",
            "[2] ducks:  ['two duck', 'ugly duckling']",
            "dropping pond",
        ],
    ),
}


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def example(name: str) -> str:
    return str(EXAMPLES / f"{name}.py")


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_sides_print_the_lines_of_the_chapter(name: str) -> None:
    said_by_sender, said_by_receiver = CONVERSATIONS[name]
    with running(example(f"{name}_receiver"), "--port", "0") as receiver:
        port = receiver.port()
        with running(example(f"{name}_sender"), "--port", port) as sender:
            code, lines, errors = sender.end()
            assert (code, lines, errors) == (0, said_by_sender, "")
        while len(receiver.seen) < len(said_by_receiver):  # each line is flushed: they are there while it runs on
            receiver.line()
        if name == "cache":  # this sender calls `shutdown`
            assert receiver.end() == (0, receiver.seen, "")
        assert without_addresses(receiver.seen) == said_by_receiver


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to one process")
def test_a_receiver_ends_in_silence_on_ctrl_c(name: str) -> None:
    with running(example(f"{name}_receiver"), "--port", "0") as receiver:
        receiver.port()
        receiver.process.send_signal(signal.SIGINT)
        code, lines, errors = receiver.end()
        assert (code, len(lines), errors) == (0, 1, "")


def test_of_two_receivers_of_one_pond_one_leaves_and_the_other_keeps_following() -> None:
    receiver = example("cache_receiver"), "--port", "0"
    with running(*receiver) as staying, running(*receiver) as leaving:
        ports = staying.port(), leaving.port()
        with running(example("cache2_sender"), "--port", ports[0], "--other-port", ports[1]) as sender:
            assert sender.end() == (
                0,
                ["I have [2] ducks", "observers: 2", "observers: 1", "I have [2] ducks", "Main loop terminated."],
                "",
            )
        whole_story = CONVERSATIONS["cache"][1][:-1]
        code, lines, errors = staying.end()
        assert (code, without_addresses(lines), errors) == (0, whole_story, "")
        code, lines, errors = leaving.end()
        assert (code, without_addresses(lines), errors) == (0, whole_story[:6], "")


def test_the_sender_of_a_plain_object_ends_with_a_readable_error() -> None:
    with running(example("copy_receiver"), "--port", "0") as receiver:
        port = receiver.port()
        with running(example("insecure_sender"), "--port", port) as sender:
            code, lines, errors = sender.end()
        assert (code, lines) == (1, [])
        assert errors.startswith("InsecureJelly: args[0]: an instance of __main__.LilyPond, which nothing allows to cross")
        assert errors.count("\n") == 1  # one line, no traceback


@pytest.mark.parametrize("name", ["copy_sender", "copy2_sender", "cache_sender", "cache2_sender", "insecure_sender"])
def test_a_sender_that_finds_nobody_says_so_in_one_line(name: str, unused_port: int) -> None:
    ports = ["--port", str(unused_port), *(["--other-port", str(unused_port)] if name == "cache2_sender" else [])]
    with running(example(name), *ports) as sender:
        code, _, errors = sender.end()
    assert code == 1
    assert errors.startswith(f"nobody listens at tcp://127.0.0.1:{unused_port}: {os.strerror(errno.ECONNREFUSED)}: is ")
    assert errors.count("\n") == 1


def test_every_example_says_in_its_first_lines_what_it_is() -> None:
    programs = sorted(EXAMPLES.glob("*.py"))
    assert len(programs) == 10, [str(each.relative_to(ROOT)) for each in programs]
    assert [each.name for each in programs if not each.read_text(encoding="utf-8").startswith('"""')] == []
