"""``sys.exit()`` in a remote method ends the program, as it does in any task of asyncio; the caller is told."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

import likewise
from tests.programs import running

PROGRAM = """
import asyncio, sys
import likewise

KIND = {"SystemExit": lambda: SystemExit(3), "KeyboardInterrupt": KeyboardInterrupt}[sys.argv[2]]

class Leaving(likewise.Copyable):
    def getStateToCopy(self):
        raise KIND()

class Root(likewise.Root):
    def remote_plain(self):
        raise KIND()

    async def remote_first(self):
        raise KIND()

    async def remote_later(self):
        await asyncio.sleep(0.01)
        raise KIND()

    def remote_hook(self):
        return Leaving()

async def main():
    try:
        async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
            print("listening on", server.port, flush=True)
            await server.serve_forever()
    finally:
        print("closed", flush=True)

if sys.argv[1] == "uvloop":
    import uvloop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
else:
    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt"])
@pytest.mark.parametrize("method", ["plain", "first", "later", "hook"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_program_ends_and_the_caller_is_told(loop: str, method: str, kind: str, tmp_path: Path) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")

    async def ask(port: str) -> None:
        async with asyncio.timeout(20.0):
            connection = await likewise.connect(f"tcp://127.0.0.1:{port}")
            with pytest.raises((likewise.RemoteError, likewise.ConnectionClosed)) as caught:
                await connection.root.callRemote(method)
            if isinstance(caught.value, likewise.RemoteError):
                assert caught.value.type == f"builtins.{kind}"
            await connection.wait_closed()

    with running(str(program), loop, kind) as server:
        asyncio.run(ask(server.port()))
        code, lines, errors = server.end()
    assert code == (3 if kind == "SystemExit" else -2), errors
    assert lines[-1] == "closed" and method in errors, "what ended it is in the log"
    assert sys.exc_info()[0] is None
