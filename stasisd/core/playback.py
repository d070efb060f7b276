"""A playback: a list of media in a task of its own that can be stopped.

It is played to a channel or to a bridge: to a stage.
"""

import uuid
from typing import TYPE_CHECKING

import msgspec
import trio

from stasisd.media.control import Playing

from . import events
from .cause import Ending
from .media_uri import MediaNotFound, resolve
from .snapshots import PlaybackSnapshot

if TYPE_CHECKING:
    from .stage import Stage

DEFAULT_SKIP_MS = 3000

# The state a control leads to, by the state it is asked in; what is not here is refused.
CONTROLS = {
    ("playing", "restart"): "playing",
    ("playing", "pause"): "paused",
    ("playing", "unpause"): "playing",
    ("playing", "forward"): "playing",
    ("playing", "reverse"): "playing",
    ("paused", "restart"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "unpause"): "playing",
    ("paused", "forward"): "paused",
    ("paused", "reverse"): "paused",
}
OPERATIONS = ("restart", "pause", "unpause", "reverse", "forward")


class NotPlaying(Exception):
    """A control was asked for in a state that does not allow it; the message names the state."""


class Playback:
    """Made by :func:`play`; its ``turn`` comes when those before it on the stage have ended."""

    def __init__(
        self,
        stage: "Stage",
        playback_id: str,
        uris: tuple[str, ...],
        *,
        language: str,
        offset_ms: int,
        skip_ms: int,
    ) -> None:
        """``uris`` are media URIs, at least one."""
        self.stage = stage
        self.id = playback_id
        self.uris = uris
        self.finished = trio.Event()
        self.snapshot = PlaybackSnapshot(
            id=playback_id,
            media_uri=uris[0],
            next_media_uri=uris[1] if len(uris) > 1 else None,
            target_uri=stage.target_uri,
            language=language,
            state="queued",
        )
        self._offset_ms = offset_ms
        self._skip_ms = skip_ms
        self.turn = trio.Event()
        self._scope = trio.CancelScope()
        self._stopped = False
        self._ending = Ending()
        self._playing: Playing | None = None

    @property
    def application_name(self) -> str | None:
        """The application that has what it is played to, for caveats."""
        return self.stage.application_name

    async def run(self) -> None:
        """Wait for our turn and play; the end is published whatever ends it."""
        failure: str | None = self.stage.over
        try:
            with self._scope:
                await self.turn.wait()
                failure = await self._play_all()
        except MediaNotFound as missing:
            failure = str(missing)
        finally:
            self._ending.take_over()
            self._finish(None if self._stopped else failure)

    async def _play_all(self) -> str | None:
        """Play the list, and say what went wrong, if anything did."""
        for index, uri in enumerate(self.uris):
            if index > 0:
                self._change(events.PlaybackContinuing, state="continuing")
            following = self.uris[index + 1 : index + 2]
            self._change(
                events.PlaybackStarted,
                state="playing",
                media_uri=uri,
                next_media_uri=following[0] if following else None,
            )
            segments = await resolve(self.stage.tenant, uri, self.snapshot.language)
            assert self.stage.port is not None
            playing = self.stage.port.play(
                segments,
                offset_ms=self._offset_ms if index == 0 else 0,
                paused=self.snapshot.state == "paused",
            )
            self._playing = playing
            try:
                ended = await playing.wait_ended()
            finally:
                self._playing = None
                playing.stop()
            if not ended.ok:
                return ended.reason
        return None

    def _finish(self, failure: str | None) -> None:
        state = "done" if failure is None else "failed"
        self._change(events.PlaybackFinished, state=state, reason=failure)
        self.stage.tenant.playbacks.pop(self.id, None)
        self.finished.set()
        queue = self.stage.playbacks
        queue.remove(self)
        if queue:
            queue[0].turn.set()

    def _change(self, event: type[events.PlaybackEvent], **fields: object) -> None:
        self.snapshot = msgspec.structs.replace(self.snapshot, **fields)
        self.stage.tenant.publish(event, self.stage.topics, playback=self.snapshot)

    def stop(self) -> None:
        """End it now, done; the sound stops at the next tick of the media process."""
        self._stopped = True
        self._ending.by_now()
        if self._playing is not None:
            self._playing.stop()
        self._scope.cancel()

    def control(self, operation: str) -> None:
        """Carry out one of :data:`OPERATIONS`. Raises :class:`NotPlaying`."""
        before = self.snapshot.state
        after = CONTROLS.get((before, operation))
        if after is None:
            raise NotPlaying(f"The playback is {before}")
        self._apply(operation)
        if after == "playing" and before == "paused":
            self._change(events.PlaybackStarted, state=after)
        else:
            self.snapshot = msgspec.structs.replace(self.snapshot, state=after)

    def _apply(self, operation: str) -> None:
        playing = self._playing
        if playing is None:  # between two media: the state alone decides how the next starts
            return
        if operation == "forward":
            playing.forward(self._skip_ms)
        elif operation == "reverse":
            playing.reverse(self._skip_ms)
        elif operation == "restart":
            playing.restart()
        elif operation == "pause":
            playing.pause()
        else:
            playing.unpause()


class NotPlayable(Exception):
    """The channel or bridge is over and can't be played to."""


def play(
    stage: "Stage",
    uris: tuple[str, ...],
    *,
    playback_id: str | None = None,
    language: str | None = None,
    offset_ms: int = 0,
    skip_ms: int = DEFAULT_SKIP_MS,
) -> Playback:
    """Queue media to be played; the task lives in the nursery of the stage.

    The id must be free. Raises :class:`NotPlayable`.
    """
    if not stage.is_open:
        raise NotPlayable
    playback = Playback(
        stage,
        playback_id or str(uuid.uuid4()),
        uris,
        language=language or stage.language,
        offset_ms=offset_ms,
        skip_ms=skip_ms,
    )
    stage.playbacks.append(playback)
    stage.playbacks[0].turn.set()
    stage.tenant.playbacks[playback.id] = playback
    stage.start_soon(playback.run)
    return playback
