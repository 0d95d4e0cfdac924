"""The public names: what `likewise.__all__` says, and nothing that it costs beyond the standard library."""

import inspect
import subprocess
import sys

import pytest

import likewise

WHAT_IMPORTING_LOADS = """
import sys
before = set(sys.modules)
import likewise
for name in sorted(set(sys.modules) - before):
    if getattr(sys.modules[name], "__spec__", None) is not None:   # Cython's own modules have none
        print(name)
"""


def test_all_is_a_sorted_tuple_without_repetition() -> None:
    assert isinstance(likewise.__all__, tuple)
    assert list(likewise.__all__) == sorted(set(likewise.__all__))


@pytest.mark.parametrize("name", likewise.__all__)
def test_a_public_name_exists(name: str) -> None:
    assert hasattr(likewise, name)


def can_have_a_docstring(name: str) -> bool:
    value = getattr(likewise, name, None)
    return inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value)


@pytest.mark.parametrize("name", [*filter(can_have_a_docstring, likewise.__all__)])
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(likewise, name)
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__  # its own, not its base's
    assert text and text.strip()
    assert not text.startswith(f"{name}("), "the signature that dataclass() puts where no docstring is"


def test_a_public_name_is_no_private_one() -> None:
    assert [name for name in likewise.__all__ if name.startswith("_") and name != "__version__"] == []


def test_importing_likewise_loads_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-I", "-c", WHAT_IMPORTING_LOADS]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "likewise" in loaded
    tops = {name.partition(".")[0] for name in loaded if not name.startswith("_sysconfigdata_")}  # how Python was built
    assert tops - {"likewise"} - sys.stdlib_module_names == set()
