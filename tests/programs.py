"""Programs in processes of their own: start them, read their lines, and have none outlive a test."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SECONDS = 20.0  # no line of these programs takes a second; a machine under load may
MEDDLING = ("PYTHONSAFEPATH", "PYTHONUNBUFFERED")  # hide the modules beside a program, or whether it flushes


class Program:
    """One running program. Its standard output is read line by line, as it comes."""

    def __init__(self, *command: str, cwd: Path | None = None, stdin: int = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=cwd,
            env=environment(),
        )
        self.seen: list[str] = []
        self.errors = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def line(self) -> str:
        """The next line; AssertionError if it does not come."""
        try:
            line = self._lines.get(timeout=SECONDS)
        except queue.Empty:
            raise AssertionError(f"no further line after {self.seen}") from None
        if line is None:
            self._readers[1].join(SECONDS)
            raise AssertionError(f"it ended after {self.seen}: {self.errors}")
        self.seen.append(line)
        return line

    def port(self) -> str:
        """The port that it says it listens on."""
        line = self.line()
        found = re.fullmatch(r"listening on (\d+)", line)
        assert found, line
        return found[1]

    def end(self, seconds: float = SECONDS) -> tuple[int, list[str], str]:
        """Wait for its end: exit code, all lines, standard error."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(SECONDS)
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.seen.append(line)
        return code, self.seen, self.errors


def environment() -> dict[str, str]:
    """Ours, as a person would have it at a prompt."""
    return {name: value for name, value in os.environ.items() if name not in MEDDLING} | {
        "PYTHONPATH": os.pathsep.join(str(Path(each).resolve()) for each in _paths()),
        "PYTHONUTF8": "1",
    }


def _paths() -> list[str]:
    return [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]


@contextmanager
def running(*command: str, cwd: Path | None = None, stdin: int = subprocess.DEVNULL) -> Iterator[Program]:
    """A program that is killed at the end of the block, if it still runs."""
    program = Program(*command, cwd=cwd, stdin=stdin)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait()


def without_addresses(lines: list[str]) -> list[str]:
    """Lines with ``<module.Class object at 0x...>`` as ``<Class>`` and without the number of a port."""
    lines = [re.sub(r"<[\w.]*\.(\w+) object at 0x[0-9A-Fa-f]+>", r"<\1>", line) for line in lines]
    return [re.sub(r"^listening on \d+$", "listening on PORT", line) for line in lines]
