"""TLS between two ends over real sockets: who is let in, who is sent away, and in which words."""

from __future__ import annotations

import _ssl
import asyncio
import contextlib
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.asyncio import tls as tls_module
from tests.tls import certificates

ANY_HOST = "tls://127.0.0.1:0"


class Greeter(likewise.Root):
    def remote_greet(self, name: str) -> str:
        return f"hello, {name}"


def within(seconds: float, what: Awaitable[Any]) -> Any:
    async def run() -> Any:
        async with asyncio.timeout(seconds):
            return await what

    return asyncio.run(run())


def server_tls(**changes: Any) -> likewise.TLS:
    made = certificates.server()
    return likewise.TLS(**({"certificate": made.certificate, "key": made.key} | changes))


def believing(**changes: Any) -> likewise.TLS:
    return likewise.TLS(**({"ca": certificates.issuer().certificate} | changes))


def showing(made: certificates.Made) -> likewise.TLS:
    return believing(certificate=made.certificate, key=made.key)


@asynccontextmanager
async def serving(tls: Any = None, **options: Any) -> AsyncIterator[likewise.Server]:
    async with likewise.serve(Greeter(), ANY_HOST, tls=tls or server_tls(), **options) as server:
        yield server


async def greet(address: str, tls: Any = None, **options: Any) -> str:
    async with likewise.connect(address, tls=tls, **options) as connection:
        answer: str = await connection.root.callRemote("greet", "Ada")
        return answer


def refusal(server: Any = None, client: Any = None, *, address: str = "") -> str:
    """The text of the CannotConnect that this pair of ends comes to."""

    async def run() -> str:
        async with serving(server) as served:
            with pytest.raises(likewise.CannotConnect) as caught:
                await greet(address.format(port=served.port) or served.address, client)
            return str(caught.value)

    text: str = within(10, run())
    return text


def test_a_call_crosses_and_the_version_is_1_2_or_later() -> None:
    async def run() -> None:
        async with serving() as server, likewise.connect(server.address, tls=believing()) as connection:
            assert server.address == f"tls://127.0.0.1:{server.port}"
            assert await connection.root.callRemote("greet", "Ada") == "hello, Ada"
            assert connection.get_extra_info("ssl_object").version() in ("TLSv1.2", "TLSv1.3")

    within(10, run())


def test_large_values_cross_both_ways() -> None:
    class Echo(likewise.Root):
        def remote_echo(self, value: bytes) -> bytes:
            return value

    async def run() -> None:
        value = bytes(range(256)) * 40_000
        async with (
            likewise.serve(Echo(), ANY_HOST, tls=server_tls()) as server,
            likewise.connect(server.address, tls=believing()) as connection,
        ):
            assert await connection.root.callRemote("echo", value) == value

    within(30, run())


def test_the_certificate_must_be_for_the_host() -> None:
    made = certificates.server("other-host", ("pond.example",))
    text = refusal(server_tls(certificate=made.certificate, key=made.key), believing())
    assert "is for another host" in text and "127.0.0.1" in text


def test_a_host_name_is_not_taken_for_the_address_behind_it() -> None:
    made = certificates.server("by-address", ("127.0.0.1",))
    pair = server_tls(certificate=made.certificate, key=made.key), believing()
    assert "is for another host" in refusal(*pair, address="tls://localhost:{port}")


def test_another_name_can_be_asked_for() -> None:
    made = certificates.server("other-host", ("pond.example",))

    async def run() -> str:
        async with serving(server_tls(certificate=made.certificate, key=made.key)) as server:
            return await greet(server.address, believing(server_name="pond.example"))

    assert within(10, run()) == "hello, Ada"


def test_an_expired_certificate_is_refused() -> None:
    made = certificates.server("expired", days=(-10, -1))
    assert "the certificate has expired" in refusal(server_tls(certificate=made.certificate, key=made.key), believing())


def test_a_certificate_of_tomorrow_is_refused() -> None:
    made = certificates.server("early", days=(1, 10))
    text = refusal(server_tls(certificate=made.certificate, key=made.key), believing())
    assert "the certificate is not valid yet" in text


def test_an_unknown_issuer_is_refused() -> None:
    for client in (None, likewise.TLS(ca=certificates.issuer("Another issuer").certificate)):
        assert "the certificate's issuer is not believed here" in refusal(client=client)


def test_plain_text_to_a_tls_port_says_so_at_the_client() -> None:
    async def run() -> None:
        async with serving() as server:
            with pytest.raises(likewise.CannotConnect, match="if it speaks TLS, the address is tls://"):
                await greet(server.address.replace("tls:", "tcp:"), timeout=0.3)
            assert await greet(server.address, believing()) == "hello, Ada"

    within(10, run())


