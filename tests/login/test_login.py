"""Logins between two processes: who is let in, who is not and how that looks, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.asyncio import private
from likewise.asyncio.addresses import peer_place
from likewise.asyncio.login_root import LoggedIn, LoginRoot
from likewise.asyncio.login_steps import ScramStep
from tests.login import doors
from tests.programs import ROOT, Program, running
from tests.tls import certificates

PLAIN, SECURE = "tcp://127.0.0.1:0", "tls://127.0.0.1:0"
ALICE = likewise.Password("alice", "sesame")
TOKEN = likewise.Token(doors.TOKEN)


@contextmanager
def door(way: str, address: str = PLAIN) -> Iterator[Program]:
    """A server process; ``.address`` is where it listens."""
    made = certificates.server()
    files = (made.certificate, made.key, certificates.issuer().certificate) if address.startswith("tls:") else ()
    command = ["-m", "tests.login.doors", way, address, *map(str, files)]
    with running(*command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        process.address = process.line()  # type: ignore[attr-defined]
        yield process


def logouts(process: Program) -> list[str]:
    """What it has told, to its end."""
    assert process.process.stdin is not None
    process.process.stdin.close()
    code, seen, errors = process.end()
    assert code == 0, errors
    return seen[1:]


def within(seconds: float, what: Awaitable[Any]) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(seconds):
            return await what

    return asyncio.run(run())


def to(process: Any, login: Any, **options: Any) -> likewise.connect:
    if process.address.startswith("tls:"):
        options.setdefault("tls", likewise.TLS(ca=certificates.issuer().certificate))
    return likewise.connect(process.address, login=login, **options)


async def who(process: Any, login: Any, **options: Any) -> Any:
    async with to(process, login, **options) as connection:
        return await connection.root.callRemote("who")


async def refusal(process: Any, login: Any, **options: Any) -> likewise.LoginFailed:
    with pytest.raises(likewise.LoginFailed) as caught:
        await who(process, login, **options)
    return caught.value


# --- each way, right and wrong

WAYS = [
    ("scram", PLAIN, ALICE),
    ("scram", SECURE, ALICE),
    ("scram", "unix", ALICE),
    ("binding", SECURE, ALICE),
    ("argon2", SECURE, likewise.Password("alice", "sesame", plain=True)),
    ("argon2", PLAIN, likewise.Password("alice", "sesame", plain=True)),  # loopback: nobody listens
    ("argon2", "unix", likewise.Password("alice", "sesame", plain=True)),
    ("both", SECURE, ALICE),
    ("tokens", SECURE, TOKEN),
    ("tokens", PLAIN, TOKEN),
]


@pytest.mark.parametrize(("way", "address", "login"), WAYS, ids=lambda each: str(each).partition("(")[0])
def test_the_avatar_is_the_users_own(way: str, address: str, login: Any, tmp_path: Path) -> None:
    where = f"unix://{tmp_path}/socket" if address == "unix" else address
    with door(way, where) as process:
        assert within(20, who(process, login)) == "alice"
        assert logouts(process) == ["logout alice False"]


def test_a_certificate_says_who_one_is() -> None:
    async def run(process: Any) -> None:
        made = certificates.client()
        mine = likewise.TLS(ca=certificates.issuer().certificate, certificate=made.certificate, key=made.key)
        assert await who(process, likewise.Certificate(), tls=mine) == "alice"
        assert "you showed no certificate" in str(await refusal(process, likewise.Certificate()))
        made = certificates.client(by="Another issuer")
        theirs = likewise.TLS(ca=certificates.issuer().certificate, certificate=made.certificate, key=made.key)
        with pytest.raises(likewise.CannotConnect, match="does not know who issued"):
            await who(process, likewise.Certificate(), tls=theirs)

    with door("certificates", SECURE) as process:
        within(20, run(process))


def test_nobody_in_particular_is_let_in_where_that_is_said() -> None:
    with door("anonymous") as process:
        assert within(20, who(process, likewise.Anonymous())) is None
        assert logouts(process) == ["logout None False"]
    with door("scram") as process:
        error = within(20, refusal(process, likewise.Anonymous()))
        assert "ANONYMOUS is not taken here; what is: SCRAM-SHA-256" in str(error)


@pytest.mark.parametrize(
    ("way", "plain"), [("scram", False), ("argon2", True)], ids=["scram", "argon2"]
)
def test_whatever_is_wrong_looks_the_same(way: str, plain: bool) -> None:
    async def run(process: Any) -> None:
        tries = [("alice", "Sesame"), ("nobody", "sesame"), ("broken", "sesame"), ("bob", "sesame")]
        if way == "scram":
            tries.append(("carol", "carol's"))  # right, and sent away by the realm
        errors = [await refusal(process, likewise.Password(*each, plain)) for each in tries]
        assert {(type(error), str(error)) for error in errors} == {(likewise.LoginRefused, "the login is refused")}
        assert await who(process, likewise.Password("bob", "open sesame", plain)) == "bob"

    with door(way) as process:
        within(30, run(process))


def test_a_token_that_is_taken_out_of_the_mapping_is_worth_nothing() -> None:
    records = {likewise.Tokens.record(doors.TOKEN): "alice"}

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=likewise.Login(doors.realm, tokens=likewise.Tokens(records))) as server:
            async with likewise.connect(server.address, login=TOKEN) as connection:
                assert await connection.root.callRemote("who") == "alice"
            records.clear()
            with pytest.raises(likewise.LoginRefused):
                await likewise.connect(server.address, login=TOKEN)

    within(20, run())


def test_a_token_is_compared_with_no_other_users() -> None:
    """However many there are: a wrong one would have the server busy with all of them."""

    class Counted(dict[str, str]):
        looked_at = 0

        def __iter__(self) -> Iterator[str]:
            for each in super().__iter__():
                Counted.looked_at += 1
                yield each

        def items(self) -> Any:
            raise AssertionError("all of them are looked at")

    tokens = likewise.Tokens(Counted({likewise.Tokens.record(str(n)): f"user {n}" for n in range(1_000)}))
    before = Counted.looked_at
    assert within(5, tokens.user("5")) == "user 5" and within(5, tokens.user("none")) is None
    assert Counted.looked_at == before


@pytest.mark.parametrize("record", ["no record", "AB" * 32, "ab" * 31])
def test_what_is_no_record_of_a_token_is_refused_at_once(record: str) -> None:
    with pytest.raises(ValueError, match=r"Tokens\.record\(\)"):
        likewise.Tokens({record: "alice"})


def test_a_wrong_token_is_refused() -> None:
    with door("tokens") as process:
        assert type(within(20, refusal(process, likewise.Token("another")))) is likewise.LoginRefused


# --- what a peer can't choose


def test_nobody_can_pick_what_the_server_does_not_offer() -> None:
    """S-49: each of the calls that another way would take, on a server that takes SCRAM alone."""

    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            assert await connection.root.callRemote("login_ways") == ("SCRAM-SHA-256",)
            for call in (
                ("login_plain", "alice", "sesame"),
                ("login_token", doors.TOKEN),
                ("login_certificate",),
                ("loginAnonymous", None),
                ("login", b"alice"),
            ):
                with pytest.raises(likewise.LoginFailed, match=r"not taken here|are not taken"):
                    await connection.root.callRemote(*call)
            with pytest.raises(likewise.LoginFailed, match="wants a login"):
                await connection.root.callRemote("who")

    with door("scram") as process:
        within(20, run(process))


def test_what_would_cross_is_not_offered_where_somebody_may_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the address were no loopback: neither end gives away a password or a token."""
    monkeypatch.setattr("likewise.asyncio.login_root.is_private", lambda connection: False)
    monkeypatch.setattr("likewise.asyncio.credentials.is_private", lambda connection: False)
    both = likewise.Login(doors.realm, passwords=doors.argon2(), tokens=doors.tokens(), anonymous=True)

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=both) as server:
            async with likewise.connect(server.address) as connection:
                assert await connection.root.callRemote("login_ways") == ("ANONYMOUS",)
                for call in (("login_plain", "alice", "sesame"), ("login_token", doors.TOKEN)):
                    with pytest.raises(likewise.LoginFailed, match="not taken here; what is: ANONYMOUS"):
                        await connection.root.callRemote(*call)
            with pytest.raises(likewise.LoginFailed, match="would cross in the clear"):
                await likewise.connect(server.address, login=TOKEN)
            with pytest.raises(likewise.LoginFailed, match="takes no passwords over this connection"):
                await likewise.connect(server.address, login=likewise.Password("alice", "sesame", plain=True))

    within(20, run())


