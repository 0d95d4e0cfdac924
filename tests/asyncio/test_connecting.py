"""How a client gets to an address, on which port a server is for all of them, and what is said where that fails."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.asyncio.connecting import interleaved
from tests.programs import running

SECOND = "127.0.0.2"
IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is this machine on Linux alone")


class Greeter(likewise.Root):
    def remote_greet(self) -> str:
        return "hello"


async def greet(address: str, **options: Any) -> str:
    async with likewise.connect(address, **options) as connection:
        answer: str = await connection.root.callRemote("greet")
        return answer


def run(work: Callable[[], Awaitable[None]], loop: str, *addresses: str) -> None:
    """Run it where the resolver knows these addresses of every name."""

    async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
        found = (host,) if host in addresses else addresses
        return [(IPV4, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    async def bounded() -> None:
        if addresses:
            asyncio.get_running_loop().getaddrinfo = getaddrinfo  # type: ignore[method-assign]
        await asyncio.wait_for(work(), 30)

    kind: Any = pytest.importorskip("uvloop").Loop if loop == "uvloop" else asyncio.SelectorEventLoop
    with asyncio.Runner(loop_factory=type("Loop", (kind,), {})) as runner:
        runner.run(bounded())


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """An address that takes no connection and refuses none."""
    with ExitStack() as stack:
        plug = stack.enter_context(socket.socket())
        plug.bind((SECOND, port))
        plug.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((SECOND, port))
        yield


@on_linux
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_address_that_does_not_answer_keeps_nobody_from_the_next(loop: str) -> None:
    async def work() -> None:
        async with likewise.serve(Greeter(), "tcp://127.0.0.1:0") as server:
            with black_hole(server.port):
                assert await greet(f"tcp://two.example:{server.port}", timeout=10.0) == "hello"

    run(work, loop, SECOND, "127.0.0.1")


@on_linux
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_who_is_too_late_leaves_nothing_open(loop: str) -> None:
    async def work() -> None:
        async with likewise.serve(Greeter(), "tcp://127.0.0.1:0") as server:
            with black_hole(server.port):
                before = len(list(Path("/proc/self/fd").iterdir()))
                for _ in range(3):
                    assert await greet(f"tcp://two.example:{server.port}") == "hello"
                while len(list(Path("/proc/self/fd").iterdir())) > before:
                    await asyncio.sleep(0.01)
                with pytest.raises(likewise.CannotConnect, match=r"did not answer within 0\.6 s"):
                    await likewise.connect(f"tcp://{SECOND}:{server.port}", timeout=0.6)

    run(work, loop, SECOND, "127.0.0.1")


def test_families_take_turns_and_the_resolver_s_order_stands() -> None:
    found = [(IPV6, "a"), (IPV6, "b"), (IPV6, "a"), (IPV4, "c"), (IPV6, "d"), (IPV4, "e")]
    assert [address for _, address in interleaved(found)] == ["a", "c", "b", "e", "d"]
    assert interleaved([]) == []


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_neither_end_waits_to_send_little(host: str, loop: str) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(likewise.serve(Greeter(), "tcp://127.0.0.1:0"))
            connection = await stack.enter_async_context(likewise.connect(f"tcp://{host}:{server.port}"))
            assert await connection.root.callRemote("greet") == "hello"
            for end in (connection, server.connections[0]):
                assert end.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(work, loop)


@on_linux
def test_a_server_is_on_one_port_at_all_addresses_of_a_host() -> None:
    async def work() -> None:
        async with likewise.serve(Greeter(), "tcp://localhost:0") as server:
            for host in ("127.0.0.1", SECOND):
                assert await greet(f"tcp://{host}:{server.port}") == "hello"

    run(work, "asyncio", "127.0.0.1", SECOND)


@pytest.mark.parametrize("name", ["a?b", "a#b", "a?b#c", "100%", "a%20b", "a b", "a;b@c:[d"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_unix_socket_s_path_may_have_any_sign(
    loop: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spelled = name.replace("%", "%25")

    async def work() -> None:
        for address in (f"unix://{tmp_path}/{spelled}", f"unix://{spelled}"):
            async with likewise.serve(Greeter(), address) as server:
                assert [each.name for each in tmp_path.iterdir()] == [name]
                assert await greet(server.address) == await greet(address) == "hello"

    run(work, loop)


OUT_OF_DESCRIPTORS = """
import asyncio, os, resource, sys, likewise

async def main():
    address = sys.argv[1]
    try:
        await likewise.connect(address)  # whatever is loaded for it is
    except likewise.CannotConnect:
        pass
    spare = os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    os.close(spare)
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    try:
        await likewise.connect(address)
    except likewise.CannotConnect as error:
        text = str(error)
    for each in taken:
        os.close(each)
    print(text, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "unix:///nowhere/at/all"])
def test_out_of_descriptors_is_not_said_to_be_nobody_there(address: str) -> None:
    with running("-P", "-c", OUT_OF_DESCRIPTORS, address) as program:
        line = program.line()
        assert line.startswith(f"this process has no file descriptor left to reach {address}"), line
        assert "ulimit -n" in line


def test_what_keeps_us_from_an_address_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no socket")
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        port = plug.getsockname()[1]
    cases = {
        f"tcp://127.0.0.1:{port}": "nobody listens at .*: Connection refused",
        f"unix://{tmp_path}/none": "nobody listens at .*: No such file",
        f"unix://{tmp_path}/{'x' * 200}": "can't connect to .*: AF_UNIX path too long",
        f"tcp://a..b:{port}": "host's name can't be resolved",
    }

    async def work() -> None:
        for address, text in cases.items():
            with pytest.raises(likewise.CannotConnect, match=text):
                await likewise.connect(address)

    run(work, "asyncio")


FEW = """
import asyncio, resource, sys, likewise
resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))

async def main():
    limits = likewise.Limits(connections=int(sys.argv[1]))
    async with likewise.serve(likewise.Root(), sys.argv[2], limits=limits, insecure=True):
        pass
    print("closed", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "connections, address, lines",
    [
        (10_000, "tcp://0.0.0.0:0", 1),
        (10_000, "tcp://127.0.0.1:0", 0),  # nobody set that number, and nobody comes from elsewhere: a note
        (9_999, "tcp://127.0.0.1:0", 1),
        (490, "unix://pond.sock", 1),
        (436, "tcp://0.0.0.0:0", 0),
        (100, "unix://pond.sock", 0),
    ],
)
def test_a_server_says_where_its_process_has_fewer_descriptors_than_it_may_have_connections(
    connections: int, address: str, lines: int, tmp_path: Path
) -> None:
    with running("-P", "-c", FEW, str(connections), address, cwd=tmp_path) as program:
        assert program.line() == "closed"
        _, _, errors = program.end()
    assert errors.count("\n") == lines, errors
    if lines:
        assert f"limits.connections is {connections}, but this process may have 500 files open" in errors
        assert f"ulimit -n {connections + 64}" in errors and "Limits(connections=436)" in errors
