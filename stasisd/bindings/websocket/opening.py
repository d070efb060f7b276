"""From a hearing that the gate allowed to the session that carries it."""

from __future__ import annotations

from caps.grant import Grant
from stasisd.bindings.ari.performing import Performer
from stasisd.operations.events import Hearing
from stasisd.operations.hearing import permits
from stasisd.operations.tenure import Tenures

from .applications import ApplicationStream
from .requests import Conversation
from .session import EventSession, WebSocketSettings


def open_session(
    performer: Performer,
    hearing: Hearing,
    grant: Grant,
    tenures: Tenures,
    settings: WebSocketSettings,
) -> EventSession:
    """The session of a socket: what its grant may hear, and requests in the grant's name.

    It ends with the grant.
    """
    tenure = tenures.of(grant)
    encoder = performer.encoder
    encode = encoder.over_lines if encoder.pretty else encoder.event
    stream = ApplicationStream(hearing, encode, permits(grant, hearing.tenant))
    conversation = Conversation(performer, grant, tenure, hearing.names[0], tenures.now)
    return EventSession(stream, conversation.answer, settings, tenure.wait_end)
