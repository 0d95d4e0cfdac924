"""pb.Cacheable, the receiver. It runs until the remote `shutdown` or Ctrl-C."""
# ruff: noqa: UP031  its lines are the chapter's

import argparse

import cache_classes  # noqa: F401  needed to get SlaveDuckPond registered with Jelly
from twisted.internet import reactor
from twisted.spread import pb


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        self.pond = pond
        print("got pond:", pond, flush=True)  # a DuckPondCache
        self.remote_checkDucks()

    def remote_checkDucks(self):
        print("[%d] ducks: " % self.pond.count(), self.pond.getDucks(), flush=True)

    def remote_ignorePond(self):
        # stop watching the pond
        print("dropping pond", flush=True)
        # gc causes __del__ causes 'decache' msg causes stoppedObserving
        self.pond = None

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
