"""Hostile tokens, S-1 to S-12: prefixes, type bytes, declared lengths, nesting, many tiny things."""

from __future__ import annotations

import struct
import time

from tests.hostile.harness import Server, case, cases, drops, refuses, serves
from tests.hostile.raw import Peer, list_head, string_head
from tests.sexp import encode

CALL = b"\x07\x80" + encode(b"message") + encode(1) + encode(b"root") + encode(b"one") + encode(1)
END = encode([b"dictionary"])


def call_with(argument: bytes, name: bytes = b"one", number: int = 1) -> bytes:
    """A whole call with one argument, whatever its bytes."""
    head = b"\x07\x80" + encode(b"message") + encode(number) + encode(b"root") + encode(name) + encode(1)
    return head + b"\x02\x80" + encode(b"tuple") + argument + END


# --- S-1, S-2: prefixes


@case("S-1", "a prefix of 65 digits ends the connection")
def long_prefix(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x01" * 65 + b"\x81")
        drops(server, peer, limit="prefix_digits")


@case("S-1", "a prefix that never ends is refused at its 65th digit, also dribbled byte by byte")
def dribbled_prefix(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(200):
            if not peer.send(b"\x01"):
                break
            time.sleep(0.002)  # so that each byte is a chunk of its own
        drops(server, peer, limit="prefix_digits")


@case("S-1", "digits without end in one go: nothing is kept of them")
def endless_prefix(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x01" * (4 << 20))
        drops(server, peer, limit="prefix_digits")


@case("S-2", "padded prefixes mean what they mean without the padding")
def padded_prefix(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(call_with(b"\x05" + b"\x00" * 63 + b"\x81", b"echo"))
        assert peer.result(1)[2] == 5


@case("S-2", "a million padding digits are bounded by time and bytes as all others are", cpu=1.0)
def much_padding(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(8):
            item = b"\x01" + b"\x00" * 62 + b"\x81"
            peer.send(call_with(list_head(2_001) + encode(b"list") + item * 2_000))
            assert peer.result(1)[0] == b"answer"


# --- S-3: type bytes


@cases(
    "S-3",
    "a type byte that there is none of ends the connection",
    {f"{byte:#04x}": byte for byte in (0x88, 0x89, 0x8F, 0x90, 0xA5, 0xC0, 0xE2, 0xFE, 0xFF)},
)
def unknown_type(server: Server, value: int) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x01" + bytes([value]))
        drops(server, peer, "RemoteProtocolError", text="starts no token")
    with Peer(server.port, None) as peer:
        peer.receive()
        peer.send(bytes([value]))
        drops(server, peer, "RemoteProtocolError", text="starts no token")


@cases(
    "S-3",
    "a greeting that is no choice of a dialect ends the connection",
    {
        "a dialect that was not offered": encode(b"pickle", "none"),
        "a number": encode(5),
        "a list": encode([b"pb"], "none"),
        "a nested list": encode([[[[b"pb"]]]], "none"),
        "a float": encode(1.5),
        "a call before any choice": encode([b"message", 1, b"root", b"ping", 1, [b"tuple"], [b"dictionary"]], "none"),
        "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\xff",
        "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(range(128, 256)),
        "bytes without a type": b"\x00" * 300,
    },
)
def bad_greeting(server: Server, value: bytes) -> None:
    with Peer(server.port, None) as peer:
        peer.receive()
        peer.send(value)
        assert peer.is_closed()
        assert server.reason(peer)[0] in ("RemoteProtocolError", "LimitExceeded")


@case("S-3", "a greeting may have 4 KiB, not more")
def long_greeting(server: Server) -> None:
    with Peer(server.port, None) as peer:
        peer.receive()
        peer.send(string_head(5_000))
        drops(server, peer, limit="string_bytes")
    with Peer(server.port, None) as peer:
        peer.receive()
        peer.send(list_head(4_000) + b"\x01\x82p" * 3_000)
        drops(server, peer, limit="frame_bytes")


# --- S-4, S-5: declared lengths


SIZES = {"640 KiB + 1": 655_361, "2^31": 2**31, "2^448": 2**448 - 1}


@cases("S-4", "a string header over the ceiling reserves nothing", SIZES)
def declared_string(server: Server, value: int) -> None:
    with Peer(server.port) as peer:
        peer.send(string_head(value))
        drops(server, peer, limit="string_bytes")


@case("S-4", "strings that are declared and never sent hold nothing, on 60 connections at once")
def declared_only(server: Server) -> None:
    peers = [Peer(server.port) for _ in range(60)]
    for peer in peers:
        peer.send(string_head(655_360) + b"x")
    for peer in peers:
        peer.close()


@cases("S-5", "a list header over the ceiling reserves nothing", SIZES)
def declared_list(server: Server, value: int) -> None:
    with Peer(server.port) as peer:
        peer.send(list_head(value))
        drops(server, peer, limit="list_items")


@case("S-5", "10^6 list headers of the largest size, in sequence")
def declared_lists(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(list_head(25_000) * 1_000_000)
        drops(server, peer, limit="frame_items")


@case("S-5", "a list declared at its ceiling, without a body, holds nothing")
def declared_list_only(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(list_head(25_000))
    with Peer(server.port) as peer:
        serves(peer)


# --- S-6, S-7: nesting and empty lists


@case("S-6", "10^6 nested lists end the connection at the ceiling of depth")
def nested(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x01\x80" * 1_000_000)
        drops(server, peer, limit="depth")


@case("S-6", "10^6 nested lists as an argument")
def nested_argument(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(CALL + b"\x02\x80" + encode(b"tuple") + b"\x02\x80\x08\x87" * 1_000_000)
        drops(server, peer, limit="depth")


@case("S-6", "nested lists dribbled one opener at a time")
def nested_dribble(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(200):
            if not peer.send(b"\x01\x80"):
                break
            time.sleep(0.001)  # each opener a chunk
        drops(server, peer, limit="depth")


@case("S-7", "10^6 empty lists, each a message: the first is one too many")
def empty_messages(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x00\x80" * 1_000_000)
        drops(server, peer, "RemoteProtocolError", text="empty message")


@case("S-7", "lists of 655,360 empty lists cost their budget")
def empty_lists(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(call_with(list_head(655_360) + b"\x00\x80" * 655_360))
        drops(server, peer, limit="list_items")


@case("S-7", "lists of 20,000 empty lists, one after another in one message", cpu=0.5)
def empty_lists_below(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(CALL + list_head(11) + encode(b"tuple") + (list_head(20_000) + b"\x00\x80" * 20_000) * 10 + END)
        drops(server, peer, limit="frame_items")


@case("S-7", "empty lists where values must be fail the call")
def empty_list_value(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(call_with(b"\x00\x80"))
        refuses(peer, 1, text="empty list")


# --- S-8, S-9: cutting


@case("S-8", "tiny items cost time in proportion, in one chunk and in many", cpu=3.0)
def tiny_items(server: Server) -> None:
    def seconds(items: int, pieces: int) -> float:
        data = call_with(list_head(items + 1) + encode(b"list") + b"\x01\x81" * items)
        step = max(1, len(data) // pieces)
        with Peer(server.port) as peer:
            best = 9.0
            for _ in range(3):
                began = server.cpu()
                for _ in range(8):
                    peer.send(*(data[i : i + step] for i in range(0, len(data), step)))
                    peer.result(1)
                best = min(best, server.cpu() - began)
            return best

    for pieces in (1, 1_000):
        small, large = seconds(6_000, pieces), seconds(24_000, pieces)
        assert large < 4 * 2.3 * max(small, 0.02), f"6,000 items took {small:.3f} s, 24,000 took {large:.3f} s"


@case("S-9", "a string in pieces of 64 bytes costs time in proportion", cpu=2.5)
def tiny_pieces(server: Server) -> None:
    with Peer(server.port) as peer:
        data = call_with(string_head(600_000) + b"x" * 600_000)
        peer.send(*(data[i : i + 64] for i in range(0, len(data), 64)))
        assert peer.result(1)[0] == b"answer"


# --- S-10 to S-12


UNKNOWN_WORDS = {"0": b"\x00\x87", "32": b"\x20\x87", "2^64": b"\x01" * 10 + b"\x87"}


@cases("S-10", "a word outside the vocabulary ends the connection", UNKNOWN_WORDS)
def unknown_word(server: Server, value: bytes) -> None:
    with Peer(server.port) as peer:
        peer.send(value)
        drops(server, peer, "RemoteProtocolError", text="vocabulary")


@case("S-10", "a numbered word in dialect none ends the connection")
def word_in_none(server: Server) -> None:
    with Peer(server.port, b"none") as peer:
        peer.send(encode([b"message", 1, b"root", b"ping", 1, [b"tuple"], [b"dictionary"]]))
        drops(server, peer, "RemoteProtocolError", text="vocabulary")


@case("S-11", "a float cut short is waited for, NaN and infinity as keys are keys")
def floats(server: Server) -> None:
    with Peer(server.port) as peer:
        keys = b"".join(b"\x02\x80\x84" + struct.pack(">d", key) + b"\x01\x81" for key in (float("nan"), float("inf"), -0.0))
        peer.send(call_with(b"\x04\x80" + encode(b"dictionary") + keys, b"echo"))
        assert len(peer.result(1)[2]) == 4
        peer.send(CALL + b"\x02\x80" + encode(b"tuple") + b"\x84\x00\x00")
    with Peer(server.port) as peer:
        serves(peer)


@case("S-11", "8,000 keys that are NaN do not collide")
def nan_keys(server: Server) -> None:
    nan = b"\x02\x80\x84" + struct.pack(">d", float("nan")) + b"\x01\x81"
    with Peer(server.port) as peer:
        peer.send(call_with(list_head(8_001) + encode(b"dictionary") + nan * 8_000))
        assert peer.result(1)[0] in (b"answer", b"error")
        serves(peer)


@case("S-12", "160 strings of 640 KiB in one message end the connection", cpu=0.6)
def many_strings(server: Server) -> None:
    string = string_head(655_360) + b"x" * 655_360
    with Peer(server.port) as peer:
        peer.send(CALL + list_head(162) + encode(b"tuple"), *[string] * 160)
        drops(server, peer, limit="frame_bytes")


@case("S-12", "160 strings of 640 KiB in one message, whole, in chunks of 1 KiB", cpu=1.0)
def many_strings_dribbled(server: Server) -> None:
    string = string_head(655_360) + b"x" * 655_360
    with Peer(server.port) as peer:
        data = CALL + list_head(162) + encode(b"tuple") + string * 160
        for i in range(0, len(data), 1_024):
            if not peer.send(data[i : i + 1_024]):
                break
        drops(server, peer, limit="frame_bytes")


@case("S-12", "two MiB of unfinished message on each of 30 connections", cpu=1.0)
def unfinished(server: Server) -> None:
    peers = [Peer(server.port) for _ in range(30)]
    string = string_head(655_360) + b"x" * 655_360
    for peer in peers:
        peer.send(CALL + list_head(9) + encode(b"tuple") + string * 3)
    for peer in peers:
        peer.close()


@case("S-12", "160 strings of 640 KiB in one message, on each of 100 connections that come and go", cpu=2.0)
def many_strings_in_turn(server: Server) -> None:
    string = string_head(655_360) + b"x" * 655_360
    for _ in range(4):
        peers = [Peer(server.port) for _ in range(25)]
        for peer in peers:
            peer.send(CALL + list_head(162) + encode(b"tuple"), *[string] * 5)
        for peer in peers:
            assert peer.is_closed()
            assert server.reason(peer)[1] in ("frame_bytes", "held_bytes")
            peer.close()
