"""What kind of bridge an application asked for, and how that shows.

A mixing bridge lets all hear all; a holding one lets its participants hear music or the
announcer, and each other never. The technology is a name that clients look at: which one a
bridge has follows from its kind and from how many are in it.
"""

from typing import Literal

import msgspec

VideoMode = Literal["talker", "single", "sfu"]

SIMPLE, SOFTMIX, HOLDING = "simple_bridge", "softmix", "holding_bridge"
MOST_SIMPLE = 2  # parties of a simple bridge
ANNOUNCER = "announcer"  # the one role that is more than a participant's


class UnknownKind(Exception):
    """The attributes make no kind of bridge; the message says why."""


class BridgeKind(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change in a bridge's life."""

    holding: bool = False
    always_softmix: bool = False

    @property
    def name(self) -> str:
        """ARI's name of the type."""
        return "holding" if self.holding else "mixing"

    def technology(self, parties: int) -> str:
        """The technology that so many parties are bridged by."""
        if self.holding:
            return HOLDING
        return SOFTMIX if self.always_softmix or parties > MOST_SIMPLE else SIMPLE


MIXING = BridgeKind()


def parse(text: str) -> tuple[BridgeKind, VideoMode]:
    """Read attributes with commas between them; empty is ``mixing``.

    What is unknown is passed over, as Asterisk does: a client may ask for what we have no use
    for, e.g. ``sdp_label``. Raises :class:`UnknownKind` where no bridge can be made of it.
    """
    attributes = {part.strip() for part in (text or "mixing").split(",")}
    if "video_sfu" in attributes:
        return BridgeKind(always_softmix=True), "sfu"
    kinds = attributes & {"mixing", "holding"}
    if len(kinds) != 1:
        raise UnknownKind("the type must hold mixing or holding, and not both")
    video_mode: VideoMode = "single" if "video_single" in attributes else "talker"
    return BridgeKind(holding=kinds == {"holding"}), video_mode
