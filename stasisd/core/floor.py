"""Who hears whom in a bridge: what core wants, carried out by a mix of the media process."""

from collections.abc import Mapping

import msgspec

from stasisd.media.commands import HOLD_MUSIC
from stasisd.media.control import Media, Mix, Port


class Place(msgspec.Struct, frozen=True):
    """What a port does in a bridge; ``digits`` go on to the others.

    With ``music`` it hears that in place of the others.
    """

    hears: bool = True
    speaks: bool = True
    digits: bool = True
    music: bool = False


class Floor:
    """The ports of one bridge, each at its place. There is a mix as long as there are ports."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._mix: Mix | None = None
        self._places: dict[Port, Place] = {}

    def arrange(self, wanted: Mapping[Port, Place]) -> None:
        """Let just these ports be there, each at this place."""
        before, self._places = self._places, dict(wanted)
        if self._mix is None:
            self._mix = self._media.open_mix()
        for port in before.keys() - wanted.keys():
            self._mix.remove(port)
            _switch_music(port, before[port].music, on=False)
        for port, place in wanted.items():
            known = before.get(port)
            if known != place:
                self._mix.add(port, hears=place.hears, speaks=place.speaks, digits=place.digits)
                _switch_music(port, known is not None and known.music, on=place.music)
        if not wanted:
            self._mix.close()
            self._mix = None


def _switch_music(port: Port, was_on: bool, *, on: bool) -> None:
    if on != was_on:
        port.hold_music((HOLD_MUSIC,) if on else None)
