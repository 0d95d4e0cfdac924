"""What the numbers were measured on, and what else the machine did meanwhile."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from . import settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("Twisted", "uvloop", "msgspec", "Pyro5", "rpyc", "pycapnp", "grpcio", "redis", "nats-py", "Cython")
PROGRAMS = {"redis-server": "--version", "nats-server": "--version"}
BUSY = 0.3  # processors: less than this is called quiet


def busy_seconds() -> float:
    """Processor time that the machine has spent on anything, of all processors together, since it started."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """What this process and its children that have ended have spent."""
    spent = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


class Others:
    """How many processors are kept busy by what is not ours, from here to :meth:`processors`."""

    def __init__(self) -> None:
        self.at, self.busy, self.own = time.monotonic(), busy_seconds(), own_seconds()

    def processors(self) -> float:
        seconds = time.monotonic() - self.at
        return max(0.0, (busy_seconds() - self.busy) - (own_seconds() - self.own)) / seconds


def wait_until_quiet(patience: float) -> float:
    """
    Return when others have kept less than :data:`BUSY` processors busy for a moment, or after ``patience`` seconds: how many
    seconds were waited in vain.
    """
    start = time.monotonic()
    while (waited := time.monotonic() - start) < patience:
        others = Others()
        time.sleep(0.2)
        if others.processors() < BUSY:
            break
    return waited


def processor_name() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def version_of_program(name: str, option: str) -> str:
    if shutil.which(name) is None:
        return ""
    said = subprocess.run([name, option], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=?(\d[\w.]*)", said)
    return found[1] if found else ""


def describe() -> dict[str, Any]:
    """Everything that belongs above a table of numbers."""
    import likewise

    pinned, free = "the server on CPUs 0-1, the clients on 2-3", "not pinned: there are too few processors"
    places = pinned if settings.can_pin() else free
    if os.environ.get("BENCH_REALTIME") == "1":
        places += ", before all other processes (SCHED_FIFO)"
    found = {name: version_of(name) for name in PACKAGES}
    found |= {name: version_of_program(name, option) for name, option in PROGRAMS.items()}
    return {
        "commit": git("rev-parse", "--short=12", "HEAD") or "unknown",
        # the measured code is what matters: docs and results may lie about changed
        "changed": bool(git("status", "--porcelain", "--", "src", "setup.py", "bench/*.py", "bench/peers")),
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} processors ({processor_name()}), {platform.system()} {platform.release()}",
        "places": places,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "build": "compiled" if likewise.is_compiled() else "pure",
        "likewise": likewise.__version__,
        "versions": {name: version for name, version in found.items() if version},
    }
