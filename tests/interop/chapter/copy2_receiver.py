"""pb.Copyable with a state of its own making, the receiver. It runs until the remote `shutdown` or Ctrl-C."""
# ruff: noqa: UP031  its lines are the chapter's

import argparse

import copy2_classes  # noqa: F401  needed to get ReceiverPond registered with Jelly
from twisted.internet import reactor
from twisted.spread import pb


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        print(" got pond:", pond, flush=True)
        print(" count %d" % pond.count(), flush=True)
        return "safe and sound"  # positive acknowledgement

    def remote_shutdown(self):
        # in the turn after next: the answer has left by then
        reactor.callLater(0, reactor.callLater, 0, reactor.stop)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    port = reactor.listenTCP(parser.parse_args().port, pb.PBServerFactory(Receiver()), interface="127.0.0.1")
    reactor.callWhenRunning(lambda: print("listening on", port.getHost().port, flush=True))
    reactor.run()


if __name__ == "__main__":
    main()
