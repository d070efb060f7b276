"""Plays a recording against the real responder, and says what was different.

Requests go out at the recorded times. Answers are compared with the recorded ones at once; events
when the scenario is over, object by object: the recorded events of an object have to be the first
ones that we told of it, none left out and none between them.
"""

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import trio
import trio.testing

from tests.compatibility.matching import Names, Problem
from tests.compatibility.recording import Line
from tests.compatibility.sip import Phone
from tests.compatibility.target import Target
from tests.support.server import USER, Reply, Socket

Event = dict[str, Any]

# Headers that are made per connection or moment.
PASSING = {"server", "date", "content-length"}
LEAVING = {"ChannelLeftBridge"}


class Asked(msgspec.Struct, frozen=True):
    """What a recording does not show of a request: who asked, and from which page."""

    user: str | None = USER
    headers: dict[str, str] = {}
    heard: int | None = None  # the client had waited for the event at this line


class Found(msgspec.Struct, frozen=True):
    """A problem, at the recorded line it was found at."""

    n: int
    problem: Problem


Play = Callable[[Line], Coroutine[Any, Any, None]]
# Whether a problem at a line is a declared difference.
Excused = Callable[[Line, Problem], bool]


class Replay:
    """One scenario on one server."""

    def __init__(
        self, target: Target, lines: list[Line], asked: dict[int, Asked], excused: Excused
    ) -> None:
        self.found: list[Found] = []
        self._server = target.server
        self._lines = lines
        self._asked = asked
        self._excused = excused
        self._names = Names()
        self._phone = Phone(target.switch, self._names)
        self._sockets: dict[str, Socket] = {}
        self._refusals: dict[str, Reply] = {}
        self._given = set(_given(lines))
        for text in self._given:
            self._names.given(text)

    async def run(self) -> None:
        start = trio.current_time()
        # A response may be recorded after what it caused, so the phone waits on its own.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._play, start, {"sip-out": self._say, "sip-in": self._hear})
            await self._play(
                start,
                {
                    "http": self._request,
                    "ws-open": self._open,
                    "ws-refused": self._refused,
                    "ws-send": self._tell,
                    "ws-close": self._close,
                },
            )
        for ws, socket in self._sockets.items():
            self._compare_events(
                [li for li in self._lines if li.kind == "ws" and li.ws == ws], socket
            )

    async def _play(self, start: float, play: Mapping[str, Play]) -> None:
        for line in self._lines:
            act = play.get(line.kind)
            if act is None or self._excused(line, Problem("asked", None, None)):
                continue
            await trio.sleep_until(start + line.t)
            await trio.testing.wait_all_tasks_blocked()
            await act(line)

    async def _say(self, line: Line) -> None:
        self._phone.say(line.text)

    async def _hear(self, line: Line) -> None:
        for problem in await self._phone.hear(line.text):
            self._note(line, problem)

    def _note(self, line: Line, problem: Problem) -> None:
        if not self._excused(line, problem):
            self.found.append(Found(line.n, problem))

    # --- requests

    async def _request(self, line: Line) -> None:
        asked = self._asked.get(line.n, Asked())
        if asked.heard is not None:
            await self._wait_for_events_until(asked.heard)
        body = None if line.body is None else line.body.encode()
        headers = dict(asked.headers)
        if body is not None:
            headers["content-type"] = "application/json"
        target = self._names.to_ours(line.target)
        reply = await self._server.request(
            line.method, target, body=body, headers=headers, user=asked.user
        )
        self._compare_reply(line, reply)

    async def _wait_for_events_until(self, n: int) -> None:
        recorded = [earlier for earlier in self._lines if earlier.n <= n]
        for ws, socket in self._sockets.items():
            before = [li.message for li in recorded if li.kind == "ws" and li.ws == ws]
            await socket.wait_count(len(before))
            for told, message in zip(before, socket.messages, strict=False):
                list(self._names.problems("", told, message))  # to know the ids in the request

    def _compare_reply(self, line: Line, reply: Reply) -> None:
        if line.status != reply.status:
            self._note(line, Problem("status", line.status, reply.status))
        for name, value in line.headers.items():
            ours = reply.headers.get(name, "")
            if name not in PASSING and not self._names.texts_match(value, ours):
                self._note(line, Problem(f"header.{name}", value, ours))
        recorded, answered = line.response, _decoded(reply)
        if isinstance(recorded, list) and isinstance(answered, list):
            recorded, answered = self._same_order(recorded, answered)
        for problem in self._names.problems("body", recorded, answered):
            self._note(line, problem)

    def _same_order(self, recorded: list[Any], ours: list[Any]) -> tuple[list[Any], list[Any]]:
        """Lists have no order, and hold what other scenarios left behind."""
        known = {self._identity(item, self._names.to_ours): item for item in recorded}
        mine = {self._identity(item, str): item for item in ours}
        names = sorted(name for name in known if name in mine or self._is_ours(known[name]))
        missing = [known[name] for name in names if name not in mine]
        return (
            [known[name] for name in names],
            [mine[name] for name in names if name in mine] + [None] * len(missing),
        )

    def _identity(self, item: Event, translate: Callable[[str], str]) -> str:
        name = item.get("id") or item.get("name") or item.get("channel")
        return translate(name or f"{item['technology']}/{item['resource']}")

    def _is_ours(self, item: Event) -> bool:
        """Whether the scenario itself made what a recorded list holds."""
        name = self._identity(item, str)
        return name in self._given or self._names.to_ours(name) != name

    # --- sockets

    async def _open(self, line: Line) -> None:
        asked = self._asked.get(line.n, Asked())
        opened = await self._server.open(self._names.to_ours(line.request), user=asked.user)
        if isinstance(opened, Socket):
            self._sockets[line.ws] = opened
        else:
            self._refusals[line.ws] = opened
        status = 101 if isinstance(opened, Socket) else opened.status
        if status != line.status:
            self._note(line, Problem("status", line.status, status))

    async def _refused(self, line: Line) -> None:
        body = self._refusals[line.ws].body.decode()
        if body != line.response:
            self._note(line, Problem("body", line.response, body))

    async def _close(self, line: Line) -> None:
        self._sockets[line.ws].close()

    async def _tell(self, line: Line) -> None:
        await self._sockets[line.ws].say(self._names.to_ours(line.text))

    # --- events

    def _compare_events(self, lines: list[Line], socket: Socket) -> None:
        recorded: dict[str, list[Line]] = {}
        for line in lines:
            for key in keys_of(line.message):
                recorded.setdefault(key, []).append(line)
        ours: dict[str, list[Event]] = {}
        for event in socket.messages:
            for key in keys_of(event):
                ours.setdefault(self._recorded_key(key, recorded), []).append(event)
        for key, sequence in recorded.items():
            self._compare_sequence(sequence, ours.pop(key, []))
        for key, left in ours.items():
            last = lines[-1] if lines else self._lines[-1]
            self._note(last, Problem(f"strange.{left[0]['type']}", None, key))

    def _recorded_key(self, key: str, recorded: dict[str, list[Line]]) -> str:
        """The recorded name of one of our objects, by what is known or by who is left."""
        translated = self._names.to_recorded(key)
        if translated in recorded:
            return translated
        for candidate in recorded:
            if not self._names.is_bound(candidate) and self._names.texts_match(candidate, key):
                return candidate
        return translated

    def _compare_sequence(self, recorded: list[Line], ours: list[Event]) -> None:
        rest = list(ours)
        for line in recorded:
            while rest and rest[0]["type"] != line.message["type"]:
                extra = Problem(f"extra.{rest[0]['type']}", None, rest[0])
                if not self._excused(line, extra):
                    break
                rest.pop(0)
            if rest and rest[0]["type"] == line.message["type"]:
                told = _unwrapped(rest.pop(0))
                for problem in self._names.problems("event", _unwrapped(line.message), told):
                    self._note(line, problem)
            else:
                missing = Problem(f"missing.{line.message['type']}", line.message, rest[:1])
                self._note(line, missing)


