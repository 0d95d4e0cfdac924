"""A peer that vanishes without a word is found out by TCP's keep-alive, at both ends, with TLS or without."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("twisted")

from tests.programs import ROOT, environment
from tests.tls import certificates

OPTIONS = """
import socket, sys
import likewise
from twisted.internet import reactor
from likewise.spread import pb

class Broker(pb.Broker):
    limits = likewise.Limits(keepalive_seconds=float(sys.argv[2]))

brokers = []
server = pb.PBServerFactory(pb.Root())
client = pb.PBClientFactory()
server.protocol = client.protocol = Broker
server.clientConnectionMade = brokers.append
if sys.argv[1] == "tls":
    from twisted.internet import ssl
    context = ssl.DefaultOpenSSLContextFactory(sys.argv[4], sys.argv[3])
    port = reactor.listenSSL(0, server, context, interface="127.0.0.1")
    reactor.connectSSL("127.0.0.1", port.getHost().port, client, ssl.ClientContextFactory())
elif sys.argv[1] == "unix":
    reactor.listenUNIX(sys.argv[3], server)
    reactor.connectUNIX(sys.argv[3], client)
else:
    port = reactor.listenTCP(0, server, interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, client)

def connected(root):
    for broker in (root.broker, *brokers):
        plug = broker.transport.socket
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        is_tcp = plug.family != socket.AF_UNIX
        tcp = [plug.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names if is_tcp]
        print(bool(plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), *tcp)

def asked(root):
    return root.callRemote("nothing").addErrback(lambda _: connected(root))

client.getRootObject().addCallback(asked).addErrback(print).addBoth(lambda _: reactor.stop())
reactor.callLater(20, reactor.stop)
reactor.run()
"""

VANISHED = """
import fcntl, socket, struct
import likewise
from twisted.internet import reactor
from likewise.spread import pb

def loopback(is_up):
    # SIOCSIFFLAGS, with IFF_LOOPBACK and, perhaps, IFF_UP | IFF_RUNNING: packets are dropped, nobody is told
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 8 | (0x41 if is_up else 0)))

def lost():
    print("found", flush=True)
    reactor.stop()

class Broker(pb.Broker):
    limits = likewise.Limits(keepalive_seconds=2.0)

class Factory(pb.PBServerFactory):
    protocol = Broker
    def clientConnectionMade(self, broker):
        broker.notifyOnDisconnect(lost)
        reactor.callLater(0.2, loopback, False)

loopback(True)
port = reactor.listenTCP(0, Factory(pb.Root()), interface="127.0.0.1")
reactor.connectTCP("127.0.0.1", port.getHost().port, pb.PBClientFactory())
reactor.callLater(20, reactor.stop)
reactor.run()
"""


def options(kind: str, seconds: float, *files: str) -> list[str]:
    command = [sys.executable, "-P", "-c", OPTIONS, kind, str(seconds), *files]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env=environment())
    assert ran.returncode == 0, ran
    return ran.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="the options of Linux")
@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_both_ends_have_tcp_look_for_a_peer_that_says_nothing(kind: str) -> None:
    if kind == "tls":
        pytest.importorskip("OpenSSL")
    made = certificates.server()
    files = [str(made.certificate), str(made.key)]
    assert options(kind, 60.0, *files) == ["True 30 6 5 0"] * 2
    assert options(kind, float("inf"), *files) == ["True 16383 3276 5 0"] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="the options of Linux")
def test_a_unix_socket_needs_none(tmp_path: Path) -> None:
    assert options("unix", 60.0, f"{tmp_path}/s") == ["False"] * 2


def test_a_peer_that_vanished_is_found_out() -> None:
    unshare = shutil.which("unshare")
    inside = [str(unshare), "--user", "--map-root-user", "--net"]
    if not sys.platform.startswith("linux") or unshare is None or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("no network of its own can be had here")
    command = [*inside, sys.executable, "-P", "-c", VANISHED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment())
    assert ended.stdout == "found\n", ended.stdout + ended.stderr
