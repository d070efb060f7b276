"""One call of the phone: its state as SIP events change it, and its sound."""

from collections.abc import Callable

import trio
from msgspec import Struct

from stasisd.media.commands import Remote
from stasisd.sip import events
from stasisd.sip.causes import NORMAL_CLEARING
from stasisd.sip.endpoint import Endpoint
from stasisd.technologies.sip.description import Description, NotAcceptable, SdpError

from .hearing import Samples
from .stream import Stream

# Q.850: incompatible destination.
_INCOMPATIBLE = 88


class CallRefused(Exception):
    """The call was not answered: ``status`` is SIP's, 487 where we gave up ourselves."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


class Ending(Struct, frozen=True):
    """How a call ended: its cause of Q.850, and by whom."""

    cause: int
    by: events.By


class Call:
    """A call in either direction; made by the phone."""

    def __init__(
        self,
        endpoint: Endpoint,
        call_id: events.CallId,
        stream: Stream,
        description: Description,
        *,
        changed: Callable[[], None],
        nursery: trio.Nursery,
        offer: bytes = b"",
    ) -> None:
        """``offer`` is a caller's; ``changed`` tells the phone that there may be something to send.

        The stream runs in the nursery.
        """
        self.id = call_id
        self.stream = stream
        self._description = description
        self.statuses: list[int] = []
        self.ending: Ending | None = None
        self._endpoint = endpoint
        self._changed = changed
        self._nursery = nursery
        self._offer = offer
        self._answered = False
        self._refusal: CallRefused | None = None
        self._news = trio.lowlevel.ParkingLot()

    # What can be done.

    def answer(self) -> None:
        """Answer a call that came in. Raise NotAcceptable or SdpError for what it offers."""
        if self._offer:
            body, remote = self._description.answer(self._offer)
            self._settle(remote)
        else:
            body = self._description.offer()
        self._answered = True
        self._endpoint.answer(self.id, body, trio.current_time())
        self._changed()

    def ring(self) -> None:
        """Tell a caller that it rings here."""
        self._endpoint.ring(self.id, trio.current_time())
        self._changed()

    def hang_up(self, cause: int = NORMAL_CLEARING) -> None:
        """Leave, give up, or refuse, with a cause of Q.850."""
        self._endpoint.hangup(self.id, cause, trio.current_time())
        self._changed()

    def press(self, keys: str, milliseconds: int = 100) -> None:
        """Press keys, after what is still to be said. Raise StreamOver, or ValueError."""
        self.stream.speaking.press(keys, milliseconds)

    def say(self, samples: Samples) -> None:
        """Say something (8000 samples a second). Raise StreamOver."""
        self.stream.speaking.say(samples)

    async def listen(self, seconds: float) -> Samples:
        """Hear the next seconds. Raise StreamOver when the call ends meanwhile."""
        return await self.stream.listen(seconds)

    async def wait_said(self) -> None:
        """Wait until all has been said and pressed. Raise StreamOver."""
        await self.stream.wait_said()

    async def wait_answered(self) -> None:
        """Wait for the answer to a call of ours. Raise CallRefused."""
        while not self._answered:
            if self._refusal is not None:
                raise self._refusal
            await self._news.park()

    async def wait_status(self, status: int) -> None:
        """Wait for a provisional response, such as 180. Raise CallRefused when none can come."""
        while status not in self.statuses:
            if self._refusal is not None:
                raise self._refusal
            await self._news.park()

    async def wait_ended(self) -> Ending:
        """Wait for the end."""
        while self.ending is None:
            await self._news.park()
        return self.ending

    @property
    def heard(self) -> Samples:
        """All that was heard since the far end could send."""
        return self.stream.heard

    @property
    def said(self) -> Samples:
        """All that was said in the same time; keys are silence in it."""
        return self.stream.said

    # What happens.

    def take(self, event: events.Event) -> None:
        """Take an event of this call."""
        match event:
            case events.CallProgressed():
                self.statuses.append(event.status)
                self._settle_with(event.body)
            case events.CallAnswered():
                self._answered = True
                self._settle_with(event.body)
            case events.OfferAnswered():
                self._settle_with(event.body)
            case events.OfferReceived():
                self._renegotiate(event.body)
            case events.CallRejected():
                self._refusal = CallRefused(event.status, event.reason)
                self._end(Ending(event.cause, events.By.REMOTE))
            case events.CallEnded():
                self._refusal = CallRefused(487, "Request Terminated")
                self._end(Ending(event.cause, event.by))
        self._news.unpark_all()

    def _settle_with(self, answer: bytes) -> None:
        if not answer:
            return
        try:
            self._settle(self._description.take_answer(answer))
        except (NotAcceptable, SdpError):
            self.hang_up(_INCOMPATIBLE)

    def _settle(self, remote: Remote) -> None:
        self.stream.settle(remote, self._nursery)

    def _renegotiate(self, offer: bytes) -> None:
        now = trio.current_time()
        if not offer:
            self._endpoint.accept_offer(self.id, self._description.offer(), now)
            return
        try:
            body, remote = self._description.answer(offer)
        except (NotAcceptable, SdpError):
            self._endpoint.reject_offer(self.id, now)
            return
        self._settle(remote)
        self._endpoint.accept_offer(self.id, body, now)

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        self.stream.end()
