"""Says which build the tests ran on."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = importlib.util.find_spec("likewise")
    if found is None or found.origin is None:
        terminalreporter.write_line("likewise is not installed")
        return
    place = Path(found.origin).parent
    compiled = len(list(place.rglob("*" + importlib.machinery.EXTENSION_SUFFIXES[0])))
    build = f"compiled ({compiled} modules)" if compiled else "pure"
    terminalreporter.write_line(f"likewise, {build}, from {place}")
