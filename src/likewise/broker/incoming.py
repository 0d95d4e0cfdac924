"""
One message of the peer, once the greeting is over: it changes the tables, settles a call of ours, or becomes an event.

Sources of the messages: ``twisted.spread.pb.Broker.proto_*``, and :mod:`~likewise.broker.ours` for our own.
"""

from __future__ import annotations

from typing import Any

from ..bounded import CLIP, clip, text_of
from ..errors import ENDS_THE_PROGRAM, CallError, Error, InsecureJelly, LimitExceeded, RemoteProtocolError
from ..jelly import atoms
from ..jelly.atoms import ANSWER, CACHEMESSAGE, ERROR, MESSAGE
from ..jelly.context import Luid
from ..jelly.decoder import Decoder
from ..jelly.registry import Registry
from ..jelly.salvage import Salvage
from ..trace import Recorder
from ..wire.framer import Frame
from ..wire.tokens import LIKEWISE_1
from . import messages, ours
from .answers import send_error
from .entries import Observed, takes_expressions
from .events import CallCancelled, Event, call_received
from .messages import read_luid
from .names import check_keywords, method_name
from .outbox import Outbox
from .states import for_caller
from .tables import Tables

IDLE_DECODERS_KEPT = 4
# Decoders that wait for the next message, of whatever session: to make one costs as much as to read a small message. A
# message takes its decoder out, for a hook may have another read meanwhile.
_idle: list[Decoder] = []


