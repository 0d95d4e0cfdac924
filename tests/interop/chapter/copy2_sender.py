"""pb.Copyable with a state of its own making, the sender."""
# ruff: noqa: UP031  its lines are the chapter's

import argparse

from copy2_classes import SenderPond
from twisted.internet import reactor
from twisted.python import log
from twisted.spread import jelly, pb


class Sender:
    def __init__(self, pond):
        self.pond = pond

    def got_obj(self, obj):
        d = obj.callRemote("takePond", self.pond)
        d.addCallback(self.ok).addErrback(self.notOk)

    def ok(self, response):
        print("pond arrived", response, flush=True)
        reactor.stop()

    def notOk(self, failure):
        print("error during takePond:", flush=True)
        # Python 3: a failure of the peer's carries the name of its type as bytes
        if failure.check(jelly.InsecureJelly):
            print(" InsecureJelly", flush=True)
        else:
            print(failure, flush=True)
        reactor.stop()
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    port = parser.parse_args().port

    pond = SenderPond(3, 4)
    print("count %d" % pond.count(), flush=True)

    sender = Sender(pond)
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)
    deferred = factory.getRootObject()
    deferred.addCallback(sender.got_obj)
    deferred.addErrback(log.err)
    reactor.run()
    print("Main loop terminated.", flush=True)


if __name__ == "__main__":
    main()
