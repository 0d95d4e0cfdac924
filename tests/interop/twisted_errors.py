"""
A real Twisted client that has a server fail, and tells what it sees: ``python twisted_errors.py PORT METHOD NAME...``.

For each name it prints a line of JSON: type, text and base classes of the Failure, and whether it was asked by name
rightly. ``relay...`` as METHOD: the server calls back to an object here, which raises Twisted's own errors.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet import defer, endpoints, reactor, task
from twisted.spread import pb


class Behind(pb.Referenceable):
    def remote_fail(self, name: str) -> None:
        raise {"error": pb.Error, "key": KeyError}[name](name)


@defer.inlineCallbacks
def run(_: Any, port: str, method: str, *names: str) -> Any:
    factory = pb.PBClientFactory()
    endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)).connect(factory)
    root = yield factory.getRootObject()
    for name in names:
        args = (Behind(), name) if method.startswith("relay") else (name,)
        try:
            yield root.callRemote(method, *args).addErrback(tell)
        except Exception as error:
            print(json.dumps({"lost": repr(error)}), flush=True)
    factory.disconnect()


def tell(failed: Any) -> None:
    assert isinstance(failed, pb.CopiedFailure), failed
    kind = failed.type.decode() if isinstance(failed.type, bytes) else failed.type
    seen = {"type": kind, "text": failed.value, "parents": failed.parents, "found": failed.check(kind) == kind}
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    task.react(run, sys.argv[1:])
