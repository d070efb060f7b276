"""The music on hold as it is committed."""

import numpy as np
import pytest
import soundfile

from stasisd.media.commands import HOLD_MUSIC

from .make_music import LEVEL, MUSIC
from .make_prompts import RATE


def test_it_is_where_the_media_process_looks() -> None:
    assert str(MUSIC) == HOLD_MUSIC.path


def test_it_is_level_and_goes_on_without_a_seam() -> None:
    samples, rate = soundfile.read(MUSIC)
    assert rate == RATE
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(LEVEL, rel=0.01)
    seam = abs(samples[0] - samples[-1])
    assert seam <= np.abs(np.diff(samples)).max()
