"""The reference of media: what can be played and recorded."""

from stasisd.core import recording, sounds
from stasisd.core import tones as core_tones
from stasisd.core.conversion import CODINGS
from stasisd.core.media_uri import REMOTE, SCHEMES
from tests.docs.tables import code, table

MEANINGS = {
    "sound": ("`sound:hello-world`", "a prompt, in the language asked for, else in English"),
    "recording": ("`recording:message-7`", "a stored recording of this tenant"),
    "http": ("`http://example.com/hello.wav`", "a file from elsewhere"),
    "https": ("`https://example.com/hello.wav`", "the same, encrypted"),
    "number": ("`number:4711`", "a whole number of at most nine digits, as words"),
    "digits": ("`digits:4711*#`", "each digit, star, pound and minus by itself"),
    "characters": ("`characters:k9`", "letters, digits and signs, spelt"),
    "tone": ("`tone:ring;tonezone=uk`", "a tone by name, or a cadence written out"),
}


def playable() -> str:
    """The schemes of media URIs, and the formats of files."""
    assert set(MEANINGS) == {*SCHEMES, *REMOTE, "recording"}
    formats = ", ".join(code(extension) for extension in sounds.FORMATS)
    rows = table(("URI", "what is heard"), MEANINGS.values())
    return f"{rows}\nPrompts are files that end in {formats}.\n"


def recordable() -> str:
    """The formats of recordings."""
    rows = [
        (code(name), f".{name}", f"{name.capitalize()}, 8 kHz mono, made when it has ended")
        if name in CODINGS
        else (code(name), recording.EXTENSIONS[name], _content(made))
        for name, made in recording.FORMATS.items()
    ]
    return table(("`format`", "file", "content"), rows)


def _content(made: str) -> str:
    kind = "WAV" if made.startswith("wav") else "raw"
    coding = {"ulaw": "mu-law", "alaw": "A-law"}.get(made.rpartition("_")[2], "16-bit PCM")
    return f"{kind}, {coding}, 8 kHz mono"


def tones() -> str:
    """The tones by name, and the zones."""
    names = ", ".join(code(name) for name in core_tones.US)
    zones = ", ".join(code(zone) for zone in core_tones.ZONES)
    return f"Names: {names}. Zones: {zones}.\n"
