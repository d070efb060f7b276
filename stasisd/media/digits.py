"""DTMF in both directions: what was pressed, and what is to be pressed.

A digit that a port received is reported once, and goes on to the port's peer, or to the others of
its mix: as an event where the far end there takes them, into the other half of a pair as a digit,
else as a tone, unless the tone is in the sound already. It comes to no port twice, however pairs
and mixes are wound.
"""

from collections import deque

import numpy as np

from stasisd.rtp import telephone_event

from .commands import DTMF_FREQUENCIES, SendDtmf
from .library import sound
from .mixes import Mixes
from .ports import NOBODY, PAIR, RTP, STREAM, Mask, Ports, Rows
from .reports import DtmfReceived, DtmfSent, Report
from .sending import Sender
from .streams import Streams
from .wires import Wires

SHORTEST_MS = 40  # of a digit we send (ITU-T Q.24)
GAP_MS = 60  # after a digit that is passed on
BEEP = (1000,)
BEEP_MS = 200
_RATE_MS = 8


class Gap:
    """Silence, of some frames."""

    def __init__(self, frames: int) -> None:
        self.frames = frames


class Press:
    """A sound of some samples; `event` sends it as a telephone event in place of the sound."""

    def __init__(self, frequencies: tuple[int, ...], digit: str, samples: int) -> None:
        self.frequencies = frequencies
        self.digit = digit
        self.samples = samples
        self.elapsed = 0
        self.event: telephone_event.Sender | None = None
        self.timestamp = 0


class Done:
    """The mark behind the last digit of a command."""

    def __init__(self, number: int) -> None:
        self.number = number


