"""A call's media as SDP: what we offer and answer, and what that means to the media process."""

from stasisd.media.commands import Codec as MediaCodec
from stasisd.media.commands import Flow, Remote
from stasisd.sdp.codecs import BY_NAME
from stasisd.sdp.negotiation import Agreement, LocalMedia, NotAcceptable, agree, answer, offer
from stasisd.sdp.session import Direction, SdpError, Session, parse, serialise

# Our names of codecs, as the media process has them.
MEDIA_CODECS: dict[str, MediaCodec] = {"ulaw": "PCMU", "alaw": "PCMA"}
FLOWS: dict[Direction, Flow] = {
    Direction.SENDRECV: "sendrecv",
    Direction.SENDONLY: "sendonly",
    Direction.RECVONLY: "recvonly",
    Direction.INACTIVE: "inactive",
}


class Description:
    """Both sides' descriptions of one dialog, and what they agreed on.

    ``settled`` says that there was an agreement, ``formats`` which codec it is on (before that: on
    which it may be). ``held`` says that the far end holds us;
    ``holding`` makes our next description hold the far end.
    """

    def __init__(self, address: tuple[str, int], session_id: str, codecs: tuple[str, ...]) -> None:
        """``address`` is that of our RTP as the far end can reach it."""
        host, port = address
        self._address, self._port = host, port
        self._session_id = session_id
        self._codecs = tuple(BY_NAME[name] for name in codecs)
        self._version = 0
        self._ours: Session | None = None
        self._before: tuple[int, Session | None] = (0, None)
        self._target = ("0.0.0.0", 9)  # noqa: S104 - nowhere, until the far end names an address
        self.formats = codecs
        self.settled = False
        self.held = False
        self.holding = False

    def offer(self) -> bytes:
        """Our offer, or the next one."""
        self._before = self._version, self._ours
        self._version += 1
        self._ours = offer(self._local(), self._version, self._ours)
        return serialise(self._ours)

    def withdraw(self) -> None:
        """Our last offer was not sent, or was refused: what was agreed before stands."""
        self._version, self._ours = self._before

    def take_answer(self, body: bytes) -> Remote:
        """Take the answer to our offer. Raises NotAcceptable or SdpError."""
        if self._ours is None:
            raise NotAcceptable("nothing was offered")
        return self._settle(agree(self._ours, parse(body), self._codecs))

    def answer(self, body: bytes) -> tuple[bytes, Remote]:
        """Answer an offer. Raises NotAcceptable or SdpError."""
        self._version += 1
        self._ours, agreement = answer(parse(body), self._local(), self._version)
        return serialise(self._ours), self._settle(agreement)

    def _local(self) -> LocalMedia:
        return LocalMedia(
            address=self._address,
            port=self._port,
            session_id=self._session_id,
            codecs=self._codecs,
            direction=Direction.SENDONLY if self.holding else Direction.SENDRECV,
        )

    def _settle(self, agreement: Agreement) -> Remote:
        self.settled = True
        self.formats = (agreement.codec.name,)
        self.held = agreement.held
        self._target = agreement.rtp or self._target
        return Remote(
            address=self._target,
            codec=MEDIA_CODECS[agreement.codec.name],
            payload_type=agreement.payload_type,
            telephone_event=agreement.telephone_event,
            telephone_event_in=agreement.accepts_telephone_event,
            flow=FLOWS[agreement.direction],
        )


__all__ = ["Description", "NotAcceptable", "SdpError"]
