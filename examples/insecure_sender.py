"""A plain object, which may not cross: python insecure_sender.py [--port N], with any of the receivers running."""

import argparse
import asyncio
import sys

import likewise


class LilyPond:
    def __init__(self, frogs: int) -> None:
        self.frogs = frogs


async def main(port: int) -> None:
    pond = LilyPond(12)
    async with likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
        await connection.root.callRemote("sendPond", pond)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    try:
        asyncio.run(main(parser.parse_args().port))
    except likewise.InsecureJelly as error:
        sys.exit(f"InsecureJelly: {error}")
    except likewise.CannotConnect as error:
        sys.exit(f"{error}: is copy_receiver.py running?")
