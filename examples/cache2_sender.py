"""
By cache, one pond and two receivers, one of which leaves.

python cache2_sender.py [--port N] [--other-port M], with cache_receiver.py running on both ports.
"""

import argparse
import asyncio
import sys

from cache_classes import MasterDuckPond

import likewise


async def main(port: int, other_port: int) -> None:
    master = MasterDuckPond(["one duck", "two duck"])
    master.count()

    async with (
        likewise.connect(f"tcp://127.0.0.1:{port}") as staying,
        likewise.connect(f"tcp://127.0.0.1:{other_port}") as leaving,
    ):
        for each in (staying, leaving):
            await each.root.callRemote("takePond", master)
        print(f"observers: {len(master.observers)}")
        master.addDuck("ugly duckling")
        for each in (staying, leaving):
            await each.root.callRemote("checkDucks")

        await leaving.root.callRemote("shutdown")  # it goes without a word about the pond
        await leaving.wait_closed()
        print(f"observers: {len(master.observers)}")
        master.removeDuck("one duck")
        master.count()
        await staying.root.callRemote("checkDucks")
        await staying.root.callRemote("shutdown")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument("--other-port", type=int, default=8801)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # each line at once, into a pipe too
    try:
        asyncio.run(main(options.port, options.other_port))
    except likewise.CannotConnect as error:
        sys.exit(f"{error}: is cache_receiver.py running on both ports?")
    print("Main loop terminated.")
