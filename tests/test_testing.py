"""Two ends in memory: nothing moves until it is told to, and then just so much."""

import pytest

import likewise
from likewise.testing import Pair, Result
from likewise.wire.tokens import NONE, PB


class Service(likewise.Root):
    def __init__(self) -> None:
        self.held = Result()
        self.heard: list[object] = []

    def remote_echo(self, value: object) -> object:
        return value

    def remote_note(self, value: object) -> None:
        self.heard.append(value)

    def remote_hold(self) -> Result:
        return self.held

    def remote_fail(self) -> None:
        raise ValueError("as asked")

    async def remote_ask_back(self, other: likewise.RemoteReference) -> object:
        return await other.callRemote("echo", 1) + await other.callRemote("echo", 2)

    async def remote_ask_in_vain(self, other: likewise.RemoteReference) -> object:
        return await other.callRemote("fail")

    async def remote_wait_for_the_world(self) -> None:
        class Other:
            def __await__(self):
                yield self

        await Other()

    async def remote_be_quick(self) -> str:
        return "quick"


def test_a_call_settles_when_the_bytes_have_moved() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("echo", [1, "two"])
    assert not result.is_settled and repr(result) == "<Result, waiting>"
    pair.deliver(pair.server)
    assert not result.is_settled
    pair.deliver(pair.client)
    assert result.is_settled and result.value == [1, "two"] and result.error is None
    assert repr(result) == "<Result, [1, 'two']>"


def test_both_ends_may_have_a_root() -> None:
    pair = Pair(Service(), Service())
    results = [pair.client.root.callRemote("echo", 1), pair.server.root.callRemote("echo", 2)]
    pair.run()
    assert [result.value for result in results] == [1, 2]


def test_bytes_are_delivered_in_the_pieces_asked_for() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("echo", "x" * 50)
    moved = 0
    while not result.is_settled:
        moved += pair.deliver(pair.server, 3)
        moved += pair.deliver(pair.client, 5)
    assert result.value == "x" * 50
    assert moved > 100
    again = pair.client.root.callRemote("echo", "y")
    pair.run([1, 2, 3])
    assert again.value == "y"


@pytest.mark.parametrize("sizes", [0, -1, [], [1, 0]])
def test_pieces_of_no_size_are_refused(sizes: object) -> None:
    with pytest.raises(ValueError, match="numbers from 1"):
        Pair(Service()).run(sizes)  # type: ignore[arg-type]


def test_a_pair_may_be_watched_while_it_greets() -> None:
    pair = Pair(Service(), greet=False)
    assert not pair.client.is_open
    with pytest.raises(likewise.LocalProtocolError, match="no dialect is agreed"):
        pair.client.root.callRemote("echo", 1)
    pair.deliver(pair.client)
    assert pair.client.is_open and not pair.server.is_open
    pair.run(1)
    assert pair.server.is_open and pair.server.peer == "client"


@pytest.mark.parametrize("dialect", [PB, NONE])
def test_a_pair_speaks_the_dialect_that_it_is_given(dialect) -> None:
    pair = Pair(Service(), dialects=(dialect,))
    result = pair.client.root.callRemote("echo", ["None", 1.5])
    pair.run()
    assert result.value == ["None", 1.5]
    assert pair.client.broker.dialect is dialect
    assert Pair(client_dialects=(PB,)).server.broker.dialect is PB


def test_an_answer_may_wait_until_the_test_gives_it() -> None:
    service = Service()
    pair = Pair(service)
    result = pair.client.root.callRemote("hold")
    pair.run()
    assert not result.is_settled and len(pair.server.waiting) == 1
    service.held.settle("now")
    pair.run()
    assert result.value == "now" and pair.server.waiting == []


def test_an_answer_that_waited_may_be_an_error() -> None:
    service = Service()
    pair = Pair(service)
    result = pair.client.root.callRemote("hold")
    pair.run()
    service.held.reject(likewise.Error("no"))
    pair.run()
    assert isinstance(result.error, likewise.Error) and "Error" in repr(result)


