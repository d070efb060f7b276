"""The events of a socket's applications, as the stream that its session sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stasisd.core import bus
from stasisd.core.events import Event
from stasisd.operations.events import Hearing

from .frames import POLICY
from .session import Ended

Encode = Callable[[str, Event], bytes]
Permits = Callable[[str, Event], bool]


class ApplicationStream:
    """What a hearing hears, encoded."""

    def __init__(self, hearing: Hearing, encode: Encode, permits: Permits | None = None) -> None:
        """``permits`` says of an application's event whether the socket's grant may hear it."""
        self._hearing = hearing
        self._encode = encode
        self._permits = permits
        self._ended: Ended | None = None

    async def receive(self) -> Sequence[bytes] | Ended:
        """Wait for events and return all there are."""
        if self._ended is not None:
            return self._ended
        messages: list[bytes] = []
        for delivery in await self._hearing.mailbox.receive():
            if isinstance(delivery, bus.Ended):
                self._ended = Ended(POLICY, delivery.reason)
                break
            application, event = delivery
            if self._permits is None or self._permits(application, event):
                messages.append(self._encode(application, event))
        return messages or self._ended or messages

    def close(self) -> None:
        """Leave the applications."""
        self._hearing.close()
