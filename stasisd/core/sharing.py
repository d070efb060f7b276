"""Which worker of a shared application an event is for.

A call goes to the worker that has the fewest, and what happens to it later goes there too, as long
as that worker is there. A call is its channels: those that an event shows together, the halves of
a Local channel, and who was dialled with who dialled. What shows no channel is for all workers,
but for a bridge's own events, which go where its first channel went. A transfer, and a bridge that
takes in another, are about several calls: each worker that has one of them hears of it.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from .events import (
    BridgeAttendedTransfer,
    BridgeBlindTransfer,
    BridgeMerged,
    ChannelTransfer,
    Event,
)
from .snapshots import BridgeSnapshot, ChannelSnapshot

if TYPE_CHECKING:
    from .tenant import Tenant

Workers = tuple[str, ...]
# Whom an event is for that is for no worker alone.
EVERYBODY: Workers = ()
# For a call that came while no worker was there: whoever comes back first takes it.
NOBODY = "\0"
OF_SEVERAL_CALLS = {BridgeAttendedTransfer, BridgeBlindTransfer, BridgeMerged, ChannelTransfer}


class Sharing:
    """Who has which objects, by their topics."""

    def __init__(self, tenant: "Tenant") -> None:
        self._tenant = tenant
        self._owners: dict[str, str] = {}
        self._loads: Counter[str] = Counter()

    def workers_for(self, event: Event, there: Collection[str]) -> Workers:
        """The workers that an event is for; ``there`` are those that listen."""
        if type(event) in OF_SEVERAL_CALLS:
            known = {self._owners[name] for name in _involved(event) if name in self._owners}
            present = known.intersection(there)
            if present or not known:
                return tuple(sorted(present))
            return (self._choose(sorted(known), there),)
        worker = self._worker_for(event, there)
        return EVERYBODY if worker is None else (worker,)

    def _worker_for(self, event: Event, there: Collection[str]) -> str | None:
        channels = list(self._channels(event))
        others = list(_others(event))
        known = [self._owners[name] for name in (*channels, *others) if name in self._owners]
        worker = next((owner for owner in known if owner in there), None)
        if worker is None:
            if not channels:
                return known[0] if known and not there else None
            worker = self._choose(known, there)
        for name in (*channels, *others):
            if self._owners.get(name) not in there:
                self.give(name, worker)
        return worker

    def _choose(self, known: list[str], there: Collection[str]) -> str:
        """A worker for a call that has none, or whose worker has gone."""
        if there:
            return min(there, key=lambda name: self._loads[name])
        return known[0] if known else NOBODY

    def give(self, name: str, worker: str) -> None:
        """Let a worker have an object."""
        self.forget(name)
        self._owners[name] = worker
        self._loads[worker] += 1

    def forget(self, name: str) -> None:
        """An object is gone, or the application hears no more of it."""
        worker = self._owners.pop(name, None)
        if worker is not None:
            self._loads[worker] -= 1
            if not self._loads[worker]:
                del self._loads[worker]

    def hand_over(self, before: str, worker: str) -> None:
        """Let a worker have all that another had."""
        for name in [name for name, owner in self._owners.items() if owner == before]:
            self.give(name, worker)

    def _channels(self, event: Event) -> Iterator[str]:
        """The channels of an event, those that it shows first."""
        shown = [getattr(event, field, None) for field in ("channel", "caller", "peer")]
        ids = [snapshot.id for snapshot in shown if snapshot is not None]
        for media in ("playback", "recording"):
            snapshot = getattr(event, media, None)
            if snapshot is not None and snapshot.target_uri.startswith("channel:"):
                ids.append(snapshot.target_uri.removeprefix("channel:"))
        yield from (f"channel:{channel_id}" for channel_id in ids)
        for channel in filter(None, map(self._tenant.channels.get, ids)):
            for related in (channel.other_half, channel.attempt.caller):
                if related is not None:
                    yield related.topics[0]


def _others(event: Event) -> Iterator[str]:
    bridge = getattr(event, "bridge", None)
    if bridge is not None:
        yield f"bridge:{bridge.id}"
    for media in ("playback", "recording"):
        snapshot = getattr(event, media, None)
        if snapshot is not None and snapshot.target_uri.startswith("bridge:"):
            yield snapshot.target_uri


def _involved(event: Event) -> Iterator[str]:
    """All channels and bridges that an event shows, and the channels in those bridges."""
    for field in event.__struct_fields__:
        shown = getattr(event, field)
        if isinstance(shown, ChannelSnapshot):
            yield f"channel:{shown.id}"
        elif isinstance(shown, BridgeSnapshot):
            yield f"bridge:{shown.id}"
            yield from (f"channel:{channel_id}" for channel_id in shown.channels)
