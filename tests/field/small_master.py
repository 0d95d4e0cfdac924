"""
A build master of one page on likewise.spread: whoever logs in as ``bot`` with ``sesame`` is a worker.

It asks the worker for its info, gives it one builder, has that run commands, and prints what it hears as JSON lines.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.cred import checkers, portal
from twisted.internet import defer, reactor
from zope.interface import implementer

from likewise.spread import pb

COMMANDS: list[tuple[str, dict[str, Any]]] = [
    (
        "shell",
        {
            "command": [sys.executable, "-uc", "import sys, time\nfor i in range(3):\n print('line', i); time.sleep(0.1)"],
            "workdir": "build",
            "logEnviron": False,
        },
    ),
    ("shell", {"command": ["sh", "-c", "echo to-stderr >&2; exit 3"], "workdir": "build", "logEnviron": False}),
    ("mkdir", {"dir": "made"}),
    ("no-such-command", {}),
]


def say(what: str, value: Any = None) -> None:
    print(json.dumps([what, value], default=repr), flush=True)


class Command(pb.Referenceable):
    """What a worker tells about one running command."""

    def __init__(self) -> None:
        self.heard: dict[str, Any] = {}
        self.done: defer.Deferred[Any] = defer.Deferred()

    def remote_update(self, updates: list[Any]) -> int:
        for update, _ in updates:
            for key, value in update.items():
                self.heard[key] = self.heard[key] + value if isinstance(value, str) and key in self.heard else value
        return 0

    def remote_complete(self, failure: Any = None) -> None:
        self.done.callback(failure)


class Master(pb.Referenceable):
    def remote_print(self, message: str) -> None:
        say("print", message)


class Worker(pb.Avatar):
    """A worker that has logged in."""

    def __init__(self, mind: Any) -> None:
        self.mind = mind

    def perspective_keepalive(self) -> None:
        pass

    def perspective_shutdown(self) -> None:
        say("shutdown requested")

    async def work(self) -> None:
        await self.mind.callRemote("print", "hello worker")
        info = await self.mind.callRemote("getWorkerInfo")
        say("info", {"commands": sorted(info["worker_commands"]), "admin": info["admin"], "version": info["version"]})
        builders = await self.mind.callRemote("setBuilderList", [("small", "small")])
        builder = builders["small"]
        await builder.callRemote("setMaster", Master())
        await builder.callRemote("startBuild")
        for number, (name, arguments) in enumerate(COMMANDS):
            command = Command()
            try:
                await builder.callRemote("startCommand", command, str(number), name, arguments)
                failure = await command.done
                say(name, {"heard": command.heard, "failure": failure and failure.getErrorMessage()})
            except pb.RemoteError as error:
                say(name, {"error": error.remoteType.decode(), "text": str(error)})
        try:
            await self.mind.callRemote("noSuchThing")
        except pb.RemoteError as error:
            say("no such", error.remoteType.decode())
        reactor.callLater(0.2, reactor.stop)


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        assert pb.IPerspective in interfaces
        mind.broker.transport.setTcpKeepAlive(1)
        say("login", [avatarId.decode(), mind.broker.transport.getPeer().host])
        worker = Worker(mind)
        working = defer.ensureDeferred(worker.work())
        working.addErrback(lambda failure: (say("failed", failure.getTraceback()), reactor.stop()))
        return pb.IPerspective, worker, lambda: say("logout")


def main() -> None:
    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(bot=b"sesame")
    port = reactor.listenTCP(0, pb.PBServerFactory(portal.Portal(Realm(), [users])), interface="127.0.0.1")
    reactor.callWhenRunning(lambda: say("listening", port.getHost().port))
    reactor.run()


if __name__ == "__main__":
    main()
