"""What `likewise.is_compiled()` says is what lies in the installed package."""

import importlib
import importlib.machinery
from pathlib import Path

import likewise

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
PLACE = Path(likewise.__file__).parent


def test_it_says_whether_the_package_holds_compiled_modules() -> None:
    assert likewise.is_compiled() == any(PLACE.rglob(f"*{SUFFIX}"))


def test_it_says_so_of_each_module_that_has_a_pxd() -> None:
    for declared in PLACE.rglob("*.pxd"):
        if declared.name in ("__init__.pxd", "native.pxd"):  # native: C for the others to take in, never a module compiled
            continue
        name = ".".join(["likewise", *declared.relative_to(PLACE).with_suffix("").parts])
        origin = importlib.import_module(name).__file__
        assert origin is not None and origin.endswith(SUFFIX) == likewise.is_compiled(), origin
