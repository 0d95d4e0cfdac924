"""pb.Copyable, the receiver. It runs until the remote `shutdown` or Ctrl-C."""

import argparse

from copy_sender import CopyPond, LilyPond
from twisted.internet import reactor
from twisted.spread import pb


class ReceiverPond(pb.RemoteCopy, LilyPond):
    pass


pb.setUnjellyableForClass(CopyPond, ReceiverPond)


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        print(" got pond:", pond, flush=True)
        pond.countFrogs()
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
