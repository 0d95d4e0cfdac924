"""The end of a message does not wait for an acknowledgement of what was sent before it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import socket
from twisted.internet import reactor
from likewise.spread import pb

brokers = []
server = pb.PBServerFactory(pb.Root())
server.clientConnectionMade = brokers.append
port = reactor.listenTCP(0, server, interface="127.0.0.1")
client = pb.PBClientFactory()
reactor.connectTCP("127.0.0.1", port.getHost().port, client)

def asked(root):
    return root.callRemote("nothing").addErrback(lambda _: connected(root))

def connected(root):
    for broker in (root.broker, *brokers):
        print(bool(broker.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))

client.getRootObject().addCallback(asked).addErrback(print).addBoth(lambda _: reactor.stop())
reactor.callLater(20, reactor.stop)
reactor.run()
"""


def test_both_ends_send_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["True", "True"], ran
