"""The account of a factory's connections, where the clock matters; ``test_flow.py`` has it over sockets."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import task
from twisted.internet.interfaces import ISystemHandle
from zope.interface import implementer

import likewise
from likewise.spread import factory_account, pb
from tests.programs import environment
from tests.sexp import encode
from tests.spread.ends import Wire


@implementer(ISystemHandle)
class Plug(Wire):
    """A transport that says it is a socket."""

    def getHandle(self) -> None:
        return None

    def getPeer(self) -> Any:
        return type("Address", (), {"host": "192.0.2.1"})

    def abortConnection(self) -> None:
        self.is_losing = True


class Broker(pb.Broker):
    limits = likewise.Limits(message_seconds=80.0, idle_seconds=8_000.0, handshake_seconds=20.0)


class Factory(pb.PBServerFactory):
    protocol = Broker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> task.Clock:
    clock = task.Clock()
    clock.advance(1_000)
    monkeypatch.setattr(factory_account, "the_reactor", lambda: clock)
    return clock


def connected(factory: Factory) -> Any:
    broker = factory.buildProtocol(None)
    broker.makeConnection(Plug())
    broker.dataReceived(encode(b"pb", "none"))
    return broker


def test_a_message_is_not_late_because_nobody_looked(clock: task.Clock) -> None:
    factory = Factory(pb.Root())
    broker = connected(factory)
    clock.advance(5_000)
    broker.dataReceived(b"\x07\x80")
    for _ in range(7):
        clock.advance(10)
        broker.dataReceived(b"\x00")
        assert not broker.transport.is_losing
    clock.advance(20)
    broker.dataReceived(b"\x00")
    assert broker.transport.is_losing and broker.core.reason.limit == "message_seconds"


def test_who_is_silent_is_noticed_when_another_speaks(clock: task.Clock) -> None:
    factory = Factory(pb.Root())
    silent, busy = factory.buildProtocol(None), connected(factory)
    silent.makeConnection(Plug())
    clock.advance(15)
    busy.dataReceived(encode([b"decref", 1]))
    assert not silent.transport.is_losing
    clock.advance(15)
    busy.dataReceived(encode([b"decref", 1]))
    assert silent.transport.is_losing and not busy.transport.is_losing
    clock.advance(8_010)
    connected(factory)
    assert busy.transport.is_losing and busy.core.reason.limit == "idle_seconds"


def test_lines_that_were_not_logged_are_told_of_later(clock: task.Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(factory_account.log, "msg", told.append)
    account = factory_account.FactoryAccount(likewise.Limits(log_lines=2))
    assert [account.may_log("floods") for _ in range(4)] == [True, True, False, False]
    clock.advance(10)
    assert account.may_log("floods")
    assert told == ["not logged, over limits.log_lines in 10 s: 2 floods"]


TRIAL = """
    from twisted.internet import reactor
    from twisted.trial import unittest
    from likewise.spread import pb

    class Root(pb.Root):
        def remote_echo(self, x):
            return x

        def remote_fail(self):
            raise ValueError("for the log")

    class Tests(unittest.TestCase):
        def setUp(self):
            self.port = reactor.listenTCP(0, pb.PBServerFactory(Root()), interface="127.0.0.1")
            self.addCleanup(self.port.stopListening)
            self.factory = pb.PBClientFactory()
            reactor.connectTCP("127.0.0.1", self.port.getHost().port, self.factory)

        async def test_a(self):
            root = await self.factory.getRootObject()
            self.assertEqual(await root.callRemote("echo", b"x" * 600_000), b"x" * 600_000)
            try:
                await root.callRemote("fail")
            except pb.RemoteError:
                pass
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

        test_b = test_a

        @classmethod
        def tearDownClass(cls):
            pass
"""


def test_trial_finds_no_timer_left_where_twisted_leaves_none(tmp_path: Path) -> None:
    """The tests of an application that ends its connections when all are done; Twisted's PB passes the same."""
    for package in ("likewise.spread", "twisted.spread"):
        text = textwrap.dedent(TRIAL).replace("likewise.spread", package)
        (tmp_path / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "twisted.trial", "test_it"]
        ran = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
        assert "DelayedCall" not in ran.stdout, ran.stdout
        assert "test_a ...                                                             [OK]" in ran.stdout, ran.stdout
