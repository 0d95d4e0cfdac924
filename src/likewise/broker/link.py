"""
One line of a session: bytes become frames, and the two ends agree on a dialect.

A link lives as long as what carries its bytes. It knows no table and no call: whatever frames it gives once it is open
are for :mod:`~likewise.broker.incoming`. The server speaks first and offers dialects, the client answers with the first
of them that it knows (``twisted.spread.banana.Banana.connectionMade`` and ``callExpressionReceived``).
"""

from __future__ import annotations

from ..errors import LocalProtocolError, RemoteProtocolError
from ..jelly.decoder import Decoder
from ..jelly.registry import Registry
from ..limits import Limits
from ..wire.framer import Frame, Framer
from ..wire.tokens import Dialect
from . import messages
from .states import Move, Side, State, following


class Link(Framer):
    """
    The greeting and the framing of one line, for this end of it.

    ``dialects`` is what this end speaks, the best first; ``state`` says how far the greeting is.
    """

    __slots__ = ("_greeting", "_side", "dialects", "state")

    def __init__(self, side: Side, dialects: tuple[Dialect, ...], limits: Limits) -> None:
        super().__init__(limits)
        self._side = side
        self.dialects = dialects
        self.state = State.GREETING
        self._greeting: bytes | None = None  # what the greeting has to send

    def start(self) -> bool:
        """The line is made: a server speaks first. Whether there is something to send."""
        if self._side is Side.SERVER:
            self._move(Side.SERVER, Move.OFFER)
            self._greeting = messages.offer(self.dialects)
        return self._greeting is not None

    def greet(self, frame: Frame, registry: Registry, limits: Limits) -> Dialect:
        """
        Take the peer's part of the greeting, which ends with it: the dialect that both speak from now on.

        Raises:
            RemoteProtocolError: it is neither an offer nor a choice of dialects, or none is spoken here.
        """
        expression = Decoder(frame, registry, None, limits).read_expression()
        if self._side is Side.CLIENT:
            self._move(Side.SERVER, Move.OFFER)
            dialect = messages.best_offered(expression, self.dialects)
            self._greeting = messages.choice(dialect)
        else:
            dialect = messages.chosen(expression, self.dialects)
        self._move(Side.CLIENT, Move.CHOICE)
        self.speak(dialect)
        return dialect

    def take_greeting(self) -> bytes:
        """What the greeting has to send, before anything else; empty when there is nothing."""
        greeting, self._greeting = self._greeting, None
        return greeting or b""

    def accept(self, limits: Limits, dialect: Dialect) -> None:
        """From the next message on accept what these ceilings allow; ``dialect`` is spoken if the greeting is over."""
        self.hold_to(limits)
        if self.state is State.OPEN:
            self.speak(dialect)

    def _move(self, sender: Side, move: Move) -> None:
        after = following(self.state, sender, move)
        if after is None:
            who = LocalProtocolError if sender is self._side else RemoteProtocolError
            raise who(f"the {sender.value} may not send a {move.value} while {self.state.value}")
        self.state = after


__all__ = ("Link",)
