"""By cache, the sender: python cache_sender.py [--port N], with cache_receiver.py running."""

import argparse
import asyncio
import sys

from cache_classes import MasterDuckPond

import likewise


class Sender:
    def __init__(self, pond: MasterDuckPond) -> None:
        self.pond = pond

    async def send(self, remote: likewise.RemoteReference) -> None:
        await remote.callRemote("takePond", self.pond)

        self.pond.addDuck("ugly duckling")
        self.pond.count()
        await remote.callRemote("checkDucks")  # what is sent in order arrives in order: the duckling is there already

        self.pond.removeDuck("one duck")
        self.pond.count()
        await remote.callRemote("checkDucks")
        await remote.callRemote("ignorePond")
        await remote.callRemote("shutdown")


async def main(port: int) -> None:
    master = MasterDuckPond(["one duck", "two duck"])
    master.count()

    async with likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
        await Sender(master).send(connection.root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    sys.stdout.reconfigure(line_buffering=True)  # each line at once, into a pipe too
    try:
        asyncio.run(main(parser.parse_args().port))
    except likewise.CannotConnect as error:
        sys.exit(f"{error}: is cache_receiver.py running?")
    print("Main loop terminated.")