def test_a_client_keeps_its_password_to_itself_unless_told_otherwise() -> None:
    """A server that has turned, and asks for the password itself, is not given it."""
    heard = []

    class Turned(likewise.Root):
        def remote_login_ways(self) -> tuple[str, ...]:
            return ("PLAIN", "TOKEN")

        def remote_login_plain(self, *args: Any) -> None:
            heard.append(args)

    async def run() -> None:
        async with likewise.serve(Turned(), PLAIN) as server:
            with pytest.raises(likewise.LoginFailed, match="plain=True"):
                await likewise.connect(server.address, login=ALICE)

    within(20, run())
    assert heard == []


def test_a_server_without_logins_says_so() -> None:
    class Open(likewise.Root):
        def remote_login_token(self, *args: Any) -> str:
            return "no avatar"

    async def run() -> None:
        async with likewise.serve(Open(), PLAIN) as server:
            with pytest.raises(likewise.LoginFailed, match="takes no such login"):
                await likewise.connect(server.address, login=ALICE)
            with pytest.raises(likewise.LoginFailed, match="gave 'no avatar' for an avatar"):
                await likewise.connect(server.address, login=TOKEN)

    within(20, run())


def test_a_server_that_insists_on_the_binding_refuses_who_lacks_tls() -> None:
    with door("binding") as process:
        assert "takes no passwords over this connection" in str(within(20, refusal(process, ALICE)))


