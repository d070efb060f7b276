"""What is asked for as a type, and the technology that follows."""

import pytest

from stasisd.core.bridge_kind import UnknownKind, parse


@pytest.mark.parametrize(
    ("text", "name", "video_mode", "technologies"),
    [
        ("", "mixing", "talker", ["simple_bridge"] * 3 + ["softmix"] * 2),
        ("mixing", "mixing", "talker", ["simple_bridge"] * 3 + ["softmix"] * 2),
        (" mixing , dtmf_events,proxy_media", "mixing", "talker", ["simple_bridge"] * 3),
        ("mixing,video_single", "mixing", "single", ["simple_bridge"] * 3 + ["softmix"]),
        ("video_sfu", "mixing", "sfu", ["softmix"] * 4),
        ("holding", "holding", "talker", ["holding_bridge"] * 4),
        ("mixing,sdp_label", "mixing", "talker", ["simple_bridge"]),
    ],
)
def test_a_type_gives_a_kind(
    text: str, name: str, video_mode: str, technologies: list[str]
) -> None:
    kind, mode = parse(text)
    assert (kind.name, mode) == (name, video_mode)
    assert [kind.technology(parties) for parties in range(len(technologies))] == technologies


@pytest.mark.parametrize("text", ["nonsense", "dtmf_events", "mixing,holding", ",", "MIXING"])
def test_what_makes_no_bridge_is_refused(text: str) -> None:
    with pytest.raises(UnknownKind):
        parse(text)
