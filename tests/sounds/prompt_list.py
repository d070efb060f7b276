"""conf/sounds.toml, typed: what each prompt of stasisd/sounds/en is made from."""

from pathlib import Path
from typing import Annotated

import msgspec

ROOT = Path(__file__).parent.parent.parent
LIST = ROOT / "conf/sounds.toml"
SOUNDS = ROOT / "stasisd/sounds/en"

# "hello" or "digits/0": a relative name that stays inside the folder.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9-]+)*$")]


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    words_per_minute: int
    pitch: int


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Frequencies that sound together, none for a pause, and for how long."""

    hz: list[float]
    ms: int


class PromptList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voice: Voice
    speech: dict[Name, str]
    tones: dict[Name, list[Step]]
    silence: dict[Name, int]

    def names(self) -> list[str]:
        return [*self.speech, *self.tones, *self.silence]


def read_prompt_list() -> PromptList:
    """Raise `msgspec.DecodeError` where the list is not TOML or not as typed here."""
    return msgspec.toml.decode(LIST.read_bytes(), type=PromptList)


def path_of(name: str) -> Path:
    return SOUNDS / f"{name}.flac"
