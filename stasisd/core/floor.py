"""Who hears whom in a bridge: what core wants, carried out by a mix of the media process."""

from collections.abc import Mapping

import msgspec

from stasisd.media.control import Media, Mix, Port


class Place(msgspec.Struct, frozen=True):
    """What a port does in a bridge; ``digits`` go on to the others."""

    hears: bool = True
    speaks: bool = True
    digits: bool = True


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
        for port, place in wanted.items():
            if before.get(port) != place:
                self._mix.add(port, hears=place.hears, speaks=place.speaks, digits=place.digits)
        if not wanted:
            self._mix.close()
            self._mix = None
