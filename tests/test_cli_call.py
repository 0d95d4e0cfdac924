"""``likewise call`` as a process of its own: logins, TLS, classes in the answer, and faults in the words of a prompt."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import SECONDS, environment, running
from tests.tls import certificates

SERVER = """
import asyncio, logging, sys
import likewise
import frogs

logging.disable()

class Root(likewise.Root):
    name = "nobody"
    def remote_whoami(self): return self.name
    def remote_frogs(self): return frogs.FrogPond("green", 7)
    def remote_unknown(self): return Stranger()
    def remote_take(self, value): return value
    def remote_cancelled(self): raise asyncio.CancelledError("stop")
    def remote_timeout(self): raise TimeoutError("the other server is slow")
    def remote_closed(self): raise likewise.ConnectionClosed("the database is gone")
    def remote_cannot(self): raise likewise.CannotConnect("the database is not there")
    def remote_own(self): raise likewise.Error("TLS(ca=...): connect(login=...)")
    async def remote_wait(self): await asyncio.sleep(1000)

class Stranger(likewise.Copyable): pass

class User(likewise.Avatar):
    def __init__(self, name): self.name = name
    def perspective_whoami(self): return self.name

async def main():
    token, pem, key, clients = sys.argv[1:]
    login = likewise.Login(
        lambda user, mind: User(user),
        passwords=likewise.ScramPasswords({"ada": likewise.ScramPasswords.record("sesame")}),
        tokens=likewise.Tokens({likewise.Tokens.record(token): "token's"}),
        certificates=True,
        anonymous=True,
    )
    itself = likewise.Login(
        lambda user, mind: User(user), passwords=likewise.Argon2Passwords({"ada": likewise.Argon2Passwords.record("sesame")})
    )
    tls = likewise.TLS(certificate=pem, key=key, client_ca=clients, client_certificates="optional")
    needs = likewise.TLS(certificate=pem, key=key, client_ca=clients)
    async with (
        likewise.serve(Root(), "tcp://127.0.0.1:0") as open_to_all,
        likewise.serve(None, "tcp://127.0.0.1:0", login=login) as with_login,
        likewise.serve(None, "tls://127.0.0.1:0", login=login, tls=tls) as over_tls,
        likewise.serve(Root(), "tls://127.0.0.1:0", tls=needs) as certain,
        likewise.serve(None, "tcp://127.0.0.1:0", login=itself) as argon,
    ):
        print(*(each.address for each in (open_to_all, with_login, over_tls, certain, argon)), flush=True)
        await open_to_all.serve_forever()

asyncio.run(main())
"""
FROGS = """
from dataclasses import dataclass
import likewise

@likewise.copyable
@dataclass
class FrogPond:
    color: str
    frogs: int
"""
TOKEN = "a-token-of-256-bits-as-it-were-0123456789"

API = ("TLS(", "Password(", "login=", "tls=", "accept=", "likewise.set", "@likewise")  # what a program writes


class Place:
    """A directory with the files that the commands name, and the servers' addresses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        made, client = certificates.server(), certificates.client("alice")
        self.names = {
            "CA": certificates.issuer().certificate,
            "OTHER": certificates.issuer("Another issuer").certificate,
            "CERT": client.certificate,
            "KEY": client.key,
        }
        (path / "frogs.py").write_text(FROGS)
        (path / "broken.py").write_text("1 / 0")
        (path / "password").write_text("sesame\n")
        (path / "wrong").write_text("guess\n")
        (path / "empty").write_text("\n")
        (path / "token").write_text(TOKEN + "\n")
        (path / "server.py").write_text(SERVER)
        self.command = ["server.py", TOKEN, str(made.certificate), str(made.key), str(self.names["CA"])]

    def addresses(self, line: str) -> None:
        self.names |= dict(zip(("OPEN", "LOGIN", "TLS", "CERTAIN", "ARGON"), line.split(), strict=True))

    def call(self, typed: str, stdin: str | None = None) -> tuple[int, str, str]:
        """Type ``likewise call`` and this; words in capitals are names of ours."""
        words = [str(self.names.get(word, word)) for word in typed.split()]
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "likewise", "call", *words],
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
            capture_output=True,
            text=True,
            timeout=3 * SECONDS,
            cwd=self.path,
            env=environment(),
        )
        return ran.returncode, ran.stdout.strip(), ran.stderr.strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    pytest.importorskip("scramp")
    pytest.importorskip("argon2")
    made = Place(tmp_path_factory.mktemp("cli"))
    with running(*made.command, cwd=made.path) as server:
        made.addresses(server.line())
        yield made


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("OPEN whoami", '"nobody"'),
        ("LOGIN whoami --user ada --password password", '"ada"'),
        ("LOGIN whoami --token token", '"token\'s"'),
        ("LOGIN whoami --anonymous", "null"),
        ("TLS whoami --ca CA --user ada --password password", '"ada"'),
        ("TLS whoami --ca CA --cert CERT --key KEY --as-certificate", '"alice"'),
        ("TLS whoami --ca CA --server-name localhost --anonymous", "null"),
        ("CERTAIN whoami --ca CA --cert CERT --key KEY", '"nobody"'),
        ("ARGON whoami --user ada --password password --plain", '"ada"'),
        ("OPEN frogs --import frogs", "\"FrogPond(color='green', frogs=7)\""),
    ],
)
def test_what_a_program_can_reach_a_command_can(place: Place, typed: str, printed: str) -> None:
    assert place.call(typed) == (0, printed, "")


