"""Challenge and response, and the backoff, without a connection."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from twisted.spread import pb

from likewise.broker import login
from likewise.errors import LoginFailed, LoginRefused
from likewise.limits import Limits
from tests.tls import certificates

FEW = login.FEWEST_ITERATIONS
VERIFIER = login.Verifier.of("sesame", FEW)
PEM = certificates.server().certificate.read_text()


def exchange(
    password: str = "sesame", verifier: login.Verifier = VERIFIER
) -> tuple[login.ScramServer, str, login.ScramClient]:
    """A server that has given its challenge, and the client's proof for it."""
    client = login.ScramClient("alice", password, [login.SCRAM], None)
    server = login.ScramServer(client.first(), "", False)
    assert server.user() == "alice"
    return server, client.respond(server.challenge(verifier)), client


def test_the_right_password_convinces_both_ends() -> None:
    server, final, client = exchange()
    client.check(server.finish(final))


def test_a_wrong_one_does_not() -> None:
    server, final, _ = exchange("open sesame")
    with pytest.raises(LoginRefused, match=login.LOGIN_REFUSED):
        server.finish(final)


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    server, final, client = exchange()
    proof = server.finish(final)
    forged = "v=" + base64.b64encode(bytes(32)).decode()
    assert proof != forged
    with pytest.raises(LoginFailed, match="did not prove"):
        client.check(forged)


def test_a_proof_is_taken_once_and_for_its_own_challenge_only() -> None:
    server, final, _ = exchange()
    other, _, _ = exchange()
    with pytest.raises(LoginRefused):
        other.finish(final)
    server.finish(final)
    with pytest.raises(LoginRefused):
        server.finish(final)


def test_a_captured_exchange_says_nothing_to_a_new_challenge() -> None:
    client = login.ScramClient("alice", "sesame", [login.SCRAM], None)
    first = client.first()
    server = login.ScramServer(first, "", False)
    final = client.respond(server.challenge(VERIFIER))
    server.finish(final)
    again = login.ScramServer(first, "", False)
    again.challenge(VERIFIER)
    with pytest.raises(LoginRefused):
        again.finish(final)


def bound(ways: list[str], shown: bytes, server_pem: str, must_bind: bool = False) -> None:
    """One exchange in which the client was shown ``shown`` (DER) and the server's own certificate is ``server_pem``."""
    client = login.ScramClient("alice", "sesame", ways, hashlib.sha256(shown).digest())
    server = login.ScramServer(client.first(), server_pem, must_bind)
    server.user()
    client.check(server.finish(client.respond(server.challenge(VERIFIER))))


def der(made: certificates.Made) -> bytes:
    return made.parsed.public_bytes(Encoding.DER)


def test_the_exchange_is_bound_to_the_servers_certificate() -> None:
    mine, other = certificates.server(), certificates.server("other-host", ("pond.example",))
    bound([login.SCRAM_PLUS, login.SCRAM], der(mine), PEM)
    bound([login.SCRAM_PLUS], der(mine), PEM, must_bind=True)
    with pytest.raises(LoginRefused):  # somebody in between, with a certificate of his own
        bound([login.SCRAM_PLUS, login.SCRAM], der(other), PEM)


def test_nobody_in_between_can_take_the_binding_off_the_offer() -> None:
    with pytest.raises(LoginFailed, match="but in fact it does"):
        bound([login.SCRAM], der(certificates.server()), PEM)


def test_a_server_that_insists_refuses_who_does_not_bind() -> None:
    client = login.ScramClient("alice", "sesame", [login.SCRAM], None)
    with pytest.raises(LoginFailed):
        login.ScramServer(client.first(), PEM, True).user()


@given(st.text(max_size=60))
def test_junk_for_a_first_message_is_refused_in_a_documented_way(junk: str) -> None:
    for message in (junk, f"n,,n={junk},r=abc", f"n,,n=alice,r={junk}", f"p=tls-unique,,n=alice,r={junk}"):
        try:
            login.ScramServer(message, "", False).user()
        except LoginFailed:
            pass


