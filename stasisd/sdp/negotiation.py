"""Offer and answer (RFC 3264) for one audio stream over RTP/AVP.

An offer may hold any number of m= lines. The first one we can serve is answered, the others are
refused with port 0, in their order (section 6). Payload types belong to who wrote them: we send
with the numbers of the peer's description and accept those of ours (section 5.1). A peer that no
longer wants to receive (sendonly, inactive, or the address 0.0.0.0 of RFC 2543) has put us on
hold (section 8.4).
"""

from msgspec import Struct

from stasisd.sdp.codecs import CODECS, TELEPHONE_EVENT, Codec, telephone_event
from stasisd.sdp.session import (
    MAX_PORT,
    Connection,
    Direction,
    Fmtp,
    Media,
    Origin,
    Rtcp,
    RtpMap,
    Session,
)

Address = tuple[str, int]
PayloadTypes = tuple[tuple[int, Codec], ...]

DEFAULT_PTIME = 20
TELEPHONE_EVENT_PAYLOAD_TYPE = 101
DYNAMIC_PAYLOAD_TYPES = range(96, 128)
PROTOCOL = "RTP/AVP"


class NotAcceptable(ValueError):
    """No stream suits both sides (488 in SIP); the text says why, m= line by m= line."""


class LocalMedia(Struct, frozen=True):
    """What we have to offer: a bound RTP port and the codecs allowed, most wanted first.

    `session_id` stays the same through a dialog; RTCP goes to `rtcp_port`, None meaning the port
    after RTP's. `rtcp_mux` offers RFC 5761, and accepts it where offered. `ptime` is in ms.
    """

    address: str
    port: int
    session_id: str
    codecs: tuple[Codec, ...] = CODECS
    telephone_event: bool = True
    direction: Direction = Direction.SENDRECV
    ptime: int = DEFAULT_PTIME
    rtcp_port: int | None = None
    rtcp_mux: bool = False
    session_name: str = "stasisd"


class Agreement(Struct, frozen=True):
    """What both sides agreed on.

    `rtp` and `rtcp` are where to send, None while the peer names no address. `payload_type` is
    what we put on packets of `codec`; `accepts` is what we may get. `telephone_event` is the
    number for events we send, `accepts_telephone_event` for those we get. `direction` is ours.
    `held` says that the peer holds us. `ptime` (ms) is the packet length the peer prefers.
    """

    rtp: Address | None
    rtcp: Address | None
    rtcp_mux: bool
    codec: Codec
    payload_type: int
    accepts: PayloadTypes
    telephone_event: int | None
    accepts_telephone_event: int | None
    direction: Direction
    held: bool
    ptime: int


def offer(local: LocalMedia, version: int, previous: Session | None = None) -> Session:
    """Return an offer; `version` must grow by one with each description of the dialog (section 8).

    `previous` is what we sent last in this dialog: its m= lines keep their places and its payload
    types their meaning.
    """
    lines = previous.media if previous else ()
    place = _our_place(lines)
    payload_types = _assign(local, lines[place] if place < len(lines) else None)
    ours = _audio(local, payload_types, local.direction, rtcp_mux=local.rtcp_mux)
    return _describe(local, version, _replace(lines, place, ours))


def answer(offer: Session, local: LocalMedia, version: int) -> tuple[Session, Agreement]:
    """Answer an offer. Raise NotAcceptable when no m= line of it can be served."""
    place = _first_acceptable(offer, local)
    theirs = offer.media[place]
    effective = _effective_direction(offer, theirs)
    ours = _audio(
        local,
        _wanted(theirs, local),
        _common_direction(local.direction, effective),
        rtcp_mux=local.rtcp_mux and theirs.rtcp_mux,
    )
    session = _describe(local, version, _replace(offer.media, place, ours))
    return session, _agreement(ours, offer, theirs, local.codecs, held=not effective.receives)


def agree(
    our_offer: Session, their_answer: Session, codecs: tuple[Codec, ...] = CODECS
) -> Agreement:
    """Return what an answer to our offer settled. Raise NotAcceptable if that is nothing."""
    place = _our_place(our_offer.media)
    if place >= len(their_answer.media):
        raise NotAcceptable("the answer has fewer m= lines than the offer")
    ours, theirs = our_offer.media[place], their_answer.media[place]
    refusal = _refusal(their_answer, theirs, _connection(our_offer, ours))
    if refusal:
        raise NotAcceptable(f"the answer's m= line {place + 1}: {refusal}")
    # Who answers our sendonly, recvonly or inactive had no choice: only an offer to send is held.
    asked = (ours.direction or Direction.SENDRECV).sends
    held = asked and not _effective_direction(their_answer, theirs).receives
    return _agreement(ours, their_answer, theirs, codecs, held=held)


