"""Real processes for the tests: started, read from and ended within stated times."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PATIENCE = 20.0  # seconds for one line of output, or for the end


def python(*arguments: str | Path) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *map(str, arguments)]


class Process:
    """
    One process. Its standard input stays open until :meth:`end`; leaving a ``with`` block kills what still runs.

    It runs in the project's root, and finds the package where this process finds it.
    """

    def __init__(self, command: list[str], cwd: Path = ROOT) -> None:
        paths = [str(ROOT / each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *paths]), "PYTHONSAFEPATH": ""}
        self.command = command
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=cwd, env=environment
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.put(line.decode().rstrip("\r\n"))
        self._lines.put(None)

    def line(self, timeout: float = PATIENCE) -> str:
        """The next line of output. AssertionError if none comes."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{self.command} said nothing for {timeout} s; {self.errors()}") from None
        assert line is not None, f"{self.command} ended; {self.errors()}"
        return line

    def rest(self, timeout: float = PATIENCE) -> list[str]:
        """All lines until the end of output."""
        lines = []
        try:
            while (line := self._lines.get(timeout=timeout)) is not None:
                lines.append(line)
        except queue.Empty:
            raise AssertionError(f"{self.command} does not end: it said {lines}; {self.errors()}") from None
        return lines

    def port(self, prefix: str = "READY ") -> int:
        """The port that a server says it is ready on."""
        line = self.line()
        assert line.startswith(prefix), line
        return int(line.removeprefix(prefix))

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit code, when it ends by itself."""
        return self._popen.wait(timeout)

    def end(self, timeout: float = PATIENCE) -> int:
        """Close its standard input, which is its sign to leave; the exit code."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        return self.wait(timeout)

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._popen.send_signal(signal.SIGINT)

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def errors(self) -> str:
        """What it wrote to standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.is_running:
            self._popen.kill()
            self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self._popen.stdin, self._popen.stdout, self._errors):
            if stream is not None:
                stream.close()


def likewise_server() -> Process:
    return Process(python("-m", "tests.interop.likewise_server"))


def twisted_server() -> Process:
    return Process(python(HERE / "twisted_server.py"))


def twisted_client(*arguments: str | int) -> Process:
    return Process(python(HERE / "twisted_client.py", *map(str, arguments)))