@given(st.text(max_size=60))
def test_junk_for_a_proof_is_refused(junk: str) -> None:
    server, final, _ = PREPARED
    server.challenge(VERIFIER)
    for message in (junk, final[:-1] + junk, f"c=biws,r={junk},p={junk}"):
        with pytest.raises(LoginRefused):
            server.finish(message)


PREPARED = exchange("another")


@given(st.text(max_size=60))
def test_junk_for_a_challenge_is_refused(junk: str) -> None:
    client = login.ScramClient("alice", "sesame", [login.SCRAM], None)
    client.first()
    with pytest.raises(LoginFailed):
        client.respond(junk)


# --- records


def test_a_verifier_survives_its_text() -> None:
    text = str(VERIFIER)
    assert login.Verifier.parse(text) == VERIFIER
    assert text.startswith(f"SCRAM-SHA-256${FEW}:") and "sesame" not in text


def test_postgresqls_own_form_is_taken() -> None:
    record = (
        "SCRAM-SHA-256$4096:m5Tv7QhLmhKLnLcRmVmpzQ==$XxPkVPzLpSnhSDKUMCDNlN7rmJKiGRPaFxBmFJYmlXc=:"
        "UVKxTyJgp4pKp4XHr7mYKJU8yZKZQpmKMXEyzxyRMSk="
    )
    assert str(login.Verifier.parse(record)) == record


@pytest.mark.parametrize(
    "record",
    ["", "sesame", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA", "SCRAM-SHA-256$10:c2FsdA==$YQ==:YQ==", "a$b:c$d:e"],
)
def test_what_is_no_verifier_is_refused(record: str) -> None:
    with pytest.raises(ValueError, match=r"ScramPasswords\.record"):
        login.Verifier.parse(record)


def test_unknown_users_look_like_known_ones() -> None:
    secret = bytes(32)
    one, again, other = (login.Verifier.imaginary(name, secret, FEW) for name in ("eve", "eve", "mallory"))
    assert one == again and one.salt != other.salt and one.stored_key != other.stored_key
    assert one.is_usable
    assert [len(getattr(one, part)) for part in ("salt", "stored_key", "server_key")] == [
        len(getattr(VERIFIER, part)) for part in ("salt", "stored_key", "server_key")
    ]
    server, final, _ = exchange(verifier=login.Verifier.imaginary("alice", secret, FEW))
    with pytest.raises(LoginRefused, match=login.LOGIN_REFUSED):
        server.finish(final)


def test_passwords_that_scram_can_not_take_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="forbidden"):
        login.Verifier.of("\x07", FEW)
    with pytest.raises(ValueError, match="4096"):
        login.Verifier.of("sesame", 10)
    with pytest.raises(LoginFailed, match="SCRAM"):
        login.ScramClient("", "sesame", [login.SCRAM], None)


def test_the_md5_response_is_twisteds() -> None:
    challenge = bytes(range(16, 32))
    response = login.md5_response(login.md5_record("sesame"), challenge)
    assert response == pb.respond(challenge, b"sesame")
    assert response.hex() == "42def985907d7d10dd9fa96b38e79bee"  # tests/vectors, login-right


# --- backoff


def test_wrong_passwords_earn_waits_that_double_up_to_the_longest() -> None:
    backoff = login.Backoff(Limits(user_attempts=3, user_pause_seconds=10.0))
    waits, now = [], 1000.0
    for _ in range(9):
        waits.append(backoff.pause("alice", "10.0.0.1", now))
        now += waits[-1]
        backoff.failed("alice", "10.0.0.1", now)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 10, 10]
    assert backoff.pause("alice", "10.9.9.9", now) == 3  # who has not guessed waits a moment, and only once
    assert backoff.pause("alice", "10.9.9.9", now + 3, 3) == 0
    assert backoff.pause("bob", "10.0.0.1", now) == 0


def test_unknown_users_wait_as_known_ones_do() -> None:
    backoff = login.Backoff(Limits(user_attempts=1))
    backoff.failed("nobody-of-that-name", "", 5.0)
    assert backoff.pause("nobody-of-that-name", "", 5.0) == 1.0


