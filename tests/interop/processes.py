"""The servers and the client of SURFACE.md, as processes of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import ROOT, Program, running

HERE = Path(__file__).resolve().parent


class Serving:
    """A server that is ready, on ``port``. It leaves when its standard input closes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        line = program.line()
        assert line.startswith("READY "), line
        self.port = int(line.removeprefix("READY "))

    def leave(self) -> tuple[int, list[str], str]:
        """Have it leave: exit code, all lines, standard error."""
        assert self.program.process.stdin is not None
        self.program.process.stdin.close()
        return self.program.end()


@contextmanager
def likewise_server() -> Iterator[Serving]:
    with running("-m", "tests.interop.likewise_server", cwd=ROOT, stdin=subprocess.PIPE) as program:
        yield Serving(program)


@contextmanager
def twisted_server() -> Iterator[Serving]:
    with running(str(HERE / "twisted_server.py"), stdin=subprocess.PIPE) as program:
        yield Serving(program)


@contextmanager
def twisted_client(*arguments: str | int) -> Iterator[Program]:
    with running(str(HERE / "twisted_client.py"), *map(str, arguments)) as program:
        yield program