# --- replay


def test_a_captured_exchange_is_worth_nothing() -> None:
    """S-45, by SCRAM: the client's two messages as they crossed, on a new connection and on the same."""

    async def run(process: Any) -> None:
        sent: list[str] = []
        async with likewise.connect(process.address) as connection:
            client = likewise.broker.login.ScramClient("alice", "sesame", ["SCRAM-SHA-256"], None)
            sent.append(client.first())
            challenge, step = await connection.root.callRemote("login_scram", sent[0])
            sent.append(client.respond(challenge))
            proof, avatar = await step.callRemote("finish", sent[1], None)
            client.check(proof)
            assert await avatar.callRemote("who") == "alice"
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("finish", sent[1], None)
            _, step = await connection.root.callRemote("login_scram", sent[0])
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("finish", sent[1], None)
        async with likewise.connect(process.address) as connection:
            _, step = await connection.root.callRemote("login_scram", sent[0])
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("finish", sent[1], None)

    with door("scram") as process:
        within(20, run(process))


def test_of_two_exchanges_on_one_connection_only_the_latest_counts() -> None:
    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            steps, finals = [], []
            for _ in range(2):
                client = likewise.broker.login.ScramClient("alice", "sesame", ["SCRAM-SHA-256"], None)
                challenge, step = await connection.root.callRemote("login_scram", client.first())
                steps.append(step)
                finals.append(client.respond(challenge))
            with pytest.raises(likewise.LoginRefused):
                await steps[0].callRemote("finish", finals[0], None)

    with door("scram") as process:
        within(20, run(process))


# --- somebody in between, and somebody in the server's place


def test_somebody_in_between_with_a_certificate_that_is_believed_gets_nowhere() -> None:
    """Who terminates TLS on both sides and passes every byte on: without the binding that goes unnoticed."""
    between = certificates.server("between")

    async def run(process: Any, expected: Any) -> None:
        there = process.address.removeprefix("tls://").rpartition(":")
        believing = ssl.create_default_context(cafile=str(certificates.issuer().certificate))

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    writer.write(data)
            writer.close()

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            onward = await asyncio.open_connection(there[0], int(there[2]), ssl=believing)
            await asyncio.gather(pass_on(reader, onward[1]), pass_on(onward[0], writer))

        shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        shown.load_cert_chain(between.certificate, between.key)
        async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=shown) as server:
            port = server.sockets[0].getsockname()[1]
            trusting = likewise.TLS(ca=certificates.issuer().certificate)
            address = f"tls://127.0.0.1:{port}"
            token = TOKEN if expected is None else ALICE
            if expected is None:  # the relay works, and a token has no protection but TLS
                async with likewise.connect(address, tls=trusting, login=token) as connection:
                    assert await connection.root.callRemote("who") == "alice"
                return
            with pytest.raises(expected):
                await likewise.connect(address, tls=trusting, login=token)

    with door("tokens", SECURE) as process:
        within(20, run(process, None))
    for way in ("scram", "binding"):
        with door(way, SECURE) as process:
            within(20, run(process, likewise.LoginRefused))


