"""What a recorded phone said and was told, over SIP.

Of an answer counts what it is about: its status, the dialog and transaction it belongs to, and
what its description offers. Which headers a server adds beside is its own business.
"""

import re
from collections.abc import Iterator

import trio

from stasisd.sip.flow import Address, Flow
from stasisd.technologies.sip.inbox import Heard, Inbox
from tests.compatibility.matching import Names, Problem
from tests.compatibility.target import SIP
from tests.technologies.sip.wire import Switch, VirtualWire

PATIENCE = 5.0  # virtual seconds
# It is between neighbours, and sent or not as each likes (RFC 3261 section 17.2.1).
TRYING = "SIP/2.0 100 "
SENT_BY = re.compile(r"^Via: SIP/2.0/UDP ([0-9.]+):(\d+)", re.MULTILINE)


class Phone:
    """The far end whose messages the recording holds."""

    def __init__(self, switch: Switch, names: Names) -> None:
        self._switch = switch
        self._names = names
        self._inbox = Inbox()
        self._wire = VirtualWire(switch, None, self._inbox)  # type: ignore[arg-type] # it starts no tasks
        self._address: Address | None = None
        self._came: list[str] = []

    def say(self, text: str) -> None:
        """Send a recorded message, with our tags in it."""
        if self._address is None:
            found = SENT_BY.search(text)
            assert found is not None
            self._address = self._wire.listen_udp(found[1], int(found[2]))
        self._wire.send(Flow("udp", self._address, SIP), self._names.to_ours(text).encode())

    async def hear(self, recorded: str) -> list[Problem]:
        """Compare the next answer with the recorded one."""
        with trio.move_on_after(PATIENCE):
            while not self._came:
                await self._inbox.wait()
                heard = [item for item in self._inbox.take() if isinstance(item, Heard)]
                self._came += [item.data.decode() for item in heard]
                if not recorded.startswith(TRYING):
                    self._came = [text for text in self._came if not text.startswith(TRYING)]
        if not self._came:
            return [Problem("sip", recorded.partition("\r\n")[0], None)]
        return list(self._problems(recorded, self._came.pop(0)))

    def _problems(self, recorded: str, ours: str) -> Iterator[Problem]:
        if recorded.partition("\r\n")[0] != ours.partition("\r\n")[0]:
            yield Problem("sip.status", recorded.partition("\r\n")[0], ours.partition("\r\n")[0])
        for name in ("Call-ID", "CSeq", "From"):
            if field(recorded, name) != field(ours, name):
                yield Problem(f"sip.{name}", field(recorded, name), field(ours, name))
        theirs, mine = tag(recorded), tag(ours)
        same = self._names.bind(theirs, mine) if theirs and mine else theirs == mine
        if not same:
            yield Problem("sip.To", theirs, mine)
        for name in ("m=audio", "a=rtpmap", "a=send", "a=recv"):
            if lines(recorded, name) != lines(ours, name):
                yield Problem(f"sdp.{name}", lines(recorded, name), lines(ours, name))


def field(message: str, name: str) -> str | None:
    """The value of a header."""
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.MULTILINE)
    return found and found[1]


def tag(message: str) -> str | None:
    """The tag that the server gave the dialog."""
    found = re.search(r";tag=([^;\r]+)", field(message, "To") or "")
    return found and found[1]


def lines(message: str, start: str) -> list[str]:
    """The lines of a description that begin like this; a port is as good as another."""
    body = message.partition("\r\n\r\n")[2]
    found = [line for line in body.split("\r\n") if line.startswith(start)]
    return [re.sub(r"^m=audio \d+", "m=audio", line) for line in found]