def _describe(local: LocalMedia, version: int, media: tuple[Media, ...]) -> Session:
    connection = Connection.to(local.address)
    origin = Origin("-", local.session_id, str(version), connection)
    return Session(origin=origin, name=local.session_name, connection=connection, media=media)


def _our_place(lines: tuple[Media, ...]) -> int:
    """The m= line that is, or was last, our audio; else the place after the last line."""
    audio = [place for place, media in enumerate(lines) if media.kind == "audio"]
    return next((place for place in audio if lines[place].port), audio[0] if audio else len(lines))


def _replace(lines: tuple[Media, ...], place: int, ours: Media) -> tuple[Media, ...]:
    refused = [_refused(media) for media in lines]
    return (*refused[:place], ours, *refused[place + 1 :])


def _refused(media: Media) -> Media:
    # The formats mean nothing in a refused stream, but at least one must be there (section 6).
    return Media(media.kind, 0, media.protocol, media.formats or ("0",))


def _audio(
    local: LocalMedia, payload_types: PayloadTypes, direction: Direction, *, rtcp_mux: bool
) -> Media:
    has_own_rtcp_port = local.rtcp_port not in {None, local.port + 1}
    return Media(
        kind="audio",
        port=local.port,
        protocol=PROTOCOL,
        formats=tuple(str(number) for number, _ in payload_types),
        rtpmaps=tuple(
            RtpMap(number, codec.encoding, codec.clock_rate, codec.channels)
            for number, codec in payload_types
        ),
        fmtps=tuple(Fmtp(number, codec.fmtp) for number, codec in payload_types if codec.fmtp),
        direction=direction,
        ptime=local.ptime,
        rtcp=Rtcp(local.rtcp_port) if has_own_rtcp_port and local.rtcp_port else None,
        rtcp_mux=rtcp_mux,
    )


def _assign(local: LocalMedia, previous: Media | None) -> PayloadTypes:
    """Give each codec its number: the one it had, else its static one, else a free one."""
    had = {codec: number for number, codec in _payload_types(previous, local.codecs)}
    taken = set(had.values())
    assigned = {}
    for codec in (*local.codecs, *_events(local)):
        number = had.get(codec, codec.payload_type)
        number = _free_number(codec, taken) if number is None else number
        taken.add(number)
        assigned[number] = codec
    return tuple(assigned.items())


def _events(local: LocalMedia) -> list[Codec]:
    """One row of events for each clock rate in use (RFC 4733 section 2.1)."""
    rates = dict.fromkeys(codec.clock_rate for codec in local.codecs)
    return [telephone_event(rate) for rate in rates] if local.telephone_event else []


def _free_number(codec: Codec, taken: set[int]) -> int:
    usual = TELEPHONE_EVENT_PAYLOAD_TYPE
    others = (number for number in DYNAMIC_PAYLOAD_TYPES if number not in {*taken, usual})
    return usual if codec.is_telephone_event and usual not in taken else next(others)


def _payload_types(media: Media | None, codecs: tuple[Codec, ...]) -> PayloadTypes:
    """Return the formats of an m= line that are rows of ours or events, in the line's order."""
    if media is None:
        return ()
    rtpmaps = {rtpmap.payload_type: rtpmap for rtpmap in reversed(media.rtpmaps)}
    numbers = dict.fromkeys(int(f) for f in media.formats if _is_payload_type(f))
    found = ((number, _meaning(number, rtpmaps.get(number), codecs)) for number in numbers)
    return tuple((number, codec) for number, codec in found if codec)


def _is_payload_type(format_: str) -> bool:
    return format_.isascii() and format_.isdigit() and len(format_) <= 3 and int(format_) < 128


def _meaning(number: int, rtpmap: RtpMap | None, codecs: tuple[Codec, ...]) -> Codec | None:
    if rtpmap is None:
        return next((codec for codec in codecs if codec.payload_type == number), None)
    if rtpmap.encoding.lower() == TELEPHONE_EVENT:
        return telephone_event(rtpmap.clock_rate)
    return next((codec for codec in codecs if codec.is_mapped_by(rtpmap)), None)


def _first_acceptable(offer: Session, local: LocalMedia) -> int:
    connection = Connection.to(local.address)
    refusals = []
    for place, media in enumerate(offer.media):
        refusal = _refusal(offer, media, connection) or _codec_refusal(media, local)
        if refusal is None:
            return place
        refusals.append(f"m= line {place + 1}: {refusal}")
    raise NotAcceptable("; ".join(refusals) or "no m= line")