def test_the_exchange_is_bound_wherever_it_can_be() -> None:
    seen: list[likewise.Record] = []
    made = certificates.server()
    tls = likewise.TLS(certificate=made.certificate, key=made.key)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(made.certificate, made.key)

    async def run() -> None:
        how = likewise.Login(doors.realm, passwords=doors.scram())
        for address, each in ((SECURE, tls), (SECURE, own), (PLAIN, None)):
            async with likewise.serve(None, address, login=how, tls=each, trace=seen.append) as server:
                client = None if each is None else likewise.TLS(ca=certificates.issuer().certificate)
                async with likewise.connect(server.address, tls=client, login=ALICE):
                    pass

    within(20, run())
    ways = [record.detail["way"] for record in seen if record.name == "login"]
    assert ways == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256"]


def test_who_takes_the_servers_place_and_does_not_know_the_password_is_found_out() -> None:
    class Step(likewise.Referenceable):
        def remote_finish(self, final: str, mind: Any) -> tuple[str, likewise.Referenceable]:
            return "v=" + "A" * 43 + "=", self

    class Impostor(likewise.Root):
        def remote_login_ways(self) -> tuple[str, ...]:
            return ("SCRAM-SHA-256",)

        def remote_login_scram(self, first: str) -> tuple[str, Step]:
            nonce = first.rpartition("r=")[2]
            return f"r={nonce}more,s=QSXCR+Q6sek8bf92,i=4096", Step()

    async def run() -> None:
        async with likewise.serve(Impostor(), PLAIN) as server:
            with pytest.raises(likewise.LoginFailed, match="did not prove that it knows the password"):
                await likewise.connect(server.address, login=ALICE)
            while server.connections:
                await asyncio.sleep(0)

    within(20, run())


# --- attempts and time


def test_a_connection_has_few_attempts() -> None:
    """S-46: three are allowed here; what comes with the fourth is the end."""

    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            for _ in range(3):
                with pytest.raises(likewise.LoginRefused):
                    await connection.root.callRemote("login_plain", "nobody", "guess")
            with pytest.raises((likewise.ConnectionClosed, likewise.LoginFailed)):
                await connection.root.callRemote("login_plain", "alice", "sesame")
            await connection.wait_closed()
        assert await who(process, likewise.Password("alice", "sesame", plain=True)) == "alice"

    with door("argon2") as process:
        within(20, run(process))


def test_an_exchange_that_is_not_finished_is_an_attempt_too() -> None:
    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            with pytest.raises((likewise.ConnectionClosed, likewise.LoginFailed)):
                for _ in range(4):
                    await connection.root.callRemote("login_scram", "n,,n=alice,r=abcdef")
            await connection.wait_closed()

    with door("scram") as process:
        within(20, run(process))


def test_guesses_at_one_user_have_to_wait_wherever_they_come_from() -> None:
    limits = likewise.Limits(user_attempts=2, user_pause_seconds=0.3)

    async def guess(address: str) -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(likewise.LoginRefused):
            await likewise.connect(address, login=likewise.Password("alice", "guess"))
        return loop.time() - begun

    async def run() -> None:
        how = likewise.Login(doors.realm, passwords=doors.scram())
        async with likewise.serve(None, PLAIN, login=how, limits=limits) as server:
            waits = [await guess(server.address) for _ in range(4)]
            # The first pause began with the last wrong guess, whose answer was on its way here until the next one was made.
            assert max(waits[:2]) < 0.25 and min(waits[2:]) >= 0.8 * 0.3, waits
            begun = asyncio.get_running_loop().time()
            await asyncio.gather(*(guess(server.address) for _ in range(4)))  # side by side is no faster
            assert asyncio.get_running_loop().time() - begun >= 3.8 * 0.3
            async with likewise.connect(server.address, login=likewise.Password("bob", "open sesame")):
                pass

    within(20, run())


def test_who_does_not_log_in_is_dropped_in_time() -> None:
    limits = likewise.Limits(login_seconds=0.2, handshake_seconds=0.2)

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=doors.DOORS["anonymous"](), limits=limits) as server:
            async with likewise.connect(server.address) as connection:
                await connection.wait_closed()
            async with likewise.connect(server.address, login=likewise.Anonymous()) as connection:
                await asyncio.sleep(0.6)
                assert await connection.root.callRemote("who") is None
                connection._avatar = None  # the avatar is let go: a stranger again
                await connection.wait_closed()

    within(20, run())


