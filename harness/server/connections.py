"""Connections of ``deconform serve``: so many, and each must send its request in time."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST: Final = 2000
# The most that a request may take to arrive, and everything else to be over.
_ARRIVE_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0


class TimedConnection(H11Protocol):
    """A connection that is closed where its request does not arrive, or nobody reads the answer.

    Beyond so many, the one that has kept the service waiting the longest is closed.
    """

    _timer: asyncio.TimerHandle | None = None
    is_arriving = True  # Whether we wait for a request, and not the client for an answer

    @property
    def ends(self) -> float:
        """When it will be closed."""
        return self._timer.when() if self._timer else 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._allow(_ARRIVE_SECONDS)
        if len(self.connections) > _MOST:
            every = (each for each in self.connections if isinstance(each, TimedConnection))
            min(every, key=lambda each: (not each.is_arriving, each.ends)).abort()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        was_arriving = self._timer is not None and self.is_arriving
        super().data_received(data)
        if self.transport.is_closing():
            return
        self.is_arriving = self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
        if not (self.is_arriving and was_arriving):
            self._allow(_ARRIVE_SECONDS if self.is_arriving else _ANSWER_SECONDS)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, also where a request before it is being answered."""
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.abort()

    def on_response_complete(self) -> None:
        """Wait as long for what the client does next as for a request."""
        self.is_arriving = True
        self._allow(_ARRIVE_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close it, whatever is left to be sent."""
        self.transport.abort()

    def _allow(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.abort)