class IncomingMessages:
    """
    What comes in over one session.

    ``registry`` is what may be built of it, ``decoder`` the class that reads it (a driver may have forms of its own).
    ``record`` writes a trace record, where somebody traces.
    """

    __slots__ = (
        "_faults",
        "_given_back",
        "_name_limit",
        "_outbox",
        "_tables",
        "decoder",
        "record",
        "registry",
    )

    def __init__(
        self,
        tables: Tables,
        outbox: Outbox,
        registry: Registry,
        decoder: type[Decoder] = Decoder,
        record: Recorder | None = None,
    ) -> None:
        self._tables = tables
        self._outbox = outbox
        self._name_limit = tables.limits.name_bytes
        self._faults = 0
        self._given_back = 0  # caches that were released without ever having been held: an uncache comes for each
        self.registry = registry
        self.decoder = decoder
        self.record = record

    def handle(self, frame: Frame) -> Event | None:
        """
        Handle one whole message; a call becomes an event.

        Raises:
            RemoteProtocolError: no honest peer sends this.
        """
        try:
            decoder: Decoder | None = _idle.pop()
        except IndexError:  # none idle; to look first is no help, for other threads have loops of their own
            decoder = None
        if decoder is None or type(decoder) is not self.decoder:
            decoder = self.decoder(frame, self.registry, self._tables, self._tables.limits)
        else:
            decoder.begin(frame, self.registry, self._tables, self._tables.limits)
        try:
            return self._by_word(decoder, frame)
        finally:
            decoder.let_go()
            if len(_idle) < IDLE_DECODERS_KEPT:
                _idle.append(decoder)

    def _by_word(self, decoder: Decoder, frame: Frame) -> Event | None:
        count = decoder.read_list()
        if not count:
            raise RemoteProtocolError("an empty message")
        word = decoder.read_word()
        if word in (MESSAGE, CACHEMESSAGE):
            if count != 7:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 7")
            return self._call(decoder, frame, word == CACHEMESSAGE)
        if word in (ANSWER, ERROR):
            if count != 3:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 3")
            self._settle(decoder, frame, word == ERROR)
            return None
        if count != 2:
            if self._outbox.ceilings.dialect is LIKEWISE_1:
                if word == atoms.LIMITS:
                    if not self._outbox.take_peer_limits(ours.read_limits(decoder, count)):
                        self._fault("limits, which were told already")
                    return None
                if word == atoms.UNCACHE and count == 3:
                    self._released(word, read_luid(decoder), ours.read_reason(decoder))
                    return None
            if word in messages.RELEASE_HEADS or word == atoms.VERSION:
                raise RemoteProtocolError(f"({word.decode()} ...) of {count} items: it takes 2")
        elif word in messages.RELEASE_HEADS:
            self._released(word, read_luid(decoder), ours.ENDED)
            return None
        elif word == atoms.VERSION:
            version = decoder.read_expression()
            if version != atoms.PB_VERSION:
                raise RemoteProtocolError(f"Version Incompatibility: {atoms.PB_VERSION} {clip(version)}")
            return None
        elif word == atoms.CANCEL and self._outbox.ceilings.dialect is LIKEWISE_1:
            return CallCancelled(decoder.read_int())
        if word == atoms.DID_NOT_UNDERSTAND:
            if self.record is not None:
                self.record("not-understood", word=clip(decoder.read_expression() if count > 1 else b""))
        else:
            self._fault(f"unknown message {clip(word)}")
            if len(word) <= self._tables.limits.name_bytes:
                self._outbox.queue([messages.did_not_understand(word)])
        return None

    def _call(self, decoder: Decoder, frame: Frame, to_cache: bool) -> Event | None:
        request = decoder.read_int()
        luid = read_luid(decoder)
        raw_name = decoder.read_word()
        want_answer = bool(decoder.read_leaf())
        start = decoder.pos
        try:
            if to_cache:
                target = self._tables.mirror_to_change(luid)
                is_raw = takes_expressions(target)
            else:
                exported = self._tables.exported.get(luid)
                if exported is None:
                    raise Error("Invalid Object ID")
                target = exported.target
                is_raw = exported.is_raw
            perspective = None if to_cache else getattr(target, "perspective", None)
            if is_raw:
                args: Any = decoder.read_expression()
                kwargs: Any = decoder.read_expression()
            else:
                decoder.perspective = perspective
                args = decoder.decode_arguments()
                kwargs = decoder.decode_keywords()
                if type(args) is not tuple or type(kwargs) is not dict:
                    raise InsecureJelly("a call takes a tuple and a dictionary")
                if kwargs:
                    kwargs = check_keywords(kwargs, self._name_limit)
            name = method_name(raw_name, self._name_limit)
        except BaseException as error:  # what a hook of the application raises, too
            self._salvage(decoder, frame, start)
            if to_cache:
                self._tables.change_refused(self._tables.mirror_called(luid), None)
            if self.record is not None:
                self.record("call.refused", method=clip(raw_name), error=text_of(error, CLIP))
            if not isinstance(error, CallError):
                self._tables.driver.report("reading the arguments of a call", error)
            if want_answer:
                send_error(self._outbox, self._tables.flavours, request, error)
            else:
                self._tables.driver.one_way_failed(clip(raw_name), error)
            if isinstance(error, ENDS_THE_PROGRAM):
                raise
            return None
        return call_received(request, target, name, args, kwargs, perspective, want_answer, is_raw, decoder.weight)

    def _settle(self, decoder: Decoder, frame: Frame, is_error: bool) -> None:
        """An answer or an error; the call it settles does so even if it can't be read."""
        request = decoder.read_int()
        start = decoder.pos
        result = self._tables.take_result(request)
        if result is None:
            self._salvage(decoder, frame, start)
            self._fault(f"an answer to {clip(request)}, which was not asked")
            return
        if self._tables.changes:
            self._tables.change_answered(request, is_error)
        try:
            value = decoder.decode()
            if is_error:
                value = self._tables.flavours.error_to_raise(value, self.registry)
        except BaseException as error:
            self._salvage(decoder, frame, start)
            is_error, value = True, for_caller(error)
        if self._tables.just_released and not self._tables.results:
            self._tables.just_released = None
        if is_error:
            self._tables.driver.reject(result, value)
        else:
            self._tables.driver.settle(result, value)

    def _released(self, word: bytes, luid: Luid, because: str) -> None:
        """The peer gives something back, or has stopped keeping a mirror here up to date."""
        if word == atoms.DECREF:
            known: object = self._tables.release(luid)
        elif word == atoms.UNCACHE:
            mirror = known = self._tables.uncache(luid, because)
            if mirror is not None:
                mirror.stop(self._tables.driver)
            elif self._given_back:
                self._given_back -= 1
                known = True
        else:
            known = self._tables.release_cache(luid)
            if isinstance(known, Observed):
                known.stop(self._tables.driver)
                self._outbox.queue([messages.release(atoms.UNCACHE, luid)])
        if self._tables.just_released and not self._tables.results:
            self._tables.just_released = None
        if not known:
            self._fault(f"{word.decode()} of {clip(luid)}, which is not held")

    def _salvage(self, decoder: Decoder, frame: Frame, start: int) -> None:
        """Give back what a message that is not used had counted for us."""
        held = Salvage(frame, start, decoder.failed_at or decoder.pos).walk()
        pieces = [messages.release(atoms.DECREF, luid) for luid in held.references]
        for luid in held.caches:
            if not self._tables.has_mirror(luid):
                self._given_back += 1
            pieces.append(messages.release(atoms.DECACHE, luid))
        if pieces:
            self._outbox.queue([b"".join(pieces)], True)

    def _fault(self, what: str) -> None:
        """Something no honest peer sends, yet harmless: noted, and after ``limits.faults`` of them the end."""
        self._faults += 1
        if self.record is not None:
            self.record("fault", error=what)
        if self._faults > self._tables.limits.faults:
            raise LimitExceeded("faults", self._faults, self._tables.limits.faults)


__all__ = ("IncomingMessages",)
