"""Operations on the prompts that can be played."""

from typing import Annotated

import msgspec

from stasisd.core.sounds import SoundFile

from .declare import Named, ReadTenant, operation
from .errors import NotFound


class Sound(msgspec.Struct, frozen=True):
    """A prompt and its files."""

    id: str
    files: tuple[SoundFile, ...]


@operation("sounds.list", rest="GET /sounds")
def list_(tenant: ReadTenant, lang: str = "", format: str = "") -> list[Sound]:  # noqa: A002 - ARI's name
    """List all sounds, or those in one language or format."""
    found = []
    for name, files in tenant.tenant.sounds.all().items():
        fitting = tuple(
            file for file in files if lang in {"", file.language} and format in {"", file.format}
        )
        if fitting:
            found.append(Sound(name, fitting))
    return found


@operation("sounds.get", rest="GET /sounds/{soundId}", errors={404: "Sound not found"})
def get(tenant: ReadTenant, sound_id: Annotated[str, Named("soundId")]) -> Sound:
    """Get one sound."""
    files = tenant.tenant.sounds.get(sound_id)
    if not files:
        raise NotFound("Sound not found")
    return Sound(sound_id, files)
