"""likewise.spread has Twisted's names, and is not Twisted's."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from tests.programs import environment

pytest.importorskip("twisted")

MODULES = ("pb", "jelly", "banana", "flavors", "publish", "util", "interfaces")
LISTING = """
import importlib, json, types
found = {}
for name in %r:
    module = importlib.import_module("twisted.spread." + name)
    public = set(getattr(module, "__all__", ())) | {
        key for key, value in vars(module).items()
        if not key.startswith("_") and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", module.__name__).startswith("twisted.spread")
    }
    found[name] = sorted(public - {"annotations", "TYPE_CHECKING"})
print(json.dumps(found))
"""
LEFT_OUT = {
    "jelly": {"instance_atom"},  # by module __getattr__, with Twisted's warning
}


def run(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment())
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_public_name_is_there() -> None:
    names = json.loads(run(LISTING % (MODULES,)))
    assert len(names["pb"]) > 40
    missing = {
        module: [name for name in wanted if not hasattr(importlib.import_module(f"likewise.spread.{module}"), name)]
        for module, wanted in names.items()
    }
    assert {module: set(absent) - LEFT_OUT.get(module, set()) for module, absent in missing.items() if absent} == {}


def test_what_is_listed_exists() -> None:
    for name in MODULES:
        module = importlib.import_module(f"likewise.spread.{name}")
        assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_twisteds_own_spread_is_never_loaded() -> None:
    program = "import importlib, sys\n" + "".join(f"import likewise.spread.{name}\n" for name in MODULES)
    program += "print([name for name in sys.modules if name.startswith('twisted.spread')])"
    assert run(program) == "[]\n"


def test_importing_likewise_does_not_need_twisted() -> None:
    assert run("import likewise, sys; print('twisted' in sys.modules)") == "False\n"


def test_an_old_word_warns_as_in_twisted() -> None:
    from likewise.spread import jelly

    with pytest.warns(DeprecationWarning, match="instance_atom was deprecated in Twisted 15.0.0"):
        assert jelly.instance_atom == b"instance"
    with pytest.raises(AttributeError, match="no_such_atom"):
        jelly.no_such_atom
