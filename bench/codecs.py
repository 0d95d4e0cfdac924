"""
What turns a call into bytes and back, without any connection: each of them as a connection would use it, again and
again. A codec has ``sample(message)``, which makes what is passed, and ``encode(sample)`` and ``decode(data)``.
"""

from __future__ import annotations

import pickle
from typing import Any

from .data import LINE, ORDER, Line, Order, Plain, big_dict, make_order

MESSAGES = ("call", "Order", "dict")  # add(2, 3); one Order; 100,000 entries
TITLES = {"call": "add(2, 3)", "Order": "an Order of 20 Lines", "dict": "a dict of 100,000"}
REQUEST, TARGET, METHOD, WANTS_ANSWER = 77, "root", "add", 1
CHUNK = 65_536  # what a socket hands out at once


def arguments_of(message: str, order: Any) -> tuple[Any, ...]:
    return (2, 3) if message == "call" else (order(),) if message == "Order" else (big_dict(),)


class Likewise:
    """A call as the core writes and reads it, Orders as Copyables."""

    dialect_name = "LIKEWISE_1"

    def __init__(self) -> None:
        import likewise
        from likewise.jelly.decoder import Decoder
        from likewise.jelly.encoder import Encoder
        from likewise.jelly.registry import default_registry
        from likewise.wire import tokens
        from likewise.wire.framer import Framer
        from likewise.wire.writer import bytes_token, int_token, list_head

        class LineCopy(likewise.Copyable, likewise.RemoteCopy, Plain):
            pass

        class OrderCopy(likewise.Copyable, likewise.RemoteCopy, Plain):
            pass

        for each in (LineCopy, OrderCopy):
            likewise.setUnjellyableForClass(each, each)
        self.order = lambda: make_order(OrderCopy, LineCopy)
        self.dialect = getattr(tokens, self.dialect_name)
        names = bytes_token(TARGET.encode()) + bytes_token(METHOD.encode())
        head = list_head(7) + bytes_token(b"message") + int_token(REQUEST)
        self.head = head + names + int_token(WANTS_ANSWER)
        self.limits, self.registry = likewise.Limits(), default_registry
        self.framer = Framer(self.limits)
        self.framer.speak(self.dialect)
        self.encoder = Encoder(None, None, self.limits.depth, self.dialect)
        self.framer.feed(self.head + b"\x01\x80\x0b\x87\x01\x80\x05\x87")
        self.decoder = Decoder(self.framer.next_frame(), self.registry, None, self.limits)

    def sample(self, message: str) -> Any:
        return arguments_of(message, self.order)

    def encode(self, sample: Any) -> bytes:
        encoder = self.encoder
        encoder.begin(None, None, self.limits.depth, self.dialect)
        encoder.encode_arguments(sample)
        encoder.encode_keywords({})
        pieces = [self.head, *encoder.written()]
        encoder.let_go()
        return b"".join(pieces)

    def decode(self, data: bytes) -> Any:
        decoder, framer = self.decoder, self.framer
        framer.feed(data)
        frame = framer.next_frame()
        assert frame is not None
        decoder.begin(frame, self.registry, None, self.limits)
        decoder.read_list()
        for _ in range(5):
            decoder.read_leaf()
        received = decoder.decode_arguments(), decoder.decode_keywords()
        decoder.let_go()
        return received


class LikewisePb(Likewise):
    """The same in the dialect of Twisted."""

    dialect_name = "PB"


class Twisted:
    """jelly and banana of Twisted."""

    def __init__(self) -> None:
        from twisted.spread import pb

        class LineCopy(pb.Copyable, pb.RemoteCopy, Plain):
            pass

        class OrderCopy(pb.Copyable, pb.RemoteCopy, Plain):
            pass

        for each in (LineCopy, OrderCopy):
            pb.setUnjellyableForClass(each, each)
        self.order = lambda: make_order(OrderCopy, LineCopy)
        self.out: list[Any] = []
        self.sender, self.receiver = pb.Broker(), pb.Broker()
        for broker in (self.sender, self.receiver):
            broker.setPrefixLimit(64)
            broker.currentDialect = b"pb"
        self.receiver.expressionReceived = self.out.append
        self.sender.transport = type("Transport", (), {"write": staticmethod(self.out.append)})

    def sample(self, message: str) -> Any:
        return arguments_of(message, self.order)

    def encode(self, sample: Any) -> bytes:
        self.out.clear()
        arguments, keywords = self.sender.serialize(sample), self.sender.serialize({})
        words = (REQUEST, TARGET.encode(), METHOD.encode(), WANTS_ANSWER)
        self.sender.sendCall(b"message", *words, arguments, keywords)
        encoded: bytes = self.out[0]
        return encoded

    def decode(self, data: bytes) -> Any:
        self.out.clear()
        for start in range(0, len(data), CHUNK):  # as it comes from a socket; in one chunk it takes the square of that
            self.receiver.dataReceived(data[start : start + CHUNK])
        expression = self.out[0]
        return self.receiver.unserialize(expression[5]), self.receiver.unserialize(expression[6])


class Pickle:
    """pickle, protocol 5, of plain instances."""

    def sample(self, message: str) -> Any:
        return REQUEST, TARGET, METHOD, WANTS_ANSWER, arguments_of(message, lambda: make_order(Order, Line)), {}

    def encode(self, sample: Any) -> bytes:
        return pickle.dumps(sample, 5)

    def decode(self, data: bytes) -> Any:
        return pickle.loads(data)


class Msgspec:
    """msgspec's msgpack into Structs whose fields are declared: the fastest that Python has, and no general objects."""

    def __init__(self) -> None:
        import msgspec

        self.msgspec: Any = msgspec
        line = msgspec.defstruct("Line", [(name, type(value)) for name, value in LINE.items()])
        fields: list[Any] = [(name, type(value)) for name, value in ORDER.items()]
        order = msgspec.defstruct("Order", [*fields, ("lines", list[line])])
        self.order = lambda: make_order(order, line)
        self.types = {"call": tuple[int, int], "Order": tuple[order], "dict": tuple[dict[str, int]]}
        self.encode = msgspec.msgpack.Encoder().encode

    def sample(self, message: str) -> Any:
        kind: Any = tuple[int, str, str, int, self.types[message], dict[str, int]]
        self.decode = self.msgspec.msgpack.Decoder(kind).decode
        return REQUEST, TARGET, METHOD, WANTS_ANSWER, arguments_of(message, self.order), {}


CODECS: dict[str, Any] = {
    "likewise": Likewise,
    "likewise, pb": LikewisePb,
    "msgspec": Msgspec,
    "pickle": Pickle,
    "twisted": Twisted,
}
