"""``likewise call`` and ``likewise decode``, as typed."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from likewise.cli import capture, commands
from tests import sexp
from tests.programs import ROOT, running

SERVER = """
import asyncio, datetime, os
import likewise

class Root(likewise.Root):
    def remote_echo(self, *values): return list(values)
    def remote_nothing(self): return None
    def remote_odd(self): return {(1, 2): self}
    def remote_text(self): return "\\x1b[31m"
    def remote_when(self): return [datetime.date(2026, 7, 1), b"raw"]
    def remote_fail(self): raise likewise.Error("no \\x1b[31mway")
    async def remote_wait(self): await asyncio.sleep(1000)
    def remote_leave(self): os._exit(0)

async def main():
    async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running("-c", SERVER) as server:
        yield f"tcp://127.0.0.1:{server.port()}"


def typed(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    try:
        code = commands.main(arguments)
    except SystemExit as left:  # argparse leaves this way
        assert isinstance(left.code, int)
        code = left.code
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    ("method", "arguments", "shown"),
    [
        ("echo", ['"hi"', "[1, 2.5, null]", "true"], '["hi", [1, 2.5, null], true]'),
        ("nothing", [], "null"),
        ("text", [], '"\\u001b[31m"'),
        ("when", [], '["datetime.date(2026, 7, 1)", "b\'raw\'"]'),
        ("odd", [], "{(1, 2): <RemoteReference 1>}"),
    ],
)
def test_call_prints_the_answer(
    address: str, capsys: pytest.CaptureFixture[str], method: str, arguments: list[str], shown: str
) -> None:
    assert typed("call", address, method, *arguments, capsys=capsys) == (0, shown + "\n", "")


def test_a_failed_call_is_one_line_and_code_1(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("call", address, "fail", capsys=capsys) == (1, "", "likewise: Error: no \\x1b[31mway\n")
    code, out, err = typed("call", address, "absent", capsys=capsys)
    assert (code, out, err) == (1, "", "likewise: NoSuchMethod: No such method: remote_absent\n")


def test_a_call_without_an_answer_in_time_is_code_1(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = typed("call", address, "wait", "--timeout", "0.2", capsys=capsys)
    assert answer == (1, "", "likewise: no answer within 0.2 s\n")


def test_a_server_that_leaves_is_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with running("-c", SERVER) as server:
        code, out, err = typed("call", f"tcp://127.0.0.1:{server.port()}", "leave", capsys=capsys)
    assert (code, out) == (3, "") and err.startswith("likewise: the connection has ended")


def test_nobody_there_is_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    code, out, err = typed("call", f"tcp://127.0.0.1:{port}", "echo", capsys=capsys)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert f"nobody listens at tcp://127.0.0.1:{port}" in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice"),
        (["call", "127.0.0.1:8800", "echo"], "write tcp://127.0.0.1:8800"),
        (["call", "tcp://127.0.0.1:1", "echo", "hi"], "a text needs quotes twice"),
    ],
)
def test_wrong_usage_is_code_2_and_names_the_remedy(
    capsys: pytest.CaptureFixture[str], arguments: list[str], hint: str
) -> None:
    code, out, err = typed(*arguments, capsys=capsys)
    assert (code, out) == (2, "") and hint in err


def test_decode_shows_what_a_peer_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent = [[b"pb", b"none"], [b"version", 6], [b"answer", 1, [b"tuple", 5, 2.5, [b"unicode", b"hi there"]]]]
    file = tmp_path / "capture.bin"
    file.write_bytes(b"".join(map(sexp.encode, sent)))
    code, out, err = typed("decode", str(file), capsys=capsys)
    assert (code, err) == (0, "")
    assert out == '0000  (pb none)\n000c  (version 6)\n0012  (answer 1 (tuple 5 2.5 (unicode "hi there")))\n'


def test_decode_reads_standard_input(tmp_path: Path) -> None:
    command = "import sys; from likewise.__main__ import main; sys.stdin = open(sys.argv[1]); sys.exit(main(sys.argv[2:]))"
    file = tmp_path / "capture.bin"
    file.write_bytes(sexp.encode([b"version", 6]))
    with running("-c", command, str(file), "decode", "-") as program:
        assert program.end() == (0, ["0000  (version 6)"], "")


def test_places_count_large_strings_too() -> None:
    data = sexp.encode([b"answer", 1, b"x" * 70_000]) + sexp.encode([b"version", 6])
    assert [place for place, _ in capture.messages(data)] == [0, len(data) - 6]


def test_decode_of_half_a_message_shows_the_whole_ones_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "capture.bin"
    file.write_bytes(sexp.encode([b"version", 6]) + sexp.encode([b"version", 6])[:4])
    code, out, err = typed("decode", str(file), capsys=capsys)
    assert (code, out) == (1, "0000  (version 6)\n")
    assert err == "likewise: RemoteProtocolError: 4 bytes at 0x0006 are only the beginning of a message\n"


def test_decode_of_a_file_that_is_not_there_fails_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = typed("decode", str(tmp_path / "nothing"), capsys=capsys)
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_the_recorded_conversations_are_decoded_whole() -> None:
    recorded = json.loads((ROOT / "tests" / "vectors" / "vectors.json").read_text(encoding="utf-8"))
    shown = 0
    for conversation in recorded["vectors"]:
        for way in ("c2s", "s2c"):
            shown += len(list(capture.messages(bytes.fromhex(conversation[way]))))
    assert shown > 500, shown


def test_reading_what_decode_shows_does_not_need_all_of_it(tmp_path: Path) -> None:
    """Whoever reads may stop: no traceback then."""
    file = tmp_path / "capture.bin"
    file.write_bytes(sexp.encode([b"version", 6]) * 50_000)

    async def head() -> tuple[int | None, bytes]:
        import sys

        from tests.programs import environment

        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "likewise", "decode", str(file)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
        )
        assert process.stdout is not None and process.stderr is not None
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined]  # there is no other way to stop reading
        return await process.wait(), await process.stderr.read()

    assert asyncio.run(head()) == (1, b"")
