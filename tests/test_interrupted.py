"""Ctrl-C ends every server that the pages show, quietly."""

from __future__ import annotations

import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.pages import blocks, pages
from tests.programs import ROOT, SECONDS, running
from tests.test_snippets import Ports

# Where the tests run as a background job SIGINT is ignored, and Python then leaves it so.
AS_AT_A_PROMPT = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def served() -> list[tuple[Path, str]]:
    """Each page with a server, and the file that is the server."""
    found = []
    for page in pages():
        background = [block for block in blocks(page) if block.note == "background" and block.language == "console"]
        for block in background:
            found += [(page, file) for file in re.findall(r"^\$ python (\w+\.py)", block.content, re.MULTILINE)]
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of UNIX")
@pytest.mark.parametrize(("page", "file"), served(), ids=[f"{page.relative_to(ROOT)}-{file}" for page, file in served()])
def test_ctrl_c_ends_a_server_of_the_pages_without_a_traceback(page: Path, file: str, tmp_path: Path) -> None:
    ports = Ports()
    for each in blocks(page):
        if each.file:
            (tmp_path / each.file).write_text(ports.put_into(each.content), encoding="utf-8")
    with running("-c", AS_AT_A_PROMPT, file, cwd=tmp_path) as server:
        port = int(server.line().rpartition(":")[2].split()[-1])
        with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
            assert client.recv(1)  # what it greets with: its loop runs
        server.process.send_signal(signal.SIGINT)
        code, _, errors = server.end()
        assert (code, errors) == (0, "")