def test_hashes_that_wait_are_bounded_and_those_of_who_has_gone_are_not_computed() -> None:
    limits = likewise.Limits(logins_waiting=2)
    store = doors.argon2()
    how = likewise.Login(doors.realm, passwords=store)
    mine = likewise.Password("alice", "sesame", plain=True)

    async def attempt(address: str) -> str:
        try:
            async with likewise.connect(address, login=mine) as connection:
                return str(await connection.root.callRemote("who"))
        except likewise.LoginFailed as error:
            return str(error)

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=how, limits=limits) as server:
            outcomes = await asyncio.gather(*(attempt(server.address) for _ in range(8)))
            assert outcomes.count("alice") == 2
            assert outcomes.count("too many logins at once: try again later") == 6
            assert await attempt(server.address) == "alice"

    within(20, run())
    assert not store._verify(likewise.Argon2Passwords.record("sesame"), "sesame", lambda: False)


def test_one_login_at_a_time_on_one_connection() -> None:
    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            calls = [connection.root.callRemote("login_plain", "alice", "sesame") for _ in range(2)]
            first, second = await asyncio.gather(*calls, return_exceptions=True)
            assert await first.callRemote("who") == "alice"
            assert type(second) is likewise.LoginFailed and str(second) == "one login at a time"

    with door("argon2") as process:
        within(20, run(process))


def test_names_and_secrets_have_a_longest() -> None:
    how = likewise.Login(doors.realm, passwords=(doors.scram(), doors.argon2()), tokens=doors.tokens())

    async def run() -> None:
        limits = likewise.Limits(login_bytes=40, login_attempts=20)
        async with likewise.serve(None, PLAIN, login=how, limits=limits) as server:
            connection = await likewise.connect(server.address)
            for size, error in ((40, likewise.LoginRefused), (41, likewise.LoginFailed)):
                long = "é" * 20 + "x" * (size - 40)
                for call in (("login_plain", long, "x"), ("login_plain", "x", long), ("login_token", long)):
                    with pytest.raises(likewise.LoginFailed) as caught:
                        await connection.root.callRemote(*call)
                    assert type(caught.value) is error, call
            with pytest.raises(likewise.LoginFailed, match="at most 40 bytes"):
                await connection.root.callRemote("login_scram", "n,,n=alice,r=" + "x" * 40)
            await connection.close()

    within(20, run())


class At:
    """As much of a connection as it takes to tell where the other end is."""

    def __init__(self, peername: Any, ssl_object: Any = None) -> None:
        self.known = {"peername": peername, "ssl_object": ssl_object, "socket": None}

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.known[name]


@pytest.mark.parametrize(
    ("peername", "is_private", "network"),
    [
        (("127.0.0.1", 5), True, "127.0.0.1"),
        (("203.0.113.9", 5), False, "203.0.113.9"),
        (("192.168.0.9", 5), False, "192.168.0.9"),
        (("::1", 5, 0, 0), True, "::/64"),
        (("::ffff:127.0.0.1", 5, 0, 0), True, "127.0.0.1"),
        (("::ffff:203.0.113.9", 5, 0, 0), False, "203.0.113.9"),
        (("2001:db8:1:2:3:4:5:6", 5, 0, 0), False, "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5, 0, 2), False, "fe80::/64"),
        ("/run/app.sock", True, ""),
        ("", True, ""),
    ],
)
def test_where_the_other_end_is(peername: Any, is_private: bool, network: str) -> None:
    assert private.is_private(At(peername)) is is_private  # type: ignore[arg-type]
    assert private.is_private(At(peername, object())) is True  # type: ignore[arg-type]
    assert peer_place(At(peername)) == network


# --- before the login


def test_a_stranger_may_send_little() -> None:
    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            with pytest.raises(likewise.ConnectionClosed):
                await connection.root.callRemote("login_token", "x" * 20_000)
        async with to(process, likewise.Anonymous()) as connection:
            value = ["x" * 200_000] * 3
            assert await connection.root.callRemote("keep", value) == value

    with door("anonymous") as process:
        within(20, run(process))


def test_who_has_let_go_of_the_avatar_is_a_stranger_again() -> None:
    async def run(process: Any) -> None:
        async with to(process, likewise.Anonymous()) as connection:
            connection._avatar = None
            with pytest.raises(likewise.LoginFailed):
                await connection.root.callRemote("login_token", "x")
            with pytest.raises(likewise.ConnectionClosed):
                await connection.root.callRemote("login_token", "x" * 20_000)

    with door("anonymous") as process:
        within(20, run(process))


def test_a_stranger_may_send_nothing_of_the_applications() -> None:
    built = []

    class Sent(likewise.Copyable):
        pass

    class Built(likewise.RemoteCopy):
        def setCopyableState(self, state: Any) -> None:
            built.append(state)

    registry = likewise.Registry()
    registry.setUnjellyableForClass(Sent, Built)

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=doors.DOORS["anonymous"](), accept=registry) as server:
            connection = await likewise.connect(server.address)
            with pytest.raises(likewise.InsecureJelly):
                await connection.root.callRemote("login_token", Sent())
            assert built == []
            avatar = await connection.root.callRemote("loginAnonymous", None)
            avatar.callRemoteOnly("keep", Sent())
            assert await avatar.callRemote("who") is None
            await connection.close()
        assert len(built) == 1

    within(20, run())