class Digits:
    """Who is pressing what. `busy` marks the ports whose sound gives way to digits."""

    def __init__(
        self,
        ports: Ports,
        streams: Streams,
        sender: Sender,
        wires: Wires,
        mixes: Mixes,
        reports: list[Report],
    ) -> None:
        self._ports = ports
        self._wires = wires
        self._mixes = mixes
        self._streams = streams
        self._sender = sender
        self._reports = reports
        self._receivers: dict[int, telephone_event.Receiver] = {}
        self._outgoing: dict[int, deque[Gap | Press | Done]] = {}
        self._busy = np.zeros(ports.slots, np.bool_)
        self._received: list[tuple[int, str]] = []

    # ---- in

    def heard(
        self,
        slot: int,
        event: telephone_event.TelephoneEvent,
        source: tuple[int, int],
        now: float,
    ) -> None:
        """A telephone event came, from this SSRC and with this timestamp."""
        receiver = self._receivers.setdefault(slot, telephone_event.Receiver())
        for digit in receiver.receive(event, *source, now):
            self.received(slot, digit.digit, digit.duration // _RATE_MS)

    def expire(self, now: float) -> None:
        """End digits whose end was lost."""
        for slot, receiver in list(self._receivers.items()):
            if receiver.pending:
                for digit in receiver.expire(now):
                    self.received(slot, digit.digit, digit.duration // _RATE_MS)

    def received(self, slot: int, digit: str, duration_ms: int, *, audible: bool = False) -> None:
        """A port received a digit; `audible` where its tone is in the sound as well."""
        reached, receiving = {slot}, [slot]
        while receiving:
            receiver = receiving.pop()
            generation = int(self._ports.generation[receiver])
            self._reports.append(DtmfReceived(receiver, generation, digit, duration_ms))
            self._received.append((receiver, digit))
            for other in self._listeners(receiver):
                twin = int(self._ports.twin[other])
                if twin == NOBODY and other not in reached:
                    self._pass_on(other, digit, duration_ms, audible=audible)
                elif twin != NOBODY and twin not in reached:
                    receiving.append(twin)
                reached |= {other, twin}

    def _listeners(self, slot: int) -> list[int]:
        peer = int(self._ports.peer[slot])
        return [peer] if peer != NOBODY else self._mixes.listeners(slot)

    def _pass_on(self, slot: int, digit: str, duration_ms: int, *, audible: bool) -> None:
        """Send what another port received, unless it is heard from there anyway."""
        kind = self._ports.kind[slot]
        audible &= not self._by_event(slot)
        if kind in {RTP, STREAM} and not audible:
            samples = max(duration_ms, SHORTEST_MS) * _RATE_MS
            self._queue(slot, [_press(digit, samples), Gap(_frames(GAP_MS))])

    def drain(self) -> list[tuple[int, str]]:
        """Digits received since the last call: (slot, digit)."""
        received, self._received = self._received, []
        return received

    # ---- out

    def send(self, command: SendDtmf) -> None:
        """Queue digits behind those that are on their way."""
        samples = max(command.duration_ms, SHORTEST_MS) * _RATE_MS
        steps: list[Gap | Press | Done] = [Gap(_frames(command.before_ms))]
        for digit in command.digits:
            steps += [_press(digit, samples), Gap(_frames(command.between_ms))]
        steps += [Gap(_frames(command.after_ms)), Done(command.dtmf)]
        self._queue(command.slot, steps)

    def beep(self, slot: int) -> None:
        """Send a beep before anything else."""
        self._queue(slot, [Press(BEEP, "", BEEP_MS * _RATE_MS)])

    def _queue(self, slot: int, steps: list[Gap | Press | Done]) -> None:
        self._outgoing.setdefault(slot, deque()).extend(steps)
        self._busy[slot] = True

    def fill(self, rows: Rows, frame_number: int) -> Mask:
        """Let the rows that press digits go a frame further; which of them may send nothing else.

        A tone is put into `tx`, and silence between tones; an event is sent at once, and `tx`
        stays empty while it lasts.
        """
        busy = self._busy[rows]
        if self._outgoing:
            for index in np.flatnonzero(busy):
                busy[index] = self._step(int(rows[index]), frame_number)
        return busy

    def _by_event(self, slot: int) -> bool:
        kind = self._ports.kind[slot]
        return bool(kind in {PAIR, STREAM}) or self._streams.takes_events(slot)

    def _step(self, slot: int, frame_number: int) -> bool:
        """One frame of what the slot presses; False where others may speak meanwhile."""
        steps = self._outgoing[slot]
        while steps:
            step = steps[0]
            match step:
                case Done(number=number):
                    self._reports.append(DtmfSent(number, completed=True))
                case Gap() if step.frames > 0:
                    step.frames -= 1
                    return not self._by_event(slot) and self._say(slot, 0)
                case Press():
                    return self._press(slot, steps, step, frame_number)
            steps.popleft()
        del self._outgoing[slot]
        self._busy[slot] = False
        return False

    def _press(
        self, slot: int, steps: deque[Gap | Press | Done], step: Press, frame_number: int
    ) -> bool:
        if not (step.digit and self._by_event(slot)):
            return self._sound(slot, steps, step)
        if self._ports.kind[slot] == RTP:
            self._send_event(slot, step, frame_number)
        step.elapsed += self._ports.frame
        if step.elapsed >= step.samples:
            steps.popleft()
            if self._ports.kind[slot] == STREAM:
                self._wires.send_digit(slot, step.digit)
            twin = int(self._ports.twin[slot])
            if twin != NOBODY:
                self.received(twin, step.digit, step.samples // _RATE_MS)
        return True

    def _send_event(self, slot: int, step: Press, frame_number: int) -> None:
        first = step.event is None
        if step.event is None:
            step.event = telephone_event.Sender(step.digit, step.samples, self._ports.frame)
            step.timestamp = int(self._streams.timestamps(np.array([slot]), frame_number)[0])
        for event in step.event.next():
            self._sender.send_event(slot, event, step.timestamp, first=first)

    def _sound(self, slot: int, steps: deque[Gap | Press | Done], step: Press) -> bool:
        count = min(self._ports.frame, step.samples - step.elapsed)
        self._ports.tx[slot, :count] = sound(step.frequencies, step.elapsed, count)
        step.elapsed += count
        if step.elapsed >= step.samples:
            steps.popleft()
        return self._say(slot, count)

    def _say(self, slot: int, count: int) -> bool:
        """Send `count` samples of `tx` and silence after them."""
        self._ports.tx[slot, count:] = 0
        self._ports.tx_ok[slot] = True
        return True

    def close(self, slot: int) -> None:
        """The port ends, and what it was pressing with it."""
        self._receivers.pop(slot, None)
        self._busy[slot] = False
        for step in self._outgoing.pop(slot, ()):
            if isinstance(step, Done):
                self._reports.append(DtmfSent(step.number, completed=False))


def _press(digit: str, samples: int) -> Press:
    return Press(DTMF_FREQUENCIES[digit], digit, samples)


def _frames(ms: int) -> int:
    return -(-ms // 20)
