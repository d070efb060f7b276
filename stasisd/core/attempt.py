"""The attempt to reach a channel's far end: what is told of it, and who hears how it goes."""

from typing import TYPE_CHECKING

import trio

from . import events

if TYPE_CHECKING:
    from .channel import Channel


class Attempt:
    """Each channel has one, whether it is ever dialled or not.

    ``caller`` is shown in the events. ``awaited_by`` waits in the dialplan for the answer.
    ``asked`` says that an application asked for it. ``detached`` is set when a transfer parts
    an answered channel from the one that dialled it: it then goes on by itself.
    """

    def __init__(self, channel: "Channel", dialstring: str) -> None:
        """``dialstring`` is what the events show as dialled."""
        self._channel = channel
        self._dialstring = dialstring
        self.caller: Channel | None = None
        self.awaited_by: Channel | None = None
        self.asked = False
        self.detached = trio.Event()
        self._begun = False
        self._rung: list[Channel] = []

    def begin(self) -> None:
        """The call is on its way; told once."""
        if not self._begun:
            self._begun = True
            self.tell("")
            if self.asked:  # then later events do not show what was dialled
                self._dialstring = ""

    def tell(self, status: str) -> None:
        """Publish how it goes."""
        if status:
            self.begin()
        channel, caller = self._channel, self.caller
        channel.tenant.publish(
            events.Dial,
            channel.topics if caller is None else (*channel.topics, *caller.topics),
            peer=channel.snapshot,
            dialstatus=status,
            dialstring=self._dialstring,
            caller=caller.snapshot if caller is not None else None,
        )

    def ringing(self) -> None:
        """The far end rings."""
        self._channel.set_state("Ringing")
        self.tell("RINGING")
        self._rung = self._hearers()
        for hearer in self._rung:
            hearer.ring()

    def progressing(self) -> None:
        """The far end sends media before it answers: whoever waits for it hears that."""
        self.tell("PROGRESS")
        for hearer in self._hearers():
            hearer.progress()
        caller, port = self.awaited_by, self._channel.port
        if caller is not None and caller.port is not None and port is not None:
            caller.port.connect(port)

    def answered(self) -> None:
        """The far end answered, and with it who is in the bridge and not answered yet."""
        self._channel.set_state("Up")
        self.tell("ANSWER")
        if self.awaited_by is None:
            for hearer in self._hearers():
                hearer.answer()

    def end(self) -> None:
        """It is over, however it went: nobody hears it ringing any more."""
        for hearer in self._rung:
            hearer.ring_stop()
        self._rung = []

    def _hearers(self) -> "list[Channel]":
        """Who hears how it goes: who waits for it, or those in the bridge with it."""
        if self.awaited_by is not None:
            return [self.awaited_by]
        channel = self._channel
        members = channel.bridge.channels if channel.bridge is not None else ()
        return [peer for peer in members if peer is not channel and peer.state in {"Ring", "Up"}]