@pytest.mark.parametrize("junk", [None, 5, b"\xff", "x" * 2_000, ["alice"], "alice\0", ""])
def test_junk_in_a_login_fails_the_login_and_nothing_else(junk: Any) -> None:
    how = likewise.Login(doors.realm, passwords=(doors.scram(), doors.argon2()), tokens=doors.tokens())

    async def run() -> None:
        async with likewise.serve(None, PLAIN, login=how, limits=likewise.Limits(login_attempts=10)) as server:
            connection = await likewise.connect(server.address)
            root = connection.root
            for call in (
                ("login_scram", junk),
                ("login_plain", junk, "sesame"),
                ("login_plain", "alice", junk),
                ("login_token", junk),
            ):
                with pytest.raises(likewise.LoginFailed):
                    await root.callRemote(*call)
            _, step = await root.callRemote("login_scram", "n,,n=alice,r=abcdef")
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("finish", junk, junk)
            assert connection.is_open
            await connection.close()

    within(20, run())


# --- avatars, minds and logout


class Settings(likewise.Copyable, likewise.RemoteCopy):
    """What a realm asks a mind for."""


class Told(likewise.Referenceable):
    def remote_settings(self) -> Settings:
        settings = Settings()
        settings.values = ["x" * 100] * 5_000
        return settings


@pytest.mark.parametrize("is_let_in", [True, False])
def test_a_realm_may_ask_the_mind_of_a_user_before_it_decides(is_let_in: bool) -> None:
    told: list[int] = []

    async def realm(user: Any, mind: Any) -> Any:
        told.append(len((await mind.callRemote("settings")).values))
        return likewise.Avatar() if is_let_in else None

    async def run() -> None:
        registry = likewise.Registry()
        registry.setUnjellyableForClass(Settings, Settings)
        login = likewise.Login(realm, anonymous=True)
        async with (
            likewise.serve(None, PLAIN, login=login, accept=registry) as server,
            likewise.connect(server.address) as connection,
        ):
            entering = connection.root.callRemote("loginAnonymous", Told())
            if is_let_in:
                await entering
                return
            with pytest.raises(likewise.LoginRefused):
                await entering
            with pytest.raises(likewise.ConnectionClosed):  # a stranger again
                await connection.root.callRemote("login_token", "x" * 20_000)

    within(20, run())
    assert told == [5_000]


class Mind(likewise.Referenceable):
    def __init__(self) -> None:
        self.welcomed: list[Any] = []

    def remote_welcome(self, user: Any) -> None:
        self.welcomed.append(user)


def test_a_mind_is_given_to_the_realm_and_the_avatar_is_one_object() -> None:
    async def run(process: Any) -> None:
        mind = Mind()
        async with to(process, ALICE, mind=mind) as connection:
            assert await connection.root.callRemote("me") is connection.root
            assert await connection.root.callRemote("keep", connection.root) is connection.root
            assert mind.welcomed == ["alice"]
            with pytest.raises(likewise.NoSuchMethod):
                await connection.root.callRemote("secret")

    with door("scram") as process:
        within(20, run(process))
        assert logouts(process) == ["logout alice True"]


def test_logout_is_told_once_however_it_ends() -> None:
    """S-50: the connection ends, the avatar is let go, and both in either order."""

    async def run(process: Any) -> None:
        connection = await to(process, likewise.Anonymous())  # 1: the end of the connection, in order
        await connection.close()
        connection = await to(process, likewise.Anonymous())  # 2: the same, not in order
        connection.abort()
        await connection.wait_closed()
        async with to(process, likewise.Anonymous()) as connection:  # 3: let go of, then the end
            connection._avatar = None
            async with to(process, likewise.Anonymous()) as other:  # 4: two references to it, both let go of
                assert await other.root.callRemote("me") is other.root
                other._avatar = None
            with contextlib.suppress(likewise.LoginFailed):
                await connection.root.callRemote("login_token", "")
            again = await connection.root.callRemote("loginAnonymous", None)  # 5: logged in anew on the same connection
            assert await again.callRemote("who") is None

    with door("anonymous") as process:
        within(20, run(process))
        assert logouts(process) == ["logout None False"] * 5


