"""
As ``target.py``, by ``likewise.spread``: ``target_spread.py [ROOTPORT [PORTALPORT [LOGFILE]]]``, on 127.0.0.1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.cred import checkers
from twisted.cred import portal as cred
from twisted.internet import defer, endpoints, reactor, task
from twisted.python import log, logfile
from zope.interface import implementer

from likewise.spread import pb

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.hostile import classes, foreign, objects, own_forms, rich


class Broker(pb.Broker):
    """One for strangers, which tells why it ended."""

    limits = objects.LIMITS

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        peer = self.transport.getPeer()
        objects.note_the_end(f"{peer.host}:{peer.port}", self.core.reason)


class Factory(pb.PBServerFactory):
    protocol = Broker


class FewBroker(Broker):
    limits = objects.FEW


class FewFactory(Factory):
    protocol = FewBroker


class Another:
    """Further ports of the same root."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.ports: list[Any] = []

    async def open(self, address: str) -> int:
        scheme, _, place = address.partition("://")
        if scheme == "unix":
            self.ports.append(reactor.listenUNIX(place, FewFactory(self.root)))  # type: ignore[attr-defined]
            return 0
        port = reactor.listenTCP(0, FewFactory(self.root), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.ports.append(port)
        return int(port.getHost().port)

    async def close(self) -> None:
        await defer.maybeDeferred(self.ports.pop(0).stopListening)


@implementer(cred.IRealm)
class Realm:
    def __init__(self, avatar: Any) -> None:
        self.avatar = avatar

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        avatar = self.avatar()
        return pb.IPerspective, avatar, avatar.logout


def main() -> None:
    ports = [int(text) for text in sys.argv[1:3]]
    root_port, portal_port = (ports + [0, 0])[:2]
    if len(sys.argv) > 3:
        log.startLogging(logfile.LogFile.fromFullPath(sys.argv[3], rotateLength=None), setStdout=False)
    objects.raise_open_files()
    made = objects.make(pb, lambda seconds: task.deferLater(reactor, seconds))
    root = made.Root()
    own_forms.add(root, pb)
    root.another = Another(root)
    classes.add(pb)
    rich.add(pb)
    foreign.add()
    door = cred.Portal(Realm(made.Avatar), [checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")])
    listening = [
        endpoints.TCP4ServerEndpoint(reactor, port, interface="127.0.0.1").listen(Factory(each))
        for port, each in ((root_port, root), (portal_port, door))
    ]

    def ready(found: Any) -> None:
        first, second = (each.getHost().port for _, each in found)
        print(f"READY {first} {second} {os.getpid()}", flush=True)
        objects.begin_to_watch(root)

    defer.DeferredList(listening).addCallback(ready)
    reactor.run()


if __name__ == "__main__":
    main()
