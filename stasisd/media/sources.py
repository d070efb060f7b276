"""What each port sends: the first of its sources that has something."""

from .digits import Digits
from .mixes import Mixes
from .music import Music
from .playing import Player
from .ports import NOBODY, Mask, Ports, Rows


class Sources:
    """Fills `tx` of ports from their sources, in the order of precedence."""

    def __init__(
        self,
        ports: Ports,
        digits: Digits,
        player: Player,
        music: Music,
        tones: Player,
        mixes: Mixes,
    ) -> None:
        self._ports = ports
        self._digits = digits
        self._player = player
        self._music = music
        self._tones = tones
        self._mixes = mixes

    def fill(self, rows: Rows, frame_number: int) -> None:
        """Fill `tx` of `rows`, and `tx_ok` with whether there is anything to send."""
        ports = self._ports
        ports.tx_ok[rows] = False
        waiting = rows[~self._digits.fill(rows, frame_number)]
        for source in (
            self._player.fill,
            self._music.fill,
            self._hear_peer,
            self._mixes.fill,
            self._echo,
            self._tones.fill,
            self._silence,
            self._mixes.hush_up,
        ):
            if not len(waiting):
                break
            served = source(waiting)
            ports.tx_ok[waiting[served]] = True
            waiting = waiting[~served]
        ports.tx[rows[ports.mute_out[rows]]] = 0

    def _hear_peer(self, rows: Rows) -> Mask:
        peers = self._ports.peer[rows]
        served: Mask = (peers != NOBODY) & self._ports.rx_ok[peers]
        self._ports.tx[rows[served]] = self._ports.rx[peers[served]]
        return served

    def _echo(self, rows: Rows) -> Mask:
        served: Mask = self._ports.echo[rows] & self._ports.rx_ok[rows]
        speaking = rows[served]
        self._ports.tx[speaking] = self._ports.rx[speaking]
        return served

    def _silence(self, rows: Rows) -> Mask:
        served: Mask = self._ports.silence[rows]
        self._ports.tx[rows[served]] = 0
        return served