def test_logout_is_told_when_the_client_goes_while_the_realm_thinks() -> None:
    told: list[str] = []

    class Noting(likewise.Avatar):
        async def logout(self, mind: Any) -> None:
            await asyncio.sleep(0)
            told.append("logout")

    async def run() -> None:
        thinking, decided = asyncio.Event(), asyncio.Event()

        async def slow(user: str | None, mind: Any) -> Noting:
            thinking.set()
            await decided.wait()
            return Noting()

        async with likewise.serve(None, PLAIN, login=likewise.Login(slow, anonymous=True)) as server:
            connection = await likewise.connect(server.address)
            connection.root.callRemoteOnly("loginAnonymous", None)
            await thinking.wait()
            connection.abort()
            while server.connections:
                await asyncio.sleep(0)
            assert told == []
            decided.set()
            while not told:
                await asyncio.sleep(0)
        assert told == ["logout"]

    within(20, run())


def test_without_a_realm_everybody_gets_the_root() -> None:
    class Shared(likewise.Root):
        def remote_who(self) -> str:
            return "everybody's"

    async def run() -> None:
        how = likewise.Login(anonymous=True)
        async with likewise.serve(Shared(), PLAIN, login=how) as server:
            async with likewise.connect(server.address, login=likewise.Anonymous()) as connection:
                assert await connection.root.callRemote("who") == "everybody's"
            async with likewise.connect(server.address) as connection:
                with pytest.raises(likewise.LoginFailed, match="wants a login"):
                    await connection.root.callRemote("who")

    within(20, run())


def test_a_realm_that_fails_says_so_and_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def broken(user: str | None, mind: Any) -> likewise.Avatar:
        raise LookupError("no database")

    def closed(user: str | None, mind: Any) -> likewise.Avatar:
        raise likewise.LoginFailed("closed on Mondays")

    async def run() -> None:
        cases = ((broken, likewise.LoginFailed, "whose log says why"), (closed, likewise.LoginFailed, "on Mondays"))
        for realm, error, text in cases:
            async with likewise.serve(None, PLAIN, login=likewise.Login(realm, anonymous=True)) as server:
                with pytest.raises(error, match=text):
                    await likewise.connect(server.address, login=likewise.Anonymous())

    within(20, run())
    told = [record.getMessage() for record in caplog.records]
    assert any("no database" in (record.exc_text or "") for record in caplog.records), told
    assert any("login refused" in text for text in told), told  # who was sent away with a text has a line, too


def test_trace_tells_who_came_and_who_was_sent_away() -> None:
    seen: list[likewise.Record] = []

    async def run() -> None:
        how = likewise.Login(doors.realm, passwords=doors.scram())
        async with likewise.serve(None, PLAIN, login=how, trace=seen.append) as server:
            with pytest.raises(likewise.LoginRefused):
                await likewise.connect(server.address, login=likewise.Password("x" * 500, "guess"))
            async with likewise.connect(server.address, login=ALICE):
                pass

    within(20, run())
    logins = [record for record in seen if record.name.startswith("login")]
    assert [record.name for record in logins] == ["login.refused", "login"]
    assert logins[1].detail["user"] == "'alice'" and len(str(logins[0].detail["user"])) < 100


# --- records by functions, and settings that make no sense