def _refusal(session: Session, media: Media, ours: Connection | None) -> str | None:
    """Why an m= line can't be served, whatever its codecs; None when it can."""
    if media.kind != "audio":
        return f"{media.kind} is not served, only audio"
    if media.port == 0:
        return "it is switched off (port 0)"
    if media.protocol.upper() != PROTOCOL:
        return f"{media.protocol} is not served, only {PROTOCOL}"
    return _address_refusal(_connection(session, media), ours)


def _address_refusal(theirs: Connection | None, ours: Connection | None) -> str | None:
    if theirs is None:
        return "it has no c= line"
    if not theirs.is_literal:
        return f"{theirs.address} is a name, not an IP address"
    family = Connection.to(theirs.address).family  # some phones write IP4 whatever the address
    if ours and family != ours.family and not theirs.is_unspecified:
        return f"{theirs.address} can't be reached from {ours.address}"
    return None


def _codec_refusal(media: Media, local: LocalMedia) -> str | None:
    if any(not codec.is_telephone_event for _, codec in _payload_types(media, local.codecs)):
        return None
    return f"it has none of our codecs ({', '.join(codec.encoding for codec in local.codecs)})"


def _wanted(theirs: Media, local: LocalMedia) -> PayloadTypes:
    """Return their payload types that we answer with: all codecs of ours, in their order.

    Events are answered at the clock rate of the codec we will send (RFC 4733 section 2.1).
    """
    offered = _payload_types(theirs, local.codecs)
    sound = [pair for pair in offered if not pair[1].is_telephone_event]
    events = [pair for pair in offered if pair[1] == telephone_event(sound[0][1].clock_rate)]
    return (*sound, *(events[:1] if local.telephone_event else ()))


def _agreement(
    ours: Media, session: Session, theirs: Media, codecs: tuple[Codec, ...], *, held: bool
) -> Agreement:
    accepts, sendable = _payload_types(ours, codecs), _payload_types(theirs, codecs)
    accepted = {codec: number for number, codec in accepts}
    common = [(n, c) for n, c in sendable if c in accepted and not c.is_telephone_event]
    if not common:
        raise NotAcceptable("the answer has none of the codecs offered")
    payload_type, codec = common[0]
    events = telephone_event(codec.clock_rate)
    sends_events = next((n for n, c in sendable if c == events and c in accepted), None)
    offered = ours.direction or Direction.SENDRECV
    rtcp_mux = ours.rtcp_mux and theirs.rtcp_mux
    return Agreement(
        rtp=_rtp_address(session, theirs),
        rtcp=_rtp_address(session, theirs) if rtcp_mux else _rtcp_address(session, theirs),
        rtcp_mux=rtcp_mux,
        codec=codec,
        payload_type=payload_type,
        accepts=tuple(pair for pair in accepts if not pair[1].is_telephone_event),
        telephone_event=sends_events,
        accepts_telephone_event=accepted[events] if sends_events is not None else None,
        direction=_common_direction(offered, _effective_direction(session, theirs)),
        held=held,
        ptime=_ptime(theirs),
    )


def _connection(session: Session, media: Media) -> Connection | None:
    return media.connection or session.connection


def _effective_direction(session: Session, media: Media) -> Direction:
    """Return the direction they wrote; who names 0.0.0.0 as address does not receive."""
    written = media.direction or session.direction or Direction.SENDRECV
    connection = _connection(session, media)
    reachable = connection is not None and not connection.is_unspecified
    return Direction.of(sends=written.sends, receives=written.receives and reachable)


def _common_direction(ours: Direction, theirs: Direction) -> Direction:
    """Return ours, cut down to what theirs leaves (section 6.1)."""
    return Direction.of(
        sends=ours.sends and theirs.receives, receives=ours.receives and theirs.sends
    )


def _rtp_address(session: Session, media: Media) -> Address | None:
    connection = _connection(session, media)
    if connection is None or connection.is_unspecified:
        return None
    return connection.address, media.port


def _rtcp_address(session: Session, media: Media) -> Address | None:
    connection, port = _connection(session, media), media.port + 1
    if media.rtcp:
        connection, port = media.rtcp.connection or connection, media.rtcp.port
    if connection is None or connection.is_unspecified or not connection.is_literal:
        return None
    return (connection.address, port) if 0 < port <= MAX_PORT else None


def _ptime(media: Media) -> int:
    """Return the packet length they prefer, as a whole number of 10 ms frames up to 120 ms."""
    wanted = min(media.ptime or DEFAULT_PTIME, media.maxptime or DEFAULT_PTIME * 6)
    return min(max(wanted - wanted % 10, 10), 120)
