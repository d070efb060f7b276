"""Files that are whole at any moment."""

import errno
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stasisd.media import codecs
from stasisd.media.commands import IfExists, RecordingFormat
from stasisd.media.wave import CODINGS, WaveFile, WrongFile, header

from .audio import Samples, octets, speech

FORMATS = list(CODINGS)


def read(path: Path, form: RecordingFormat) -> Samples:
    if form.startswith("wav"):
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == 8000
        return np.asarray(samples, np.int16)
    data = path.read_bytes()
    if form == "sln":
        return np.frombuffer(data, "<i2").astype(np.int16)
    return codecs.decode(np.frombuffer(data, np.uint8), codecs.NUMBERS[f"PCM{form[0].upper()}"])


def open_(path: Path, form: RecordingFormat, if_exists: IfExists = "fail") -> WaveFile:
    return WaveFile(str(path), CODINGS[form], if_exists)


@pytest.mark.parametrize("form", FORMATS)
def test_readable_after_each_write(tmp_path: Path, form: RecordingFormat) -> None:
    said, coding, path = speech(1600), CODINGS[form], tmp_path / "a"
    through = (
        said
        if coding.codec is None
        else codecs.decode(codecs.encode(said, coding.codec), coding.codec)
    )
    file = open_(path, form)
    for end in range(400, 1601, 400):
        file.append(coding.encode(said[end - 400 : end]))
        assert np.array_equal(read(path, form), through[:end])
    file.close()


@pytest.mark.parametrize("form", FORMATS)
def test_append_goes_on_where_the_sound_ends(tmp_path: Path, form: RecordingFormat) -> None:
    path, coding = tmp_path / "a", CODINGS[form]
    for seed in (1, 2):
        file = open_(path, form, "append")
        file.append(coding.encode(speech(800, seed)))
        file.close()
    assert len(read(path, form)) == 1600
    file = open_(path, form, "overwrite")
    file.close()
    assert path.read_bytes() == header(coding, 0)


def test_no_append_to_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 100)
    open_(tmp_path / "ulaw", "wav_ulaw").close()
    for name in ("text", "ulaw"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(WrongFile, match=name):
            open_(tmp_path / name, "wav", "append")
        assert (tmp_path / name).read_bytes() == before


def test_what_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("precious")
    with pytest.raises(FileExistsError):
        open_(tmp_path / "a", "wav")
    assert (tmp_path / "a").read_text() == "precious"


@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "append"])
def test_links_are_not_followed(tmp_path: Path, if_exists: IfExists) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which one is asserted below
        open_(tmp_path / "link", "wav", if_exists)
    assert caught.value.errno in {errno.ELOOP, errno.EEXIST}
    assert (tmp_path / "target").read_text() == "precious"


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    file = open_(tmp_path / "a", "wav")
    file.append(b"12")
    file.discard()
    assert list(tmp_path.iterdir()) == []


def test_g711_header_is_what_others_write(tmp_path: Path) -> None:
    file = open_(tmp_path / "a.wav", "wav_ulaw")
    file.append(octets(speech(801)))
    file.close()
    info = soundfile.info(str(tmp_path / "a.wav"))
    assert (info.format, info.subtype, info.frames) == ("WAV", "ULAW", 801)