def test_plain_text_to_a_tls_port_says_so_at_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"\x02\x82pb\x02\x80\x13\x87\x06\x81")
            await reader.read()  # an alert, perhaps, then the end
            writer.close()
            assert await greet(server.address, believing()) == "hello, Ada"

    within(10, run())
    assert "it sends plain text where TLS is expected" in caplog.text


def test_tls_to_a_plain_port_says_so_at_both_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with likewise.serve(Greeter(), "tcp://127.0.0.1:0") as server:
            with pytest.raises(likewise.CannotConnect, match="it sends plain text where TLS is expected"):
                await greet(server.address.replace("tcp:", "tls:"), believing())
            while server.connections:
                await asyncio.sleep(0)
            assert await greet(server.address) == "hello, Ada"

    within(10, run())
    assert "the client speaks TLS where plain text is served" in caplog.text


def test_old_versions_are_refused() -> None:
    def try_tls_1_1(port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, context.wrap_socket(plain):
            raise AssertionError("a server let TLS 1.1 in")

    async def run() -> None:
        async with serving() as server:
            with pytest.raises(ssl.SSLError):
                await asyncio.to_thread(try_tls_1_1, server.port)

    with pytest.warns(DeprecationWarning):
        within(10, run())


# --- client certificates


def asking(**changes: Any) -> likewise.TLS:
    return server_tls(client_ca=certificates.issuer().certificate, **changes)


def test_a_client_certificate_is_seen_at_the_server() -> None:
    seen = []

    class Looking(likewise.Root):
        def rootObject(self, connection: Any) -> likewise.Referenceable:
            seen.append(connection.get_extra_info("peercert"))
            return self

        remote_greet = Greeter.remote_greet

    async def run() -> None:
        async with likewise.serve(Looking(), ANY_HOST, tls=asking()) as server:
            assert await greet(server.address, showing(certificates.client())) == "hello, Ada"

    within(10, run())
    assert seen[0]["subject"] == ((("commonName", "alice"),),)


def test_without_the_certificate_that_is_asked_for_nobody_is_let_in() -> None:
    assert "it asks for a client certificate" in refusal(asking(), believing())


def test_where_it_is_optional_everybody_is() -> None:
    async def run() -> None:
        async with serving(asking(client_certificates="optional")) as server:
            assert await greet(server.address, believing()) == "hello, Ada"
            assert await greet(server.address, showing(certificates.client())) == "hello, Ada"

    within(10, run())


@pytest.mark.parametrize("asked", ["required", "optional"])
def test_a_bad_client_certificate_is_refused(asked: Any) -> None:
    server = asking(client_certificates=asked)
    stranger = certificates.client(by="Another issuer")
    assert "it does not know who issued our certificate" in refusal(server, showing(stranger))
    expired = certificates.client(days=(-10, -1))
    assert "it finds that our certificate has expired" in refusal(server, showing(expired))


# --- reload


def test_a_certificate_is_reloaded_while_connections_stay(tmp_path: Path) -> None:
    files = {"certificate": tmp_path / "server.pem", "key": tmp_path / "server.key"}

    def put(made: certificates.Made) -> None:
        shutil.copy(made.certificate, files["certificate"])
        shutil.copy(made.key, files["key"])

    def serial(connection: likewise.Connection) -> int:
        return int(connection.get_extra_info("peercert")["serialNumber"], 16)

    old, new = certificates.server("old"), certificates.server("new")

    async def run() -> None:
        put(old)
        async with serving(likewise.TLS(**files)) as server, likewise.connect(server.address, tls=believing()) as before:
            put(new)
            server.reload_tls()
            async with likewise.connect(server.address, tls=believing()) as after:
                assert (serial(before), serial(after)) == (old.parsed.serial_number, new.parsed.serial_number)
                assert await before.root.callRemote("greet", "Ada") == "hello, Ada"
            files["key"].write_bytes(old.key.read_bytes())  # half of a renewal
            with pytest.raises(OSError, match=re.escape(str(files["key"]))):
                server.reload_tls()
            async with likewise.connect(server.address, tls=believing()) as after:
                assert serial(after) == new.parsed.serial_number
            server.reload_tls(likewise.TLS(certificate=old.certificate, key=old.key))
            async with likewise.connect(server.address, tls=believing()) as after:
                assert serial(after) == old.parsed.serial_number

    within(10, run())


def test_only_what_can_be_reloaded_is() -> None:
    async def run() -> None:
        async with likewise.serve(Greeter(), "tcp://127.0.0.1:0") as server:
            with pytest.raises(ValueError, match="served without TLS"):
                server.reload_tls()
        async with serving(own_server_context()) as server:
            with pytest.raises(ValueError, match="SSLContext of your own"):
                server.reload_tls()

    within(10, run())


# --- contexts of the user's own, and settings that make no sense


def own_server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server().certificate, certificates.server().key)
    return context


def test_contexts_of_the_users_own_are_taken_as_they_are() -> None:
    trusting = ssl.create_default_context(cafile=str(certificates.issuer().certificate))

    async def run() -> str:
        async with serving(own_server_context()) as server:
            return await greet(server.address, trusting)

    assert within(10, run()) == "hello, Ada"