def test_records_may_come_from_a_function() -> None:
    table = {"alice": likewise.ScramPasswords.record("sesame", doors.FEW)}
    asked = []

    async def look_up(user: str) -> str | None:
        asked.append(user)
        return table.get(user)

    by_token = {likewise.Tokens.record(doors.TOKEN): "alice"}

    async def run() -> None:
        how = likewise.Login(
            doors.realm,
            passwords=likewise.ScramPasswords(look_up, iterations=doors.FEW),
            tokens=likewise.Tokens(by_token.get),
        )
        async with likewise.serve(None, PLAIN, login=how) as server:
            for login in (ALICE, TOKEN):
                async with likewise.connect(server.address, login=login) as connection:
                    assert await connection.root.callRemote("who") == "alice"
            for login in (likewise.Password("eve", "sesame"), likewise.Token("x")):
                with pytest.raises(likewise.LoginRefused):
                    await likewise.connect(server.address, login=login)

    within(20, run())
    assert asked == ["alice", "eve"]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody could log in"):
        likewise.Login(doors.realm)
    with pytest.raises(TypeError, match="takes ScramPasswords"):
        likewise.Login(passwords={"alice": "sesame"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Login\.md5_record"):
        likewise.Login(md5_for_twisted=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="iterations"):
        likewise.ScramPasswords({}, iterations=10)
    with pytest.raises(TypeError, match="its realm gives everybody an avatar"):
        likewise.serve(likewise.Root(), PLAIN, login=doors.DOORS["anonymous"]())
    with pytest.raises(TypeError, match="or there is a root"):
        likewise.serve(None, PLAIN, login=likewise.Login(anonymous=True))
    with pytest.raises(TypeError, match="is no root"):
        likewise.serve(None, PLAIN)
    with pytest.warns(UserWarning, match="MD5 is broken"):
        likewise.Login(md5_for_twisted={})


def test_beyond_this_machine_a_login_is_enough() -> None:
    likewise.serve(None, "tcp://0.0.0.0:0", login=doors.DOORS["scram"]())
    with pytest.raises(PermissionError, match=r"serve\(\.\.\., login="):
        likewise.serve(likewise.Root(), "tcp://0.0.0.0:0")


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "sesame" not in repr(ALICE) and doors.TOKEN not in repr(TOKEN)


@pytest.mark.parametrize(
    ("hidden", "code"),
    [
        ("scramp", "likewise.ScramPasswords({})"),
        ("argon2", "likewise.Argon2Passwords({})"),
        ("scramp", "likewise.broker.login.ScramClient('alice', 'sesame', [], None)"),
    ],
)
def test_a_missing_extra_is_named(hidden: str, code: str) -> None:
    program = f"import sys; sys.modules[{hidden!r}] = None; import likewise.broker.login; {code}"
    ended = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60)
    assert "ImportError" in ended.stderr and "pip install 'likewise[login]'" in ended.stderr


# --- the same time for unknown users, by construction: the same work is done


def test_as_many_hashes_for_who_does_not_exist() -> None:
    """S-48, argon2id: one hash each, of the same parameters."""
    store = doors.argon2()
    verified: list[str] = []

    class Counting:
        def __init__(self, hasher: Any) -> None:
            self.hash = hasher.hash
            self._verify = hasher.verify

        def verify(self, record: str, password: str) -> bool:
            verified.append(record.rpartition("$")[0].rpartition("$")[0])
            return bool(self._verify(record, password))

    store._hasher = Counting(store._hasher)

    async def run() -> None:
        for user in ("alice", "nobody"):
            assert not await store.check(user, "guess", 10, lambda: True)

    within(20, run())
    assert len(verified) == 2 and len(set(verified)) == 1, verified


def test_as_many_steps_for_who_does_not_exist() -> None:
    """S-48, SCRAM: the same messages, of the same length, with the same iterations, and lasting over restarts."""

    async def challenge(process: Any, user: str) -> list[str]:
        async with likewise.connect(process.address) as connection:
            said, step = await connection.root.callRemote("login_scram", f"n,,n={user},r=abcdef")
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("finish", "c=biws,r=" + said.partition(",")[0][2:] + ",p=" + "A" * 43 + "=", None)
            parts: list[str] = said.split(",")
            return parts

    with door("scram") as process:
        known, unknown, again = (within(20, challenge(process, user)) for user in ("alice", "nobody", "nobody"))
    assert [len(part) for part in known] == [len(part) for part in unknown]
    assert known[2] == unknown[2] and unknown[1] == again[1] != known[1]
    with door("scram") as process:
        assert within(20, challenge(process, "nobody"))[1] == unknown[1]


# --- nothing is left behind


def test_logins_leave_nothing_behind() -> None:
    def left() -> list[str]:
        gc.collect()
        kinds = (LoginRoot, ScramStep, LoggedIn, doors.Guest, likewise.Connection)
        return [type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds)]

    before = left()

    async def run() -> None:
        how = likewise.Login(doors.realm, passwords=doors.scram())
        made = certificates.server()
        tls = likewise.TLS(certificate=made.certificate, key=made.key)
        believing = likewise.TLS(ca=certificates.issuer().certificate)
        limits = likewise.Limits(user_attempts=100)
        async with likewise.serve(None, SECURE, login=how, tls=tls, limits=limits) as server:
            for number in range(20):
                login = ALICE if number % 2 else likewise.Password("nobody", "guess")
                with contextlib.suppress(likewise.LoginRefused):
                    async with likewise.connect(server.address, tls=believing, login=login):
                        pass
                if number == 3:
                    how_many = len(left())
            while server.connections:
                await asyncio.sleep(0)
            assert len(left()) <= how_many

    within(30, run())
    assert left() == before
