"""What media URIs stand for, and which language says it."""

from pathlib import Path

import pytest

from stasisd.core import media_uri, numbers, sounds
from stasisd.core.media_uri import MediaNotFound
from stasisd.core.tenant import Tenant
from stasisd.core.tones import BadTone, tone
from stasisd.media.commands import FileSegment, ToneSegment
from tests.support.clock import jumping_clock

pytestmark = jumping_clock


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (13, "13"),
        (20, "20"),
        (21, "20 1"),
        (100, "1 hundred"),
        (342, "3 hundred 40 2"),
        (1000, "1 thousand"),
        (12_007, "12 thousand 7"),
        (1_000_001, "1 million 1"),
        (-5, "minus 5"),
        (999_999_999, "9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9"),
    ],
)
def test_numbers(value: int, said: str) -> None:
    assert [name.removeprefix("digits/") for name in numbers.number(value)] == said.split()


@pytest.mark.parametrize("value", [10**9, -(10**9)])
def test_numbers_too_large(value: int) -> None:
    with pytest.raises(ValueError, match="too large"):
        numbers.number(value)


async def names(tenant: Tenant, uri: str, language: str = "en") -> list[str]:
    segments = await media_uri.resolve(tenant, uri, language)
    files = [Path(s.path) for s in segments if isinstance(s, FileSegment)]
    assert all(file.exists() for file in files)
    return [f"{file.parent.name}/{file.stem}" for file in files]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sound:hello", ["en/hello"]),
        ("sound:digits/1", ["digits/1"]),
        ("number:21", ["digits/20", "digits/1"]),
        ("digits:1*#", ["digits/1", "digits/star", "digits/pound"]),
        ("characters:a1.", ["letters/a", "digits/1", "letters/dot"]),
    ],
)
async def test_what_is_played(uri: str, expected: list[str], tenant: Tenant) -> None:
    assert await names(tenant, uri) == expected


async def test_every_prompt_that_may_be_needed_is_there(tenant: Tenant) -> None:
    for number in [*range(100), 100, 1000, 10**6, -1]:
        await names(tenant, f"number:{number}")
    await names(tenant, "digits:0123456789*#-")
    await names(tenant, "characters:abcdefghijklmnopqrstuvwxyz0123456789*@-$.=!+/ ")


def test_every_sign_has_a_prompt() -> None:
    assert numbers.digits("1 2,x") == ["digits/1", "digits/2"]


def made(folder: Path, *files: str) -> sounds.Sounds:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return sounds.scan([folder])


def test_languages_fall_back(tmp_path: Path) -> None:
    index = made(tmp_path, "en/a.flac", "de/a.flac", "de/b.wav", "de_AT/a.flac", "en/c/d.flac")

    def found(name: str, language: str) -> str | None:
        path = index.find(name, language)
        return None if path is None else str(path.relative_to(tmp_path))

    assert found("a", "de_AT") == "de_AT/a.flac"
    assert found("b", "de_AT") == "de/b.wav"
    assert found("c/d", "de_AT") == "en/c/d.flac"
    assert found("a", "fr") == "en/a.flac"
    assert found("b", "fr") is None


def test_the_first_folder_comes_first(tmp_path: Path) -> None:
    made(tmp_path / "1", "en/a.flac")
    made(tmp_path / "2", "en/a.wav", "en/b.wav")
    index = sounds.scan([tmp_path / "1", tmp_path / "2"])
    assert index.find("a", "en") == tmp_path / "1/en/a.flac"
    assert index.find("b", "en") == tmp_path / "2/en/b.wav"
    assert [file.format for file in index.get("a")] == ["flac", "wav"]


@pytest.mark.parametrize(
    "text", ["ring", "busy;tonezone=uk", "dial;tonezone=de", "440+480/2000,0/4000", "1400/500"]
)
def test_tones(text: str) -> None:
    assert isinstance(tone(text), ToneSegment)
    assert tone(text).repeat


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "ring;zone=uk",
        "ring;tonezone=xx",
        "440",
        "440/0",
        "440+1+2/3",
        "99999/1",
        "440+4000/1",
    ],
)
def test_no_tones(text: str) -> None:
    with pytest.raises(BadTone):
        tone(text)


async def test_an_unknown_scheme_names_those_there_are(tenant: Tenant) -> None:
    with pytest.raises(MediaNotFound, match="digits, http, https, number, recording, sound, tone"):
        await media_uri.resolve(tenant, "gopher://example.com/x", "en")


async def test_media_that_can_not_be_fetched(tenant: Tenant) -> None:
    with pytest.raises(MediaNotFound, match=r"could not be fetched: 127.0.0.1 is in a network"):
        await media_uri.resolve(tenant, "http://127.0.0.1/secret.wav", "en")
