"""Two Brokers of likewise.spread joined in memory, for tests: nothing moves until it is carried, or at once."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet import defer, main
from twisted.python import log
from twisted.python.failure import Failure

from likewise.spread import pb


class Wire:
    """A transport. What is written waits in ``written``, or with ``other`` set goes there at once."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.other: Any = None
        self.is_losing = False
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        if self.is_losing:
            return
        if self.other is not None:
            self.other.dataReceived(data)
        else:
            self.written.append(data)

    def loseConnection(self) -> None:
        self.is_losing = True

    def registerProducer(self, producer: Any, streaming: Any) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None


class Pair:
    """A client and a server that have greeted each other. ``root`` is the client's reference to what is served."""

    def __init__(self, served: Any, *, server: Any = None, client: Any = None, at_once: bool = False) -> None:
        self.server_factory = server or pb.PBServerFactory(served)
        self.client_factory = client or pb.PBClientFactory()
        self.client: pb.Broker = self.client_factory.buildProtocol(None)
        self.server: pb.Broker = self.server_factory.buildProtocol(None)
        self.ends = [self.client, self.server]
        for end in self.ends:
            end.makeConnection(Wire())  # type: ignore[arg-type]
        self.carry()
        if at_once:
            self.client.transport.other, self.server.transport.other = self.server, self.client

    @property
    def root(self) -> Any:
        return self.client.remoteForName("root")

    def carry(self) -> None:
        """Deliver until nothing is under way."""
        moved = True
        while moved:
            moved = False
            for sender, receiver in (self.ends, self.ends[::-1]):
                if sender.transport.producer is not None:
                    sender.transport.producer.resumeProducing()
                    moved = True
                written, sender.transport.written = b"".join(sender.transport.written), []
                if written:
                    moved = True
                    receiver.dataReceived(written)

    def ask(self, method: str, *args: Any, **kw: Any) -> Any:
        """Call a method of the root: its answer, or its Failure."""
        return self.result(self.root.callRemote(method, *args, **kw))

    def result(self, answer: defer.Deferred[Any]) -> Any:
        """What a Deferred ends in."""
        got: list[Any] = []
        answer.addBoth(got.append)
        self.carry()
        assert got, "no answer"
        return got.pop()

    def collect(self) -> None:
        gc.collect()
        self.carry()

    def lose(self) -> None:
        for end in self.ends:
            if not end.disconnected:
                end.connectionLost(Failure(main.CONNECTION_DONE))


class Logged:
    """What is logged within a ``with`` block: ``errors`` are Failures, ``lines`` texts."""

    def __init__(self) -> None:
        self.errors: list[Failure] = []
        self.lines: list[str] = []

    def _see(self, event: Any) -> None:
        if event.get("isError") and "failure" in event:
            self.errors.append(event["failure"])
        else:
            self.lines.append(log.textFromEventDict(event) or "")

    def __enter__(self) -> Logged:
        log.addObserver(self._see)
        return self

    def __exit__(self, *_: Any) -> None:
        log.removeObserver(self._see)

    def types(self) -> list[str]:
        """The names of the classes of what was logged, without their modules."""
        kinds: list[Any] = [each.type for each in self.errors]
        return [kind.decode().rpartition(".")[2] if isinstance(kind, bytes) else kind.__name__ for kind in kinds]
