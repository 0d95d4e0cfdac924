"""
Buildbot, the application of PB that most people run, with likewise.spread: as it comes from its authors, apart from
where its imports lead. ``make field`` installs it and runs this.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.programs import Program, environment

pytest.importorskip("twisted")
from likewise.spread import pb

HERE = Path(__file__).resolve().parent
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("buildbot") is None or importlib.util.find_spec("buildbot_worker") is None,
    reason="Buildbot is not installed here: make field",
)


def run(module: str, *arguments: str, cwd: Path) -> None:
    """One of Buildbot's own commands."""
    command = [sys.executable, "-c", f"from {module} import run; run()", *arguments]
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@contextmanager
def twistd(place: Path, *, likewise: bool) -> Iterator[subprocess.Popen[bytes]]:
    """A Buildbot process in the foreground; with ``likewise`` its ``twisted.spread`` is ours."""
    env = environment()
    if likewise:
        env["PYTHONPATH"] = os.pathsep.join([str(HERE / "redirect"), env["PYTHONPATH"]])
        env["REDIRECTED"] = str(place / "redirected")
    command = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
    arguments = ["--nodaemon", "--no_save", "--pidfile=", "--python=buildbot.tac"]
    with open(place / "output", "wb") as output:
        process = subprocess.Popen([*command, *arguments], cwd=place, env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if likewise:
            assert f"{process.pid} {pb.__file__}" in (place / "redirected").read_text()


def logs(place: Path) -> str:
    """What a Buildbot process has to say, for a failing test."""
    return "\n".join(f"== {each}\n{each.read_text(errors='replace')[-4000:]}" for each in sorted(place.glob("*/output")))


def make_worker(place: Path, port: int) -> Path:
    run("buildbot_worker.scripts.runner", "create-worker", "worker", f"127.0.0.1:{port}", "bot", "sesame", cwd=place)
    (place / "worker" / "info" / "admin").write_text("who cares\n")
    return place / "worker"


# --- a master of one page, on likewise.spread


def test_a_real_worker_works_for_a_small_master(tmp_path: Path) -> None:
    master = Program(str(HERE / "small_master.py"))
    try:
        word, port = json.loads(master.line())
        assert word == "listening"
        with twistd(make_worker(tmp_path, port), likewise=False):
            try:
                code, lines, errors = master.end(PATIENCE)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{master.seen}\n{logs(tmp_path)}") from None
    finally:
        master.process.kill()
        master.process.wait()
    said: list[tuple[str, Any]] = [(word, value) for word, value in map(json.loads, lines)]
    assert code == 0, errors
    words = ["login", "info", "shell", "shell", "mkdir", "no-such-command", "no such", "logout"]
    assert [word for word, _ in said[1:]] == words
    assert said[1][1] == ["bot", "127.0.0.1"]
    assert said[2][1]["admin"] == "who cares\n" and {"shell", "mkdir"} <= set(said[2][1]["commands"])
    good, bad, made, unknown = (value for _, value in said[3:7])
    assert good["heard"]["stdout"] == "line 0\nline 1\nline 2\n" and good["heard"]["rc"] == 0 and good["failure"] is None
    assert bad["heard"]["stderr"] == "to-stderr\n" and bad["heard"]["rc"] == 3
    assert made["heard"]["rc"] == 0 and (tmp_path / "worker" / "small" / "made").is_dir()
    assert unknown["error"].endswith(".UnknownCommand") and "no-such-command" in unknown["text"]
    assert said[7] == ("no such", "twisted.spread.flavors.NoSuchMethod")


# --- a real master


CONFIGURATION = """
    from buildbot.plugins import schedulers, steps, util, worker

    factory = util.BuildFactory([
        steps.SetPropertyFromCommand(command=["sh", "-c", "echo said by $BOT"], env={"BOT": "a worker"}, property="said"),
        steps.ShellCommand(command=["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done; echo words > made"]),
        steps.FileUpload(workersrc="made", masterdest=util.Interpolate("uploaded")),
        steps.FileDownload(mastersrc="uploaded", workerdest="again"),
        steps.ShellCommand(command=["sh", "-c", "cmp made again"], haltOnFailure=True),
        steps.MasterShellCommand(command=["sh", "-c", util.Interpolate("echo '%(prop:said)s' > done")]),
    ])
    BuildmasterConfig = {
        "workers": [worker.Worker("bot", "sesame")],
        "protocols": {"pb": {"port": "tcp:PORT:interface=127.0.0.1"}},
        "schedulers": [schedulers.Periodic("now", builderNames=["builder"], periodicBuildTimer=100000)],
        "builders": [util.BuilderConfig(name="builder", workernames=["bot"], factory=factory)],
        "db": {"db_url": "sqlite:///state.sqlite"},
        "buildbotNetUsageData": None,
    }
"""


def make_master(place: Path, port: int) -> Path:
    run("buildbot.scripts.runner", "create-master", "master", cwd=place)
    configuration = textwrap.dedent(CONFIGURATION).replace("PORT", str(port))
    (place / "master" / "master.cfg").write_text(configuration)
    return place / "master"


@pytest.mark.parametrize(
    ("master_is_ours", "worker_is_ours"), [(False, True), (True, False), (True, True)], ids=["worker", "master", "both"]
)
def test_a_real_master_builds_on_a_real_worker(
    master_is_ours: bool, worker_is_ours: bool, tmp_path: Path, unused_port: int
) -> None:
    master, worker = make_master(tmp_path, unused_port), make_worker(tmp_path, unused_port)
    with twistd(master, likewise=master_is_ours) as running, twistd(worker, likewise=worker_is_ours):
        done, until = master / "done", time.monotonic() + PATIENCE
        while not (done.exists() and done.read_text()):
            assert running.poll() is None and time.monotonic() < until, logs(tmp_path)
            time.sleep(0.1)
    assert done.read_text() == "said by a worker\n"
    assert (master / "uploaded").read_text() == "words\n"
    assert "Traceback" not in (worker / "output").read_text(), logs(tmp_path)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
