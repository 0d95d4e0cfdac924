"""No module and no class of the package grows past what can be read in one sitting."""

from __future__ import annotations

import ast

import pytest

from tests.test_layers import PACKAGE

MOST_LINES = 600
MOST_LINES_OF_SESSIONS = 450  # where a session and its drivers are made, what is near the most has no room for the next idea
OF_SESSIONS = ("broker", "serving", "asyncio", "spread")
MOST_METHODS = 30

# Classes that have more methods of their own, and why.
EXCEPTIONS = {
    "broker/tables.py:Tables": "one numbering of what went out and what came in; compiled, its methods are calls of C",
    "jelly/encoder.py:Encoder": "a method for each kind of value; compiled, they are calls of C",
}

MODULES = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def methods(tree: ast.AST) -> dict[str, int]:
    """How many methods the classes of a module define themselves, properties with them."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {each.name: sum(isinstance(node, kinds) for node in each.body) for each in classes}


METHODS = {
    f"{module}:{name}": count for module, text in MODULES.items() for name, count in methods(ast.parse(text)).items()
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_not_longer_than_a_reader_can_hold(module: str) -> None:
    most = MOST_LINES_OF_SESSIONS if module.split("/")[0] in OF_SESSIONS else MOST_LINES
    assert len(MODULES[module].splitlines()) < most


def test_a_class_has_few_enough_methods_to_be_one_idea() -> None:
    assert {name: count for name, count in METHODS.items() if count > MOST_METHODS and name not in EXCEPTIONS} == {}


def test_every_class_that_may_have_more_does() -> None:
    assert [name for name in EXCEPTIONS if METHODS.get(name, 0) <= MOST_METHODS] == []


def test_the_counting_itself() -> None:
    inner = "    class B:\n        def h(self): ...\n"
    tree = ast.parse("class A:\n    x = 1\n    def f(self): ...\n    async def g(self): ...\n" + inner)
    assert methods(tree) == {"A": 2, "B": 1}
    assert len(MODULES) > 100 and "broker/core.py" in MODULES
