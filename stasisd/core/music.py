"""Music on hold by its class: which files are played, and what stands in for a class that is not.

The files are played over and over. All that hear a class share what is decoded of its files.
"""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog

from stasisd.media.commands import HOLD_MUSIC, AnySegment, FileSegment

from .sounds import FORMATS

if TYPE_CHECKING:
    from .tenant import Tenant

log = structlog.get_logger()

DEFAULT = "default"
# More of one class are left out: all are opened before the first is heard.
MOST_FILES = 100

Segments = tuple[AnySegment, ...]


class MusicClass(msgspec.Struct, frozen=True, kw_only=True):
    """Files in their order, or in another one for each that hears them.

    ``announcement`` is a prompt that is heard after each file.
    """

    files: tuple[Path, ...]
    shuffled: bool = False
    announcement: str = ""


def scan(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that can be played, by their names. Blocks.

    A folder that can't be read has none.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in FORMATS)
    except OSError as error:
        log.warning("music on hold can't be read", folder=str(folder), reason=error.strerror)
        return ()
    return tuple(found[:MOST_FILES])


class Music:
    """The classes of a tenant; there is always a default one."""

    def __init__(self, tenant: "Tenant", classes: Mapping[str, MusicClass]) -> None:
        self._tenant = tenant
        self._classes = classes

    def segments(self, *wanted: str) -> Segments:
        """What to play, of the first of these classes that there is, else of the default one.

        Those that are passed over are logged, as in Asterisk.
        """
        for name in wanted:
            if not name:
                continue
            if name in self._classes and self._classes[name].files:
                return tuple(self._laid_out(self._classes[name]))
            if name == DEFAULT:
                break
            log.warning("no such music on hold", tenant=self._tenant.settings.name, music=name)
        default = self._classes.get(DEFAULT)
        return tuple(self._laid_out(default)) if default and default.files else (HOLD_MUSIC,)

    def _laid_out(self, music: MusicClass) -> Iterator[AnySegment]:
        files = list(music.files)
        if music.shuffled:
            random.shuffle(files)
        prompt = music.announcement and self._tenant.sounds.find(
            music.announcement, self._tenant.settings.language
        )
        for path in files:
            yield FileSegment(str(path))
            if prompt:
                yield FileSegment(str(prompt))
