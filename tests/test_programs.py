"""What tests/programs.py and conftest.py promise to the tests that start programs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.programs import ROOT, environment

IGNORING = """
import signal, sys
import pytest
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(pytest.main(["-p", "no:cacheprovider", "tests/test_examples.py", "-k", "ctrl_c and copy2"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to one process")
def test_programs_end_on_ctrl_c_where_the_tests_themselves_run_in_the_background() -> None:
    command = [sys.executable, "-P", "-c", IGNORING]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
