"""
What can be typed after ``likewise``.

Results go to standard output, faults in one line to standard error. Exit codes: 0 done, 1 failed, 2 usage, 3 no
connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from ..asyncio.addresses import parse
from ..asyncio.client import connect
from ..asyncio.credentials import Credential
from ..asyncio.tls import TLS
from ..bounded import is_small, one_line, text_of
from ..errors import CannotConnect, ConnectionClosed, Error, RemoteError
from . import capture, demo
from .identity import Unusable, add_options, login_of, tls_of
from .words import typed

DONE: Final = 0
EXIT_FAILED: Final = 1
USAGE: Final = 2
NO_CONNECTION: Final = 3

LONGEST_ERROR: Final = 2_000  # characters of an error's text that are looked through for what a program would write
MOST_SHOWN: Final = 5_000_000  # parts and characters of an answer that is printed: shared, 800 bytes can be 2**40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. ``arguments`` are those of the process unless given."""
    options = parser().parse_args(arguments)  # wrong usage leaves from here, with code 2
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        return fail("interrupted", EXIT_FAILED)
    except BrokenPipeError:  # whoever reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Unusable as error:
        return fail(str(error), USAGE)
    except (CannotConnect, ConnectionClosed) as error:
        return fail(typed(text_of(error, LONGEST_ERROR)), NO_CONNECTION)
    except Exception as error:  # whatever a method has raised, and what can't be read or sent: never a traceback of ours
        return fail(described(error), EXIT_FAILED)


def fail(text: str, code: int) -> int:
    """One line to standard error; control characters that a peer sent are shown, not obeyed."""
    print("likewise:", one_line(text), file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="likewise",
        description="Live Python objects between processes.",
        epilog="exit codes: 0 done, 1 failed, 2 usage, 3 no connection",
    )
    top.add_argument("--version", action="version", version=f"likewise {version_text()}")
    verbs = top.add_subparsers(required=True, metavar="COMMAND")

    verb = verbs.add_parser("demo", help="run the example programs as real processes and show what both sides say")
    verb.set_defaults(run=lambda options: demo.run_demo())

    verb = verbs.add_parser("call", help="call a method of a server's root object and print what it returns")
    verb.add_argument(
        "address", metavar="ADDRESS", type=address, help="tcp://127.0.0.1:8800, tls://host:8800 or unix:///run/app.sock"
    )
    verb.add_argument("method", metavar="METHOD", help="without the remote_ before it")
    verb.add_argument("args", metavar="JSON", nargs="*", type=value, help="""arguments, each as JSON: 5 '"text"' '[1, 2]'""")
    verb.add_argument("--timeout", type=seconds, default=20.0, metavar="SECONDS", help="for all of it (default: 20)")
    verb.add_argument(
        *("--import", "-i"),
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import this module first, from here or wherever Python finds it: its classes may then come in the answer",
    )
    add_options(verb)
    verb.set_defaults(run=call)

    verb = verbs.add_parser("decode", help="show the messages in a file of recorded bytes, one a line")
    verb.add_argument("file", metavar="FILE", type=Path, help="one direction of a connection; - is standard input")
    verb.set_defaults(run=lambda options: capture.show(options.file))
    return top


def version_text() -> str:
    try:
        return metadata.version("likewise")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def address(text: str) -> str:
    """An address, checked while nothing has begun."""
    try:
        return str(parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(typed(str(error))) from None


def seconds(text: str) -> float:
    """A time that can be waited for."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def value(text: str) -> Any:
    """An argument of a call."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON ({error}); a text needs quotes twice: '\"text\"'") from None
    except RecursionError:
        raise argparse.ArgumentTypeError("lists or objects in one another, too deep to be read") from None


def call(options: argparse.Namespace) -> int:
    tls, login = tls_of(options), login_of(options)
    for name in options.modules:
        load(name)
    answer = asyncio.run(answer_to(options, tls, login))
    if isinstance(answer, Failed):
        return fail(answer.text, EXIT_FAILED)
    if not is_small(answer, size=MOST_SHOWN):
        return fail(f"the answer has over {MOST_SHOWN:,} parts and characters: too much to print", EXIT_FAILED)
    print(answer_text(answer))
    return DONE


def load(name: str) -> None:
    """
    Import a module, from where the command was typed, too.

    Raises:
        Unusable: it can't be imported.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        pkgutil.resolve_name(name)
    except Exception as error:  # whatever its own code raises
        raise Unusable(f"--import {name}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Failed:
    """A call that was sent and brought no answer, while the connection stood."""

    text: str


async def answer_to(options: argparse.Namespace, tls: TLS | None, login: Credential | None) -> Any:
    """
    What the method returns, or :class:`Failed`: nothing that it raises is taken for a fault of the connection.

    Raises:
        CannotConnect: there was no connection.
        ConnectionClosed: it ended during the call.
    """
    ends_at = asyncio.get_running_loop().time() + options.timeout
    async with connect(options.address, tls=tls, login=login, timeout=options.timeout) as connection:
        answer = connection.root.callRemote(options.method, *options.args)
        try:
            async with asyncio.timeout_at(ends_at):
                await asyncio.wait([answer])
        except TimeoutError:
            connection.abort()
            return Failed(f"no answer within {options.timeout:g} s")
        error = answer.exception() if not answer.cancelled() else asyncio.CancelledError()
        if error is None:
            return answer.result()
        if isinstance(error, ConnectionClosed) and not connection.is_open:
            raise error
        return Failed(described(error))


def described(error: BaseException) -> str:
    """What went wrong; in the words of the command line, unless they are the peer's."""
    if type(error) in (Error, RemoteError):
        return f"{type(error).__name__}: {text_of(error)}"
    return f"{type(error).__name__}: {typed(text_of(error, LONGEST_ERROR))}"


def answer_text(answer: Any) -> str:
    """A value as JSON, with the ``repr`` of what JSON has no form for."""
    try:
        return json.dumps(answer, default=repr)
    except (TypeError, ValueError):  # keys of other types; a structure that contains itself
        return repr(answer)