def keys_of(event: Event) -> Iterator[str]:
    """The objects whose order of events this one is a part of, by names that last.

    A channel's BRIDGEPEER is taken back before or after it is told to have left, so that this
    variable is an object of its own.
    """
    if event["type"] == "RESTResponse":
        yield f"request {event['request_id']}"
        return
    channel = event.get("channel") or event.get("peer")
    if event["type"] == "ChannelVarset" and event["variable"] == "BRIDGEPEER":
        yield f"variable {channel and channel['name']}"
    elif channel is not None and "name" in channel:
        yield f"channel {channel['name']}"
    for kind, field in (("bridge", "id"), ("playback", "id"), ("recording", "name")):
        if kind in event:
            yield f"{kind} {event[kind][field]}"
    if "endpoint" in event:
        yield f"endpoint {event['endpoint']['technology']}/{event['endpoint']['resource']}"
    if event["type"] == "ApplicationReplaced" or not OBJECTS & set(event):
        yield f"application {event['application']}"


OBJECTS = {"channel", "peer", "bridge", "playback", "recording", "endpoint"}


def _unwrapped(event: Event) -> Event:
    """The event; a response over the socket with its body read."""
    if event.get("content_type") != "application/json":
        return event
    return {**event, "message_body": msgspec.json.decode(event["message_body"])}


def _decoded(reply: Reply) -> Any:
    if reply.headers.get("content-type") == "application/json":
        return reply.json
    return reply.body.decode("utf-8", "replace")


def _given(lines: list[Line]) -> Iterator[str]:
    """All that the client chose: names and ids in what it asked."""
    for line in lines:
        parts = urlsplit(line.target or line.request)
        yield from (unquote(segment) for segment in parts.path.split("/") if segment)
        for _, value in parse_qsl(parts.query):
            yield from value.split(",")
        if line.kind == "ws-send":  # its ids are quoted strings, and parts of paths and queries
            yield from re.split(r'[\\"/?=&]', line.text)
