"""What the connections of one endpoint may do together."""

import asyncio
from typing import Any

import pytest

import likewise
from likewise.asyncio.endpoint_account import EndpointAccount
from likewise.limits import MIB, Limits
from likewise.serving.account import NOTICED_BYTES, noticed


class Somebody:
    """Stands where a connection does: the account only asks who it is."""


def test_connections_are_counted_for_each_address() -> None:
    account = EndpointAccount(Limits(connections_per_address=2))
    assert account.admit("10.0.0.1", 0) is None
    assert account.admit("10.0.0.1", 1) is None
    refused = account.admit("10.0.0.1", 2)
    assert refused is not None and (refused.limit, refused.value, refused.ceiling) == ("connections_per_address", 3, 2)
    assert account.admit("10.0.0.2", 2) is None
    account.leave(Somebody(), "10.0.0.1")  # type: ignore[arg-type]
    assert account.admit("10.0.0.1", 2) is None


def test_where_nobody_knows_who_it_is_nothing_is_counted() -> None:
    account = EndpointAccount(Limits(connections_per_address=1))
    assert [account.admit("", each) for each in range(5)] == [None] * 5


def test_connections_that_have_not_greeted_are_counted_apart() -> None:
    account = EndpointAccount(Limits(handshakes=1))
    assert account.admit("10.0.0.1", 0) is None
    refused = account.admit("10.0.0.2", 1)
    assert refused is not None and refused.limit == "handshakes"
    account.greeted()
    assert account.admit("10.0.0.2", 1) is None


def test_all_connections_have_a_ceiling() -> None:
    refused = EndpointAccount(Limits(connections=3)).admit("10.0.0.1", 3)
    assert refused is not None and refused.limit == "connections"


def test_who_keeps_a_large_message_unfinished_for_longest_goes_first() -> None:
    account = EndpointAccount(Limits(held_bytes=2 * MIB, frame_bytes=MIB))
    first, second, third = Somebody(), Somebody(), Somebody()
    hold: Any = account.unfinished.hold
    assert hold(first, MIB) is None
    assert hold(second, MIB) is None
    assert hold(third, account.unfinished.noticed) is None  # too little to be looked at
    assert hold(third, MIB) is first
    assert hold(third, MIB) is None  # the first is forgotten at once
    assert hold(second, 0) is None
    assert hold(first, MIB) is None


def test_one_message_alone_is_not_refused_for_what_all_hold() -> None:
    account: Any = EndpointAccount(Limits(held_bytes=MIB, frame_bytes=8 * MIB))
    assert account.unfinished.hold(Somebody(), 8 * MIB) is None


def test_a_thousand_that_hold_too_little_to_be_looked_at_hold_no_more_than_all_may() -> None:
    for ceiling in (1, MIB, 6 * MIB, 512 * MIB, 8_192 * MIB):
        assert 4_096 <= noticed(ceiling) <= NOTICED_BYTES
        assert noticed(ceiling) * 1_000 <= max(ceiling, 4_096_000)


class Silent:
    """A newcomer that says nothing."""

    def __init__(self, account: EndpointAccount, address: str) -> None:
        self.account, self.address, self.made_way = account, address, ""
        self.refused = account.let_in(self, address, set())

    def make_way(self, reason: likewise.LimitExceeded) -> None:
        self.made_way = reason.limit
        self.account.greeted_by(self)
        self.account.leave(None, self.address)


@pytest.mark.parametrize(("limit", "elsewhere"), [("connections_per_address", False), ("handshakes", True)])
def test_the_oldest_that_says_nothing_makes_way(limit: str, elsewhere: bool) -> None:
    account = EndpointAccount(Limits(**{limit: 2}))  # type: ignore[arg-type]
    other = Silent(account, "10.0.0.2") if elsewhere else None
    first = Silent(account, "10.0.0.1")
    second = Silent(account, "10.0.0.1")
    third = Silent(account, "10.0.0.1")
    oldest = other or first
    assert third.refused is None and not second.made_way
    assert oldest.made_way == limit
    for each in (first, second, third):
        account.greeted_by(each)  # those that have agreed on a dialect stay
    fourth = Silent(account, "10.0.0.1")
    if elsewhere:
        assert fourth.refused is None
    else:
        assert fourth.refused is not None and fourth.refused.limit == limit


def test_who_says_nothing_keeps_nobody_out() -> None:
    async def main() -> None:
        limits = Limits(connections_per_address=3, handshakes=2)
        serving = likewise.serve(likewise.Root(), "tcp://127.0.0.1:0", limits=limits)
        async with serving as server, likewise.connect(server.address) as honest:
            silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
            async with likewise.connect(server.address) as another:
                assert another.is_open and honest.is_open
            ended = [reader.read() for reader, _ in silent[:18]]  # all but the last two have made way
            await asyncio.gather(*ended, return_exceptions=True)
            for _, writer in silent:
                writer.close()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_one_connection_too_many_from_an_address_is_closed_and_the_others_go_on() -> None:
    async def main() -> None:
        limits = Limits(connections_per_address=2)
        async with likewise.serve(likewise.Root(), "tcp://127.0.0.1:0", limits=limits) as server:
            one = await likewise.connect(server.address)
            two = await likewise.connect(server.address)
            with pytest.raises(likewise.CannotConnect):
                await likewise.connect(server.address)
            assert one.is_open and two.is_open
            await one.close()
            while len(server.connections) > 1:
                await asyncio.sleep(0)
            async with likewise.connect(server.address) as three:
                assert three.is_open
            await two.close()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_who_leaves_calls_running_behind_may_not_come_back_for_more() -> None:
    account = EndpointAccount(Limits(running_calls=2))
    account.orphaned("10.0.0.1", 19)
    assert account.admit("10.0.0.1", 0) is None
    account.orphaned("10.0.0.1", 1)
    refused = account.admit("10.0.0.1", 0)
    assert refused is not None and refused.limit == "running_calls"
    assert account.admit("10.0.0.2", 0) is None
    account.orphaned("10.0.0.1", -1)
    assert account.admit("10.0.0.1", 1) is None


def test_calls_that_outlive_their_connections_are_counted_until_they_end() -> None:
    class Sleeper(likewise.Root):
        def __init__(self) -> None:
            self.wake = asyncio.Event()
            self.asleep = 0

        async def remote_sleep(self) -> None:
            self.asleep += 1
            await self.wake.wait()
            self.asleep -= 1

    async def main() -> None:
        root = Sleeper()
        async with likewise.serve(root, "tcp://127.0.0.1:0", limits=Limits(running_calls=2)) as server:
            for asleep in range(1, 21):  # one each: at two a connection would not be read, and its end not be seen
                connection = await likewise.connect(server.address)
                call = connection.root.callRemote("sleep")
                while root.asleep < asleep:
                    await asyncio.sleep(0)
                connection.abort()
                await asyncio.gather(call, return_exceptions=True)
            while server.connections:
                await asyncio.sleep(0)
            with pytest.raises(likewise.CannotConnect):
                await likewise.connect(server.address)
            root.wake.set()
            while root.asleep:
                await asyncio.sleep(0)
            async with likewise.connect(server.address) as again:
                assert again.is_open

    asyncio.run(asyncio.wait_for(main(), 20))
