"""TLS between two processes: right and wrong certificates of either end, old versions, a reload."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.programs import ROOT, Program, running
from tests.tls import certificates


@contextmanager
def greeter(certificate: Path, key: Path, *more: Path) -> Iterator[Program]:
    """A server process; ``.address`` is where it listens."""
    command = ["-m", "tests.tls.greeter", *map(str, (certificate, key, *more))]
    with running(*command, cwd=ROOT, stdin=subprocess.PIPE) as it:
        it.address = it.line()  # type: ignore[attr-defined]
        yield it


def serving(made: certificates.Made, *more: Path) -> Any:
    return greeter(made.certificate, made.key, *more)


def believing(**changes: Any) -> likewise.TLS:
    return likewise.TLS(**({"ca": certificates.issuer().certificate} | changes))


def showing(made: certificates.Made) -> likewise.TLS:
    return believing(certificate=made.certificate, key=made.key)


def greeted(address: str, tls: likewise.TLS | None) -> str:
    async def run() -> str:
        async with asyncio.timeout(10), likewise.connect(address, tls=tls) as connection:
            answer: str = await connection.root.callRemote("greet", "Ada")
            return answer

    return asyncio.run(run())


def refused(address: str, tls: likewise.TLS | None) -> str:
    with pytest.raises(likewise.CannotConnect) as caught:
        greeted(address, tls)
    return str(caught.value)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: certificates.server("elsewhere", ("elsewhere.example",)), "the certificate is for another host"),
        (lambda: certificates.server("expired", days=(-10, -1)), "has expired"),
        (lambda: certificates.server("tomorrow", days=(1, 9)), "is not valid yet"),
    ],
    ids=["wrong host", "expired", "of tomorrow"],
)
def test_a_server_s_certificate_must_be_good(made: Any, says: str) -> None:
    with serving(made()) as process:
        assert says in refused(process.address, believing())


def test_the_issuer_must_be_known() -> None:
    with serving(certificates.server()) as process:
        assert greeted(process.address, believing()) == "hello, Ada"
        assert "issuer is not believed" in refused(process.address, None)
        other = likewise.TLS(ca=certificates.issuer("Another issuer").certificate)
        assert "issuer is not believed" in refused(process.address, other)
        assert greeted(process.address, believing()) == "hello, Ada"


def test_a_client_shows_a_good_certificate_where_one_is_asked_for() -> None:
    with serving(certificates.server(), certificates.issuer().certificate) as process:
        assert greeted(process.address, showing(certificates.client())) == "hello, alice"
        assert "it asks for a client certificate" in refused(process.address, believing())
        stranger = certificates.client(by="Another issuer")
        assert "does not know who issued our certificate" in refused(process.address, showing(stranger))
        expired = certificates.client(days=(-10, -1))
        assert "our certificate has expired" in refused(process.address, showing(expired))
        assert greeted(process.address, showing(certificates.client("bob"))) == "hello, bob"


# --- downgrade


def old_client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return aged(context)


def aged(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def old_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server().certificate, certificates.server().key)
    return aged(context)


def shake_hands(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as plain, old_client().wrap_socket(plain) as secured:
        return str(secured.version())


@contextmanager
def old_listener() -> Iterator[int]:
    """One that speaks TLS 1.1 and no other version, for one connection; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                plain, _ = listening.accept()
                with plain, old_server().wrap_socket(plain, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_neither_end_goes_down_to_tls_1_1() -> None:
    try:
        with old_listener() as port:
            assert shake_hands(port) == "TLSv1.1"  # the two that are used here can, so it is not they who refuse
    except OSError:
        pytest.skip("this OpenSSL has no TLS 1.1")
    with serving(certificates.server()) as process:
        with pytest.raises(OSError):
            shake_hands(int(process.address.rpartition(":")[2]))
        assert greeted(process.address, believing()) == "hello, Ada"
    with old_listener() as port:
        assert "TLS" in refused(f"tls://127.0.0.1:{port}", believing())


# --- reload


def test_a_certificate_is_reloaded_while_the_server_runs(tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"

    def put(made: certificates.Made) -> int:
        shutil.copy(made.certificate, certificate)
        shutil.copy(made.key, key)
        return made.parsed.serial_number

    def serial(connection: likewise.Connection) -> int:
        return int(connection.get_extra_info("peercert")["serialNumber"], 16)

    async def run(process: Any, old: int) -> None:
        async with asyncio.timeout(20), likewise.connect(process.address, tls=believing()) as before:
            new = put(certificates.server("renewed"))
            process.process.stdin.write("reload\n")
            process.process.stdin.flush()
            assert await asyncio.to_thread(process.line) == "reloaded"
            async with likewise.connect(process.address, tls=believing()) as after:
                assert (serial(before), serial(after)) == (old, new)
            assert await before.root.callRemote("greet", "Ada") == "hello, Ada"

    first = put(certificates.server())
    with greeter(certificate, key) as process:
        asyncio.run(run(process, first))
