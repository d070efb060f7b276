"""Blocks in the arena: shared, read ahead, given up in the order of their use."""

from pathlib import Path

import numpy as np
import pytest

from stasisd.media.disk import InlineDisk, Job
from stasisd.media.library import BLOCK, Audio, Library, sound

from .audio import Samples, speech, write_wav


class Counting(InlineDisk):
    """Knows how many jobs it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[str] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(type(job).__name__)
        super().submit(job)


def opened(library: Library, path: str) -> Audio:
    library.open(path)
    ((found, audio),) = library.opened()
    assert found == path
    assert isinstance(audio, Audio)
    return audio


def read(library: Library, audio: Audio, at: int) -> Samples | None:
    """The samples of a run from `at` on, as a player would have them: asked for, then there."""
    library.run(audio, at)
    library.opened()
    run = library.run(audio, at)
    return None if run is None else library.samples[run.at : run.at + run.count]


def test_a_file_is_read_once_for_all(tmp_path: Path) -> None:
    disk = Counting()
    library = Library(disk, 160, blocks=16)
    said = speech(BLOCK * 3 + 100)
    path = write_wav(tmp_path / "a.wav", said)
    first, second = opened(library, path), opened(library, path)
    assert first is second
    assert library.run(first, 5) is None
    library.opened()
    for at in (5, BLOCK, 3 * BLOCK + 50, 7999):
        heard = read(library, first, at)
        assert heard is not None
        assert np.array_equal(heard, said[at : (at // BLOCK + 1) * BLOCK])
    assert disk.jobs == ["OpenAudio", "OpenAudio", "ReadAudio"]
    assert library.audio_bytes == 4 * BLOCK * 2


def test_two_who_ask_at_once_are_answered_once(tmp_path: Path) -> None:
    library = Library(Counting(), 160, blocks=16)
    path = write_wav(tmp_path / "a.wav", speech(100))
    library.open(path)
    library.open(path)
    assert [found for found, _ in library.opened()] == [path]


def test_a_long_file_is_read_as_it_is_played(tmp_path: Path) -> None:
    disk = Counting()
    library = Library(disk, 160, blocks=8)
    said = speech(BLOCK * 40 + 7)
    audio = opened(library, write_wav(tmp_path / "a.wav", said))
    heard, missing = [], 0
    for number in range(41):
        library.now = float(number)
        library.opened()
        missing += library.run(audio, number * BLOCK) is None
        library.opened()
        run = library.run(audio, number * BLOCK)
        assert run is not None
        heard.append(library.samples[run.at : run.at + run.count].copy())
    assert np.array_equal(np.concatenate(heard), said)
    assert missing == 1
    assert library.audio_bytes <= 8 * BLOCK * 2
    assert disk.jobs.count("ReadAudio") <= 15


def test_what_is_in_use_is_not_given_up(tmp_path: Path) -> None:
    library = Library(InlineDisk(), 160, blocks=2)
    a, b, c = (
        opened(library, write_wav(tmp_path / name, speech(BLOCK, seed)))
        for seed, name in enumerate(("a.wav", "b.wav", "c.wav"))
    )
    assert read(library, a, 0) is not None
    assert read(library, b, 0) is not None
    library.now = 2.0
    assert read(library, a, 0) is not None
    assert read(library, c, 0) is None
    library.now = 3.0
    heard = read(library, c, 0)
    assert heard is not None
    assert np.array_equal(heard, speech(BLOCK, 2))
    assert read(library, a, 0) is not None
    again = read(library, b, 0)
    assert again is None


def test_tones_come_again_after_they_were_given_up() -> None:
    library = Library(InlineDisk(), 160, blocks=1)
    for now, frequencies in enumerate([(440,), (480, 620), (440,)]):
        library.now = 10.0 * now
        run = library.run(library.tone(frequencies), 100)
        assert run is not None
        heard = library.samples[run.at : run.at + run.count]
        assert np.array_equal(heard, sound(frequencies, 100, BLOCK - 100))
    assert library.run(library.tone((350,)), 0) is None


def test_a_second_of_a_tone_follows_itself_without_a_seam() -> None:
    assert np.array_equal(sound((697, 1209), 0, BLOCK), sound((697, 1209), BLOCK, BLOCK))


@pytest.mark.parametrize("gone", ["before", "after"])
def test_a_file_that_vanishes(tmp_path: Path, gone: str) -> None:
    library = Library(InlineDisk(), 160, blocks=2)
    path = tmp_path / "a.wav"
    write_wav(path, speech(BLOCK * 20))
    if gone == "before":
        path.unlink()
        library.open(str(path))
        ((_, reason),) = library.opened()
        assert isinstance(reason, str)
        return
    audio = opened(library, str(path))
    path.unlink()
    assert read(library, audio, 0) is None
    assert audio.error is not None
    assert library.audio_bytes == 0
