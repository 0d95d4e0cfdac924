"""Says which build the tests ran on; how long Hypothesis tries, in general and with ``--hypothesis-profile=long``."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quick", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile("quick")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = importlib.util.find_spec("likewise")
    if found is None or found.origin is None:
        terminalreporter.write_line("likewise is not installed")
        return
    place = Path(found.origin).parent
    compiled = len(list(place.rglob("*" + importlib.machinery.EXTENSION_SUFFIXES[0])))
    build = f"compiled ({compiled} modules)" if compiled else "pure"
    terminalreporter.write_line(f"likewise, {build}, from {place}")
