"""From a hearing that the gate allowed to the session that carries it."""

from __future__ import annotations

from collections.abc import Callable

from caps.grant import Grant
from stasisd.bindings.ari.performing import Performer
from stasisd.operations.events import Hearing
from stasisd.operations.hearing import permits

from .applications import ApplicationStream
from .requests import Conversation
from .session import EventSession, WebSocketSettings


def open_session(
    performer: Performer,
    hearing: Hearing,
    grant: Grant,
    now: Callable[[], float],
    settings: WebSocketSettings,
) -> EventSession:
    """The session of a socket: what its grant may hear, and requests in the grant's name."""
    encoder = performer.encoder
    encode = encoder.over_lines if encoder.pretty else encoder.event
    stream = ApplicationStream(hearing, encode, permits(grant, hearing.tenant))
    conversation = Conversation(performer, grant, hearing.names[0], now)
    return EventSession(stream, conversation.answer, settings)
