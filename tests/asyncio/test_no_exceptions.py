"""What a method may raise that is no Exception."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from tests.asyncio.test_calls import LOOPS, WHO, Both, run

# --- what is no Exception


class Own(BaseException):
    """Neither Exception nor anything that Python knows."""


class Raises(likewise.Root):
    def remote_raise(self, name: str) -> None:
        raise KINDS[name]("by a plain method")

    async def remote_raise_first(self, name: str) -> None:
        raise KINDS[name]("in the first step")

    async def remote_raise_later(self, name: str) -> None:
        await asyncio.sleep(0)
        raise KINDS[name]("later")

    def remote_fine(self) -> str:
        return "fine"

    def remote_take(self, value: Any) -> None: ...

    def remote_answer(self, name: str) -> Any:
        return Hooked(name)

    def remote_give(self, name: str) -> Any:
        return RaisesThere(name)

    def remote_broken_text(self, name: str) -> None:
        class Broken(Exception):
            def __str__(self) -> str:
                raise KINDS[name]("in __str__")

            __repr__ = __str__

        raise Broken

    def remote_broken_args(self, name: str) -> None:
        class Broken(Exception):
            @property
            def args(self) -> Any:
                raise KINDS[name]("in args")

        raise Broken

    def find_remote_method(self, name: str) -> Any:
        if name in KINDS:
            raise KINDS[name]("while it was looked for")
        return super().find_remote_method(name)


KINDS: dict[str, type[BaseException]] = {
    "CancelledError": asyncio.CancelledError,
    "GeneratorExit": GeneratorExit,
    "BaseExceptionGroup": lambda text: BaseExceptionGroup(text, [Own()]),  # type: ignore[dict-item]
    "Own": Own,
}


class Hooked(likewise.Copyable):
    """Raises while it is written."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getStateToCopy(self) -> Any:
        raise KINDS[self.name]("in getStateToCopy")


class RaisesThere(likewise.Copyable):
    """Raises where it arrives."""

    def __init__(self, name: str) -> None:
        self.name = name


class Arrived(likewise.RemoteCopy):
    def setCopyableState(self, state: Any) -> None:
        raise KINDS[state["name"]]("in setCopyableState")


REGISTRY = likewise.Registry()
REGISTRY.setUnjellyableForClass(RaisesThere, Arrived)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "method", ["raise", "raise_first", "raise_later", "answer", "broken_text", "broken_args", "give", "take"]
)
def test_whatever_user_code_raises_fails_one_call(method: str, name: str) -> None:
    async def main() -> None:
        async with likewise.serve(Raises(), "tcp://127.0.0.1:0", accept=REGISTRY) as server:
            connection = await likewise.connect(server.address, accept=REGISTRY)
            root = connection.root
            other = root.callRemote("fine")
            with pytest.raises(likewise.CallError) as caught:
                await root.callRemote(method, RaisesThere(name) if method == "take" else name)
            assert await other == await root.callRemote("fine") == "fine"
            if method != "broken_text":
                assert not isinstance(caught.value, likewise.ConnectionClosed)
            with pytest.raises(likewise.CallError):
                await root.callRemote(name)
            assert await root.callRemote("fine") == "fine" and connection.is_open
            await connection.close()

    run("asyncio", main)


@pytest.mark.parametrize("name", KINDS)
def test_what_a_hook_raises_at_the_caller_is_raised_there(name: str) -> None:
    """And nothing of that message was sent."""

    async def main() -> None:
        async with Both(Raises()) as root:
            with pytest.raises(BaseException) as caught:
                root.callRemote("take", Hooked(name))
            assert "getStateToCopy" in str(caught.value)
            assert await root.callRemote("fine") == "fine"

    run("asyncio", main)


class Contexts(likewise.Root):
    async def remote_set_in_task(self, who: str) -> None:
        WHO.set(who)
        await asyncio.sleep(0)
        WHO.set(f"{who} again")

    def remote_set(self, who: str) -> str:
        WHO.set(who)
        return WHO.get()

    def remote_set_and_fail(self, who: str) -> None:
        WHO.set(who)
        raise likewise.Error(who)

    def remote_set_and_start(self, who: str) -> asyncio.Future[str]:
        WHO.set(who)
        return asyncio.ensure_future(self.remote_get_in_task())

    def remote_get(self) -> str:
        return WHO.get()

    async def remote_get_in_task(self) -> str:
        return WHO.get()


@pytest.mark.parametrize("kind", LOOPS)
def test_a_task_keeps_its_context_to_itself(kind: str) -> None:
    async def main() -> None:
        async with Both(Contexts()) as root:
            await root.callRemote("set_in_task", "one")
            assert [await root.callRemote("get"), await root.callRemote("get_in_task")] == ["nobody", "nobody"]

    run(kind, main)


@pytest.mark.parametrize("kind", LOOPS)
def test_a_plain_method_keeps_its_context_to_itself(kind: str) -> None:
    """What it starts has it, too; later calls, of this connection or of another, do not."""

    async def main() -> None:
        async with Both(Contexts()) as root:
            assert await root.callRemote("set", "one") == "one"
            assert await root.callRemote("set_and_start", "two") == "two"
            with pytest.raises(likewise.Error):
                await root.callRemote("set_and_fail", "three")
            root.callRemoteOnly("set", "four")
            assert [await root.callRemote("get"), await root.callRemote("get_in_task")] == ["nobody", "nobody"]

    run(kind, main)
