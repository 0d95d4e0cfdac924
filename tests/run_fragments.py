"""
Runs the fragments of one page: a program of its own, so that what a page registers stays on that page.

It reads ``[[place, line, source, printed or null], ...]`` as JSON from standard input. It ends with code 0
if every fragment ran and printed what the page says, else it says where not.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import re
import sys
import traceback
import types
from typing import Any

LIMIT = 40.0  # seconds for a whole page
OBJECT = re.compile(r" at 0x[0-9A-Fa-f]+>")


async def run(source: str, place: str, line: int, namespace: dict[str, Any]) -> None:
    tree = ast.increment_lineno(ast.parse(source, place), line - 1)
    code = compile(tree, place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, namespace)
    if inspect.iscoroutine(result):
        await result


async def main(fragments: list[Any]) -> int:
    module = types.ModuleType("__main__")  # what readers would see: they run programs, too
    sys.modules["__main__"] = module
    for place, line, source, printed in fragments:
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                await run(source, place, line, vars(module))
        except BaseException:
            traceback.print_exc()
            print(f"{place}:{line} failed", file=sys.stderr)
            return 1
        said, should = OBJECT.sub(" at 0x...>", out.getvalue()), OBJECT.sub(" at 0x...>", printed or "")
        if said != should and not (printed is None and not said):
            print(f"{place}:{line} printed:\n{said}where the page says:\n{should}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.path.insert(0, "")  # the page's own files
    sys.exit(asyncio.run(asyncio.wait_for(main(json.load(sys.stdin)), LIMIT)))