def test_settings_that_do_not_go_together_are_refused_by_name(tmp_path: Path) -> None:
    made = certificates.server()
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    with pytest.raises(ValueError, match=r"tls:// and .* go together"):
        likewise.serve(Greeter(), "tls://127.0.0.1:0")
    with pytest.raises(ValueError, match=r"tls:// and .* go together"):
        likewise.serve(Greeter(), "tcp://127.0.0.1:0", tls=server_tls())
    with pytest.raises(ValueError, match="reached without TLS"):
        likewise.connect("tcp://127.0.0.1:1", tls=believing())
    with pytest.raises(ValueError, match="client_certificates is"):
        likewise.TLS(client_certificates="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lacks the certificate"):
        likewise.TLS(key=made.key)
    with pytest.raises(ValueError, match="for a server"):
        likewise.connect("tls://127.0.0.1:1", tls=likewise.TLS(client_ca=made.certificate))
    with pytest.raises(OSError, match=r"TLS\(ca='.*junk.pem'\): no certificate in PEM"):
        likewise.connect("tls://127.0.0.1:1", tls=likewise.TLS(ca=junk))
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        likewise.connect("tls://127.0.0.1:1", tls=likewise.TLS(ca=tmp_path / "missing.pem"))
    for wrong, error, text in (
        (likewise.TLS(), ValueError, "a server shows a certificate"),
        (server_tls(ca=made.certificate), ValueError, "for a client"),
        (likewise.TLS(certificate=tmp_path / "missing.pem"), FileNotFoundError, "missing.pem"),
        (likewise.TLS(certificate=junk), OSError, "junk.pem"),
        (server_tls(key=certificates.server("new").key), OSError, "the key that belongs to it"),
        (server_tls(client_ca=junk), OSError, "client_ca"),
    ):
        with pytest.raises(error, match=text):
            within(10, likewise.serve(Greeter(), ANY_HOST, tls=wrong))  # type: ignore[arg-type]


def test_beyond_this_machine_there_is_tls_or_a_clear_refusal() -> None:
    with pytest.raises(PermissionError, match=r"tls=likewise.TLS\(.*insecure=True"):
        likewise.serve(Greeter(), "tcp://0.0.0.0:0")

    async def run() -> str:
        async with likewise.serve(Greeter(), "tls://0.0.0.0:0", tls=server_tls()) as server:
            return await greet(f"tls://127.0.0.1:{server.port}", believing())

    assert within(10, run()) == "hello, Ada"


# --- ceilings


def test_handshakes_under_way_are_counted_and_end_in_time() -> None:
    limits = likewise.Limits(handshakes=4, handshake_seconds=0.5)

    async def run() -> None:
        async with serving(limits=limits) as server:
            idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
            idle.append(await asyncio.open_connection("127.0.0.1", server.port))
            assert await idle[0][0].read() == b""  # it makes way at once, before its time is up
            assert not any(reader.at_eof() for reader, _ in idle[1:])
            await asyncio.gather(*(reader.read() for reader, _ in idle[1:]))  # and so are they, in time
            for _, writer in idle:
                writer.close()
            assert await greet(server.address, believing()) == "hello, Ada"

    within(10, run())


def test_handshakes_that_fail_are_counted_no_longer() -> None:
    async def run() -> None:
        async with serving(limits=likewise.Limits(handshakes=4, connections_per_address=4, connections=4)) as server:
            for junk in [b"", b"\x16\x03\x01", b"GET / HTTP/1.0\r\n\r\n"] * 10:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(junk)
                if junk[:1] != b"G":  # to that the server hangs up by itself
                    writer.write_eof()
                with contextlib.suppress(ConnectionResetError):
                    await reader.read()
                writer.close()
            assert await greet(server.address, believing()) == "hello, Ada"

    within(20, run())


def test_a_server_that_stops_does_not_wait_for_who_is_at_the_door() -> None:
    async def run() -> None:
        async with serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            async with likewise.connect(server.address, tls=believing()):
                pass  # by now the other is at the door
            await asyncio.wait_for(server.close(), 2)
            assert await reader.read() == b""
            writer.close()

    within(10, run())


# --- in words


@pytest.mark.skipif(not hasattr(_ssl, "err_codes_to_names"), reason="Python keeps OpenSSL's names to itself since 3.12")
def test_every_refusal_that_is_named_is_one_that_ssl_knows() -> None:
    assert set(tls_module.TLS_REFUSALS) <= set(vars(_ssl)["err_codes_to_names"].values())


def test_what_has_no_name_is_told_as_it_is() -> None:
    assert "something else" in tls_module.explain(ssl.SSLError(1, "something else"))
    assert tls_module.explain(ConnectionResetError()) == "ConnectionResetError"