def test_failures_are_forgiven_in_time_and_by_success() -> None:
    backoff = login.Backoff(Limits(user_attempts=2))
    for _ in range(2):
        backoff.failed("alice", "", 0.0)
    assert backoff.pause("alice", "", 0.0) == 1.0
    backoff.failed("alice", "", 60.0)
    assert backoff.pause("alice", "", 60.0) == 1.0  # one of three is forgiven
    backoff.failed("alice", "", 600.0)
    assert backoff.pause("alice", "", 600.0) == 0.0
    backoff.failed("alice", "", 600.0)
    backoff.succeeded("alice", "")
    assert backoff.pause("alice", "", 600.0) == 0.0


def test_who_is_guessed_at_from_elsewhere_is_not_kept_waiting_at_home() -> None:
    backoff = login.Backoff(Limits(user_attempts=1))
    backoff.succeeded("alice", "10.0.0.1")
    for _ in range(5):
        backoff.failed("alice", "203.0.113.9", 0.0)
    assert backoff.pause("alice", "203.0.113.9", 0.0) > 10
    assert backoff.pause("alice", "10.0.0.1", 0.0) == 0
    backoff.failed("alice", "10.0.0.1", 0.0)
    assert backoff.pause("alice", "10.0.0.1", 0.0) == 1.0


def test_fifty_who_guess_for_ten_minutes_keep_the_owner_waiting_for_a_moment() -> None:
    """By a clock that is set: each guesses again as soon as it may, and the owner comes from a new place each time."""
    limits = Limits()
    backoff = login.Backoff(limits)
    begun = {f"203.0.113.{number}": 0.0 for number in range(50)}  # when each has begun to wait
    guesses, longest = 0, 0.0
    for tenth in range(6_000):
        now = tenth / 10
        for address, since in begun.items():
            if backoff.pause("alice", address, now, now - since) <= 0:
                guesses += 1
                backoff.failed("alice", address, now)
                begun[address] = now
        if tenth % 100 == 99:
            waited = 0.0
            while (pause := backoff.pause("alice", f"198.51.100.{tenth // 100}", now + waited, waited)) > 0:
                waited += pause
            longest = max(longest, waited)
    assert 0 < longest <= 3
    assert guesses <= 50 * (600 / limits.user_pause_seconds + limits.user_attempts + 1)


def test_who_begins_many_guesses_side_by_side_has_no_more_of_them() -> None:
    limits = Limits(user_attempts=3)
    backoff = login.Backoff(limits)
    asking: list[str] = []
    assert [backoff.begin("alice", "a", lambda: asking.append("again")) for _ in range(5)] == [True] * 3 + [False] * 2
    assert backoff.begin("alice", "b", asking.clear) and backoff.begin("bob", "a", asking.clear)  # their tries are their own
    backoff.failed("alice", "a", 0.0)
    backoff.ended("alice", "a")
    assert asking == ["again"] * 2
    assert not backoff.begin("alice", "a", lambda: None)  # two are under way, and two are left
    for _ in range(2):
        backoff.failed("alice", "a", 0.0)
        backoff.ended("alice", "a")
    assert backoff.pause("alice", "a", 0.0) == 1.0
    assert backoff.begin("alice", "a", lambda: None) and not backoff.begin("alice", "a", lambda: None)


def test_right_passwords_are_checked_side_by_side() -> None:
    backoff = login.Backoff(Limits(user_attempts=3))
    for _ in range(10):
        assert all(backoff.begin("alice", "a", lambda: None) for _ in range(3))
        for _ in range(3):
            backoff.succeeded("alice", "a")
            backoff.ended("alice", "a")
    assert not backoff._under_way and not backoff._asking


def test_names_and_addresses_take_a_bounded_room() -> None:
    backoff = login.Backoff(Limits())
    for number in range(20_000):
        backoff.failed(f"user {number}", "", 0.0)
        backoff.succeeded("alice", str(number))
    assert len(backoff._everywhere) <= backoff.PLACES and len(backoff._known) <= backoff.KNOWN
    for number in range(backoff.NETWORKS + 10):
        backoff.failed("alice", f"network {number}", 0.0)
    assert len(backoff._networks) == backoff.NETWORKS