@pytest.mark.parametrize("typed", ["--user ada --password -", "--token -"])
def test_a_secret_may_come_on_standard_input(place: Place, typed: str) -> None:
    secret = "sesame\n" if "user" in typed else f"{TOKEN}\n"
    code, out, err = place.call(f"LOGIN whoami {typed}", stdin=secret)
    assert (code, err) == (0, "") and out


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        ("LOGIN whoami", 1, "this server wants a login before anything else is called: see likewise call --help"),
        ("LOGIN whoami --user ada --password wrong", 1, "the login is refused"),
        ("ARGON whoami --user ada --password password", 1, "say --plain if it may have it"),
        ("TLS whoami --anonymous", 3, "--ca says whom to believe"),
        ("TLS whoami --anonymous --ca OTHER", 3, "--ca says whom to believe"),
        ("TLS whoami --anonymous --ca CA --server-name pond.example", 3, "--server-name says the right one"),
        ("TLS whoami --anonymous --ca absent", 1, "--ca 'absent'"),
        ("CERTAIN whoami --ca CA", 3, "show one with --cert and --key"),
        ("OPEN frogs", 1, "--import names a module"),
        ("OPEN frogs --import broken", 2, "--import broken: ZeroDivisionError"),
        ("OPEN frogs --import absent", 2, "--import absent: ModuleNotFoundError"),
        ("OPEN whoami --ca CA", 2, "--ca is for an address that begins with tls://"),
        ("TLS whoami --key KEY", 2, "--key needs --cert"),
        ("LOGIN whoami --as-certificate", 2, "--as-certificate needs --cert"),
        ("LOGIN whoami --password password", 2, "--password needs --user"),
        ("LOGIN whoami --user ada --password absent", 2, "--password names can't be read: No such file"),
        ("LOGIN whoami --user ada --password empty", 2, "begins with an empty line"),
        ("LOGIN whoami --user ada", 2, "no terminal to ask for the password"),
        ("LOGIN whoami --user ada --anonymous", 2, "not allowed with argument --user"),
        ("tcp://ada@127.0.0.1:8800 whoami", 2, "and --user"),
        ("OPEN whoami --timeout nan", 2, "no number of seconds above 0"),
        ("OPEN whoami --timeout -1", 2, "no number of seconds above 0"),
        ("OPEN take " + "[" * 100_000, 2, "too deep to be read"),
    ],
)
def test_a_fault_is_one_line_that_names_the_option_which_mends_it(place: Place, typed: str, code: int, says: str) -> None:
    ended, out, err = place.call(typed)
    last = err.splitlines()[-1]
    assert (ended, out) == (code, "") and says in last and "Traceback" not in err
    assert not any(api in last for api in ("TLS(", "Password(", "login=", "tls=", "accept=", "likewise.set", "@likewise")), (
        last
    )


def test_a_secret_that_was_typed_in_place_of_a_file_is_not_shown(place: Place) -> None:
    code, out, err = place.call(f"LOGIN whoami --token {TOKEN}")
    assert (code, out) == (2, "") and TOKEN not in err


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("cancelled", "stop"),
        ("timeout", "the other server is slow"),
        ("closed", "the database is gone"),
        ("cannot", "the database is not there"),
        ("own", "Error: TLS(ca=...): connect(login=...)"),
    ],
)
def test_what_a_method_raises_is_no_fault_of_the_connection(place: Place, method: str, says: str) -> None:
    code, out, err = place.call(f"OPEN {method}")
    assert (code, out) == (1, "") and says in err and "no answer within" not in err


def test_a_server_that_never_greets_is_no_connection_and_a_slow_method_a_failed_call(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, _, err = place.call(f"tcp://127.0.0.1:{silent.getsockname()[1]} whoami --timeout 0.5")
    assert code == 3 and "did not answer within 0.5 s" in err
    assert place.call("OPEN wait --timeout 0.5") == (1, "", "likewise: no answer within 0.5 s")
