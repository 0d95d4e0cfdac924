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


WHERE = """
import importlib, json
found = {}
for name in %r:
    module = importlib.import_module("%s.spread." + name)
    for key, value in list(vars(module).items()):
        if not key.startswith("_") and (isinstance(value, type) or hasattr(value, "providedBy")):
            found[name + "." + key] = [value.__module__, value.__name__, repr(value)]
print(json.dumps(found))
"""


def test_classes_are_named_after_their_place_here_as_twisteds_are_after_theirs() -> None:
    theirs, ours = (json.loads(run(WHERE % (MODULES, package))) for package in ("twisted", "likewise"))
    names = {name for name, (module, *_) in theirs.items() if module.startswith("twisted.spread.")} & ours.keys()
    assert len(names) > 60
    wire = {f"{name}.{cls}" for name, cls in ON_THE_WIRE.items() for cls in cls}
    for name in names - wire - SHARED:
        module, cls, shown = theirs[name]
        assert ours[name][:2] == [module.replace("twisted.", "likewise.", 1), cls], name
        assert ours[name][2] == shown.replace("twisted.", "likewise.", 1), name
    for name in names & wire:  # these cross under their names, and are compared by them
        assert ours[name] == theirs[name], name
    assert not wire - names


ERRORS = {"DeadReferenceError", "Error", "PBConnectionLost", "ProtocolError", "RemoteError"}
ON_THE_WIRE = {
    "pb": ERRORS | {"CopiedFailure", "CopyableFailure", "NoSuchMethod"},
    "jelly": {"InsecureJelly"},
    "banana": {"BananaError"},
    "flavors": {"NoSuchMethod"},
}
SHARED = {"jelly.Unpersistable"}  # with the asyncio API


def test_the_modules_that_are_named_have_what_they_are_said_to_have() -> None:
    for name in MODULES:
        module = importlib.import_module(f"likewise.spread.{name}")
        for key in module.__all__:
            value = getattr(module, key)
            if isinstance(value, type) and value.__module__.startswith("likewise.spread."):
                assert getattr(importlib.import_module(value.__module__), value.__name__) is value
