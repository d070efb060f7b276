"""What an engine is made of: who knows what, and who is told of whom."""

from .detect import Detector
from .digits import Digits
from .disk import Disk
from .library import Library
from .mixes import Mixes
from .music import Music
from .playing import Player
from .ports import Ports
from .receiving import Receiver
from .recording import Recorders
from .reporting import Reporting
from .reports import Report
from .sending import Sender
from .snooping import Snoops
from .sources import Sources
from .streams import Random, Streams
from .talk import Floor, Talk
from .tones import Tones
from .transport import Transport
from .wires import Wires


class Parts:
    """All parts of one engine; `now` is the time of the tick that is under way."""

    def __init__(
        self, transport: Transport, reader: Disk, writer: Disk, random: Random, unix_time: float
    ) -> None:
        self.transport = transport
        self.reports: list[Report] = []
        self.ports = Ports()
        self.streams = Streams(random)
        self.library = Library(reader, self.ports.frame)
        self.receiver = Receiver(self.ports, self.streams, transport, self.reports)
        self.sender = Sender(self.ports, self.streams, transport)
        self.wires = Wires(self.ports, self.reports)
        self.player = Player(self.ports, self.library, self.reports)
        self.tones = Player(self.ports, self.library, self.reports)
        self.music = Music(self.ports, self.library, self.reports)
        self.mixes = Mixes(self.ports)
        self.snoops = Snoops(self.ports)
        self.digits = Digits(
            self.ports, self.streams, self.sender, self.wires, self.mixes, self.reports
        )
        self.detector = Detector(self.ports)
        self.talk = Talk(self.ports, self.reports)
        self.listened = Tones(self.ports, self.reports)
        self.floor = Floor(self.ports, self.mixes, self.reports)
        self.recorders = Recorders(self.ports, writer, self.reports)
        self.reporting = Reporting(self.streams, transport, random, unix_time)
        self.sources = Sources(
            self.ports, self.digits, self.player, self.music, self.tones, self.mixes
        )
        self.now = 0.0
