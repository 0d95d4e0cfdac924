"""
Says which build the tests ran on; how long Hypothesis tries, in general and with ``--hypothesis-profile=long``; has
programs that the tests start end on Ctrl-C, whatever started the tests.
"""

import gc
import importlib.machinery
import importlib.util
import platform
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quick", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile("quick")

# A shell without job control has what it puts in the background ignore SIGINT; children inherit that, a handler they don't.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """A million objects stand for the tests themselves; those that collect garbage need not look through them each time."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = importlib.util.find_spec("likewise")
    if found is None or found.origin is None:
        terminalreporter.write_line("likewise is not installed")
        return
    place = Path(found.origin).parent
    compiled = len(list(place.rglob("*" + importlib.machinery.EXTENSION_SUFFIXES[0])))
    build = f"compiled ({compiled} modules)" if compiled else "pure"
    terminalreporter.write_line(f"likewise, {build}, on Python {platform.python_version()}, from {place}")
