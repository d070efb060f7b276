"""The JSON of results and events.

A snapshot never changes, so its JSON is made once for as long as it is the current one: an
event about a channel costs the event's own few fields. ``msgspec`` writes compact JSON, which
is also what the recorded answers hold byte for byte.
"""

from typing import Any

import msgspec

from stasisd.core import events
from stasisd.operations.asterisk import Information, Pong
from stasisd.operations.version import API_VERSION

from .event_fields import APPLICATION_FIRST, FIELDS, LEADING, TRAILING, objects_of, transfer
from .objects import OTHERS, SNAPSHOTS, Json, timestamp

encode = msgspec.json.Encoder().encode

# Bytes of JSON that are kept; beyond that the cache starts anew. A snapshot that a newer one has
# replaced stays in memory until then, so it is little more than 1000 channels need.
CACHE_LIMIT = 2 << 20
# Events whose JSON is kept while their hearers take it; beyond that the cache starts anew.
BODIES = 1024


class Encoder:
    """Writes the results of operations and the events of one tenant."""

    def __init__(self, server_id: str, version: str, *, pretty: bool = False) -> None:
        """``server_id`` stands in every event as ``asterisk_id``.

        ``pretty`` asks for JSON over several lines, for people, where a request does not say.
        """
        self.server_id = server_id
        self._version = version
        self.pretty = pretty
        self._cache: dict[int, tuple[Any, msgspec.Raw]] = {}
        self._cached = 0
        self._bodies: dict[int, tuple[events.Event, bytes]] = {}

    def result(self, value: Any) -> bytes:
        """The body of a successful operation."""
        return encode(self._written(value))

    def event(
        self,
        application: str,
        event: events.Event,
        sequence: int | None = None,
        caused_by: str | None = None,
    ) -> bytes:
        """The message of an event as this application hears it.

        ``sequence`` and ``caused_by`` are ours, beyond ARI: the event's number in the
        application, and the id of the request that caused it.
        """
        if type(event) in APPLICATION_FIRST:
            message = encode(self._fields(event, application))[:-1]
        else:
            message = self._body(event) + b',"application":' + encode(application)
        if sequence is not None:
            message += b',"sequence":%d' % sequence
        if caused_by is not None:
            message += b',"caused_by":' + encode(caused_by)
        return message + b"}"

    def over_lines(
        self,
        application: str,
        event: events.Event,
        sequence: int | None = None,
        caused_by: str | None = None,
    ) -> bytes:
        """The same over several lines."""
        return msgspec.json.format(self.event(application, event, sequence, caused_by))

    def _body(self, event: events.Event) -> bytes:
        """What all applications hear alike, made once, without the closing brace."""
        kept = self._bodies.get(id(event))
        if kept is not None and kept[0] is event:
            return kept[1]
        if len(self._bodies) >= BODIES:
            self._bodies.clear()
        body = encode(self._fields(event))[:-1]
        self._bodies[id(event)] = (event, body)
        return body

    def _fields(self, event: events.Event, application: str | None = None) -> dict[str, Any]:
        kind = type(event)
        written: dict[str, Any] = {}
        if kind in LEADING:
            written |= LEADING[kind](event)
        written["type"] = kind.__name__
        if application is not None:
            written["application"] = application
        written["timestamp"] = timestamp(event.timestamp)
        if kind in FIELDS:
            written |= FIELDS[kind](event)
        if isinstance(event, events.ChannelTransfer):
            written |= transfer(event, self._snapshot)
        for name in objects_of(kind):
            snapshot = getattr(event, name)
            if snapshot is not None:
                written[name] = self._snapshot(snapshot)
        if kind in TRAILING:
            written |= TRAILING[kind](event)
        written["asterisk_id"] = self.server_id
        return written

    def _written(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._written(item) for item in value]
        if type(value) in SNAPSHOTS:
            return self._snapshot(value)
        if isinstance(value, Information):
            return self._information(value)
        if isinstance(value, Pong):
            return self._pong(value)
        writer = OTHERS.get(type(value))
        return value if writer is None else writer(value)

    def _snapshot(self, snapshot: Any) -> msgspec.Raw:
        """The JSON of a snapshot, made once: it is kept with the snapshot it was made of."""
        kept = self._cache.get(id(snapshot))
        if kept is not None and kept[0] is snapshot:
            return kept[1]
        written = encode(SNAPSHOTS[type(snapshot)](snapshot))
        self._cached += len(written)
        if self._cached > CACHE_LIMIT:
            self._cache.clear()
            self._cached = len(written)
        raw = msgspec.Raw(written)
        self._cache[id(snapshot)] = (snapshot, raw)
        return raw

    def _information(self, information: Information) -> Json:
        """ARI's AsteriskInfo."""
        everything = {
            "build": {
                "os": information.operating_system,
                "kernel": information.kernel,
                "machine": information.machine,
                "options": "",
                "date": "",
                "user": "",
            },
            "system": {
                "version": self._version,
                "entity_id": self.server_id,
                "api_version": API_VERSION,
            },
            "config": {
                "name": information.system_name,
                "default_language": information.language,
                "setid": {"user": "", "group": ""},
            },
            "status": {
                "startup_time": timestamp(information.started),
                "last_reload_time": timestamp(information.reloaded),
            },
        }
        return {name: everything[name] for name in everything if name in information.sections}

    def _pong(self, pong: Pong) -> Json:
        """ARI's AsteriskPing."""
        return {
            "ping": "pong",
            "timestamp": timestamp(pong.timestamp),
            "asterisk_id": self.server_id,
        }
