"""Audio files of all kinds, as 8 kHz."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.media import codecs, files

from .audio import Samples, octets, speech


def test_a_block_is_the_same_wherever_one_begins(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", speech(44100 * 2), 44100)
    path = str(tmp_path / "a.wav")
    whole = files.read(path, 0, 16000)
    assert len(whole) == files.probe(path).length == 16000
    for start in (0, 1, 4321, 8000, 15999):
        assert np.array_equal(files.read(path, start, 8000), whole[start : start + 8000])
    assert len(files.read(path, 16000, 8000)) == 0


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
def test_a_sine_keeps_its_pitch_and_loudness(tmp_path: Path, rate: int) -> None:
    sine = 0.5 * np.sin(2 * np.pi * 1000 / rate * np.arange(rate))
    soundfile.write(tmp_path / "a.flac", np.stack([sine, sine], axis=1), rate)
    heard = files.read(str(tmp_path / "a.flac"), 0, 8000)
    expected = 16384 * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
    assert np.abs(heard - expected)[100:-100].max() < 40


def test_what_is_above_4_khz_is_gone(tmp_path: Path) -> None:
    sine = 0.5 * np.sin(2 * np.pi * 5200 / 16000 * np.arange(16000))
    soundfile.write(tmp_path / "a.wav", sine, 16000)
    heard = files.read(str(tmp_path / "a.wav"), 0, 8000)
    assert np.abs(heard)[100:-100].max() < 60


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.aiff", "a.WAV"])
def test_containers(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, speech(8000), 8000)
    heard = files.read(str(tmp_path / name), 0, 8000).astype(float)
    assert np.corrcoef(heard, speech(8000)[: len(heard)])[0, 1] > 0.9


def raw(name: str, said: Samples) -> bytes:
    match name.rpartition(".")[2]:
        case "ulaw":
            return octets(said)
        case "alaw":
            return octets(said, codecs.PCMA)
        case "sln16":
            return np.repeat(said, 2).astype("<i2").tobytes()
        case _:
            return said.astype("<i2").tobytes()


@pytest.mark.parametrize("name", ["a.ulaw", "a.alaw", "a.sln", "a.sln16"])
def test_raw_formats_by_extension(tmp_path: Path, name: str) -> None:
    said = np.convolve(speech(8000), np.ones(6) / 6, "same").astype(np.int16)
    (tmp_path / name).write_bytes(raw(name, said))
    heard = files.read(str(tmp_path / name), 0, 9000)
    assert len(heard) == files.probe(str(tmp_path / name)).length == 8000
    assert np.corrcoef(heard.astype(float), said)[0, 1] > 0.97


def test_gsm(tmp_path: Path) -> None:
    path = str(tmp_path / "a.gsm")
    sine = (8000 * np.sin(2 * np.pi * 300 / 8000 * np.arange(8000))).astype(np.int16)
    soundfile.write(path, sine, 8000, "GSM610", format="RAW")
    assert len(files.read(path, 0, 16000)) >= 7840
    heard = files.read(path, 1600, 1600).astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    assert int(spectrum.argmax()) * 5 == 300


@pytest.mark.parametrize(
    "name",
    [
        "none.wav",
        "none.ulaw",
        "folder",
        "text.wav",
        "empty.wav",
        "a\0b",
        "fifo.ulaw",
        "odd.wav",
        "wide.wav",
        "long.flac",
    ],
)
def test_what_can_t_be_read_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.wav").write_text("nothing of the kind" * 9)
    (tmp_path / "empty.wav").write_bytes(b"")
    os.mkfifo(tmp_path / "fifo.ulaw")
    soundfile.write(tmp_path / "odd.wav", speech(100), 383_999)
    soundfile.write(tmp_path / "wide.wav", np.zeros((100, 40), np.int16), 8000)
    soundfile.write(tmp_path / "long.flac", speech(100), 8000)
    boast(tmp_path / "long.flac")
    with pytest.raises(files.Unreadable):
        files.probe(str(tmp_path / name))


def boast(flac: Path) -> None:
    """Claim 2**36 - 1 samples in the header (STREAMINFO, bits 108 to 143)."""
    data = bytearray(flac.read_bytes())
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4
    flac.write_bytes(data)


def test_a_file_that_is_gone_meanwhile_says_so(tmp_path: Path) -> None:
    with pytest.raises(files.Unreadable):
        files.read(str(tmp_path / "gone.wav"), 0, 10)


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(["wav", "flac", "ogg", "gsm", "ulaw", "sln16"]))
def test_rubbish_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str
) -> None:
    path = tmp_path_factory.mktemp("f") / f"a.{kind}"
    whole = {"wav": b"RIFF\xff\0\0\0WAVEfmt ", "flac": b"fLaC\0\0\0\x22", "ogg": b"OggS\0"}
    path.write_bytes(whole.get(kind, b"") + data)
    try:
        length = files.probe(str(path)).length
        assert len(files.read(str(path), 0, min(length, 8000))) <= 8000
    except files.Unreadable:
        pass
