"""Addresses are read as they stand, or refused with the form to write; and who comes from where is counted together."""

from __future__ import annotations

import os
import socket

import pytest

from likewise.asyncio.addresses import Address, parse, user_at
from likewise.serving.networks import network


@pytest.mark.parametrize(
    "text, expected",
    [
        ("tcp://127.0.0.1:8800", Address("tcp", "127.0.0.1", 8800)),
        ("tls://host.example:8800/", Address("tls", "host.example", 8800)),
        ("tcp://[::1]:0", Address("tcp", "::1", 0)),
        ("unix:///run/app.sock", Address("unix", path="/run/app.sock")),
    ],
)
def test_an_address_is_read(text: str, expected: Address) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text, remedy",
    [
        ("tcp://127.0.0.1:8800?timeout=3", "a query"),
        ("tcp://127.0.0.1:8800#root", "a fragment"),
        ("tcp://ada:secret@127.0.0.1:8800", "login="),
        ("tcp://::1:8800", r"tcp://\[::1\]:8800"),
        ("tcp://127.0.0.1", "lacks a host or a port"),
        ("tcp://127.0.0.1:8800/path", "or has more"),
        ("tcp://127.0.0.1:99999", "Port out of range"),
        ("http://127.0.0.1:8800", "is no address"),
        ("unix://", "names no socket"),
    ],
)
def test_what_is_no_address_is_refused_with_the_form_to_write(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        parse(text)


@pytest.mark.parametrize(
    "host, counted",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_are_counted_together(host: str, counted: str) -> None:
    assert network(host) == counted


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="only some systems tell who is there")
def test_who_is_at_a_unix_socket_is_a_user_of_this_machine() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert user_at(ours) == f"uid {os.getuid()}"
    with socket.socket() as tcp:
        assert user_at(tcp) == user_at(None) == ""
