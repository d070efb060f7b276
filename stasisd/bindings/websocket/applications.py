"""The events of a socket's applications, as the stream that its session sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stasisd.core import bus
from stasisd.core.events import Event
from stasisd.operations.events import Hearing

from .frames import POLICY
from .session import Ended

# Bytes of messages that are sent at once, at least.
PIECE = 64 * 1024

# An event for an application, with its number there and the id of the request that caused it.
Encode = Callable[[str, Event, int | None, str | None], bytes]
Permits = Callable[[str, Event], bool]


class ApplicationStream:
    """What a hearing hears, encoded."""

    def __init__(self, hearing: Hearing, encode: Encode, permits: Permits | None = None) -> None:
        """``permits`` says of an application's event whether the socket's grant may hear it."""
        self._hearing = hearing
        self._encode = encode
        self._permits = permits
        self._ended: Ended | None = None
        self._waiting: list[bus.Delivery | bus.Ended] = []  # the oldest last

    async def receive(self) -> Sequence[bytes] | Ended:
        """Wait for events and return what there is: at most a piece that is quickly sent.

        So the time that one send may take is not that of a whole backlog.
        """
        if self._ended is not None:
            return self._ended
        if not self._waiting:
            self._waiting = await self._hearing.mailbox.receive()
            self._waiting.reverse()
        messages: list[bytes] = []
        length = 0
        while self._waiting and length < PIECE:
            delivery = self._waiting.pop()
            if isinstance(delivery, bus.Ended):
                self._ended = Ended(POLICY, delivery.reason)
                break
            if self._permits is None or self._permits(delivery.label, delivery.event):
                messages.append(self._encode(*delivery[:4]))
                length += len(messages[-1])
        return messages or self._ended or messages

    def close(self) -> None:
        """Leave the applications."""
        self._hearing.close()
