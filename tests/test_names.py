"""One name, one thing: what two modules of the package define under one name is one and the same."""

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import PACKAGE, dotted_name

# What is one thing though it is written down more than once, and why.
EXCEPTIONS = {
    "ITEMS_OF_ODD": "a compiled module keeps its own, as a number of C's",
    "SMALL_INTS": "a compiled module keeps its own, as a list that C looks into",
    "WORDS": "the vocabulary; a compiled module keeps its own, as a tuple that C looks into",
    "Broker": "to type checkers, in a module that the one with the class is made of",
    "log": "the logger called `likewise`; logging gives the same to all who ask",
    "T": "a variable of types, which belongs to the signature that it stands in",
    "F": "a variable of types, which belongs to the signature that it stands in",
}


def targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Tuple):
        for each in node.elts:
            yield from targets(each)


def definitions(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """What a module itself defines at its top level, for others to use: no import, no name with an underscore."""
    for node in body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [name for target in node.targets for name in targets(target)]
        elif isinstance(node, ast.AnnAssign):
            names = list(targets(node.target))
        elif isinstance(node, ast.If | ast.Try):
            yield from definitions([*node.body, *node.orelse])
        yield from ((name, node) for name in names if not name.startswith("_"))


def defined() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        module = dotted_name(path, PACKAGE)
        for name in dict.fromkeys(name for name, _ in definitions(ast.parse(path.read_text(encoding="utf-8")).body)):
            found[name].append(module)
    return found


TWICE = {name: modules for name, modules in defined().items() if len(modules) > 1}


def is_of_perspective_broker(module: str, name: str) -> bool:
    """Whether Twisted's module of that name has it, too: a drop-in has to bear the names of what it stands for."""
    if not module.startswith("likewise.spread."):
        return False
    pytest.importorskip("twisted")
    theirs = ("pb", "flavors", "jelly", "banana", "publish", "util", "interfaces")
    return any(hasattr(importlib.import_module(f"twisted.spread.{each}"), name) for each in theirs)


def is_one(first: object, second: object) -> bool:
    """The same object, or a class and one that stands for it under the other driver."""
    if first is second:
        return True
    return isinstance(first, type) and isinstance(second, type) and (issubclass(first, second) or issubclass(second, first))


@pytest.mark.parametrize("name", sorted(TWICE))
def test_a_name_that_two_modules_define_is_one_thing(name: str) -> None:
    if name in EXCEPTIONS:
        return
    modules = [module for module in TWICE[name] if not is_of_perspective_broker(module, name)]
    things = [getattr(importlib.import_module(module), name) for module in modules]
    assert all(is_one(things[0], thing) for thing in things[1:]), f"{name} is defined by {', '.join(modules)}"


def test_every_exception_is_needed() -> None:
    assert set(EXCEPTIONS) <= set(TWICE)


def test_the_rule_itself() -> None:
    tree = ast.parse("A = B = 1\nC: int = 2\nX, Y = 1, 2\nif A:\n    def f(): pass\nclass K: pass\n_own = 3\nimport os\n")
    assert [name for name, _ in definitions(tree.body)] == ["A", "B", "C", "X", "Y", "f", "K"]
    assert is_one(bool, int) and is_one(int, int) and not is_one(int, str)
    assert Path(PACKAGE, "broker", "core.py").is_file()