def test_an_async_method_may_await_results() -> None:
    pair = Pair(Service(), Service())
    mine = Service()
    asked = pair.client.root.callRemote("ask_back", mine)
    in_vain = pair.client.root.callRemote("ask_in_vain", mine)
    quick = pair.client.root.callRemote("be_quick")
    pair.run()
    assert asked.value == 3
    assert isinstance(in_vain.error, likewise.RemoteError)
    assert quick.value == "quick"


def test_an_async_method_that_awaits_anything_else_is_told() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("wait_for_the_world")
    pair.run()
    assert isinstance(result.error, likewise.RemoteError)
    assert "there is no event loop here" in result.error.text


def test_failures_of_methods_are_kept_for_the_test() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("fail")
    unsendable = pair.client.root.callRemote("echo", 1)
    pair.server.broker.tables.exported[b"root"].target.remote_echo = lambda value: object()
    pair.run()
    assert isinstance(result.error, likewise.RemoteError)
    assert isinstance(unsendable.error, likewise.InsecureJelly)
    assert [name for name, _ in pair.server.failures] == ["fail", "echo"]
    assert isinstance(pair.server.failures[0][1], ValueError)


def test_a_cancelled_result_is_never_settled() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("echo", 1)
    result.when_settled(lambda result: pytest.fail("it was cancelled"))
    result.cancel()
    pair.run()
    assert not result.is_settled and repr(result) == "<Result, cancelled>"
    assert pair.client.broker.unanswered == 0


def test_a_result_settles_once() -> None:
    result = Result()
    heard: list[object] = []
    result.when_settled(lambda result: heard.append(result.value))
    result.settle(1)
    result.settle(2)
    result.reject(ValueError())
    result.when_settled(lambda result: heard.append(result.value))
    assert heard == [1, 1] and result.error is None


def test_cutting_loses_what_is_under_way() -> None:
    service = Service()
    pair = Pair(service)
    gone: list[object] = []
    pair.client.notifyOnDisconnect(gone.append)
    pair.client.notifyOnDisconnect(print)
    pair.client.dontNotifyOnDisconnect(print)
    result = pair.client.root.callRemote("note", "lost")
    pair.flush()
    why = OSError("the cable")
    pair.cut(why)
    assert isinstance(result.error, likewise.ConnectionClosed) and result.error.__cause__ is why
    assert gone == [pair.client] and pair.client.reason is why is pair.server.reason
    assert not pair.server.is_open and service.heard == []
    assert pair.run() == 0
    pair.cut()
    assert pair.client.reason is why, "it ends once"
    with pytest.raises(likewise.ConnectionClosed):
        pair.client.root.callRemote("note", "late")


def test_closing_delivers_what_is_under_way() -> None:
    service = Service()
    pair = Pair(service)
    pair.client.root.callRemoteOnly("note", "in time")
    pair.close()
    assert service.heard == ["in time"]
    assert pair.client.reason is None and not pair.client.is_open


def test_breaking_the_protocol_ends_both_ends() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("echo", 1)
    pair.flush()
    pair.server.incoming += b"\x01\xff"
    pair.run(2)
    assert result.value == 1, "what was answered before still goes out"
    assert isinstance(pair.server.reason, likewise.RemoteProtocolError)
    assert pair.client.reason is None and not pair.client.is_open


def test_each_end_may_have_its_own_registry_and_limits() -> None:
    few, more = likewise.Limits(depth=50), likewise.Limits(depth=60)
    pair = Pair(Service(), accept=[], client_accept=[], limits=few, client_limits=more)
    assert pair.server.broker.incoming.registry is not pair.client.broker.incoming.registry
    assert (pair.server.broker.limits.depth, pair.client.broker.limits.depth) == (50, 60)


def test_collecting_lets_go_of_what_nobody_holds() -> None:
    pair = Pair(Service())
    result = pair.client.root.callRemote("echo", [Service()])
    pair.run()
    assert type(result.value[0]) is Service, "sent home, it is the original"
    assert pair.server.is_clean or pair.collect() > 0
    pair.collect()
    assert pair.server.is_clean and pair.client.is_clean
