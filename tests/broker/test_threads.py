"""Connections of several threads share nothing but lists of what lies idle, and take from those without looking first."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.testing import Pair

SOURCES = Path(__file__).parents[2] / "src" / "likewise"


class Echo(likewise.Root):
    def remote_echo(self, *args: Any) -> Any:
        return args


def converse(who: int, wrong: list[Any]) -> None:
    try:
        pair = Pair(Echo())
        for turn in range(300):
            result = pair.client.root.callRemote("echo", who, [turn], {"who": who})
            pair.run()
            if result.value != (who, [turn], {"who": who}):
                wrong.append((who, turn, result.value, result.error))
    except BaseException as error:
        wrong.append(error)


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_conversations_in_several_threads_do_not_meet(switching: None) -> None:
    wrong: list[Any] = []
    threads = [threading.Thread(target=converse, args=(who, wrong)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def looks_before_it_takes(node: ast.AST) -> bool:
    """``x.pop() if x else ...``, or the same as a statement."""
    if not isinstance(node, (ast.If, ast.IfExp)) or not isinstance(node.test, ast.Name):
        return False
    body = node.body if isinstance(node.body, list) else [node.body]
    taken = [
        call.func.value.id
        for each in body
        for call in ast.walk(each)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("pop", "popitem", "popleft")
        and isinstance(call.func.value, ast.Name)
    ]
    return node.test.id in taken


def test_nothing_looks_whether_a_list_of_the_module_is_empty_and_then_takes_from_it() -> None:
    found = []
    for file in SOURCES.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        shared = {
            target.id
            for statement in tree.body
            if isinstance(statement, (ast.Assign, ast.AnnAssign))
            for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if looks_before_it_takes(node) and isinstance(node, (ast.If, ast.IfExp)) and isinstance(node.test, ast.Name):
                if node.test.id in shared:
                    found.append(f"{file.name}:{node.lineno}")
    assert not found
