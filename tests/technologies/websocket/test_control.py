"""The texts on a media WebSocket."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.technologies.websocket import control
from stasisd.technologies.websocket.control import COMMANDS, BadCommand, Command

FIELDS: dict[str, control.Value] = {"channel_id": "c", "queue_length": 3, "queue_full": False}


@pytest.mark.parametrize(
    ("text", "json", "command"),
    [
        ("HANGUP", False, Command("HANGUP")),
        (" hangup \n", False, Command("HANGUP")),
        ("MARK_MEDIA a mark", False, Command("MARK_MEDIA", "a mark")),
        ('{"command":"MARK_MEDIA","correlation_id":"7"}', True, Command("MARK_MEDIA", "7")),
        ('{"command":"GET_STATUS","correlation_id":7}', True, Command("GET_STATUS")),
    ],
)
def test_what_is_a_command(text: str, json: bool, command: Command) -> None:
    assert control.read(text, json=json) == command


@pytest.mark.parametrize(
    ("text", "json", "said"),
    [
        ("", False, "Unknown command"),
        ("NONSENSE", False, "Unknown command"),
        ('{"command":"HANGUP"}', False, "Unknown command"),
        ("HANGUP", True, "Unable to parse JSON command"),
        ('["HANGUP"]', True, "Unable to parse JSON command"),
        ('{"command":7}', True, "'command' must be a text"),
        ('{"command":"NONSENSE"}', True, "Unknown command"),
        ("[" * 1000, True, "Unable to parse JSON command"),
        ("MARK_MEDIA " + "x" * 1024, False, "at most 1024 characters"),
    ],
)
def test_what_is_none(text: str, json: bool, said: str) -> None:
    with pytest.raises(BadCommand, match=said):
        control.read(text, json=json)


@given(st.text(max_size=1100), st.booleans())
def test_any_text_is_a_command_or_refused(text: str, json: bool) -> None:
    try:
        assert control.read(text, json=json).name in COMMANDS
    except BadCommand:
        pass


@given(
    st.sampled_from(sorted(COMMANDS)), st.text(alphabet=st.characters(codec="utf-8"), max_size=50)
)
def test_both_forms_say_the_same(name: str, value: str) -> None:
    said = msgspec.json.encode({"command": name, "correlation_id": value}).decode()
    assert control.read(said, json=True) == Command(name, value)
    plain = control.read(f"{name} x{value}x", json=False)
    assert plain == Command(name, f"x{value}x")


@pytest.mark.parametrize(
    ("event", "fields", "plain"),
    [
        ("MEDIA_XOFF", FIELDS, "MEDIA_XOFF"),
        ("STATUS", FIELDS, "STATUS channel_id:c queue_length:3 queue_full:false"),
        ("MEDIA_MARK_PROCESSED", {"channel_id": "c", "correlation_id": "a b"},
         "MEDIA_MARK_PROCESSED a b"),
        ("MEDIA_MARK_PROCESSED", {"channel_id": "c", "correlation_id": ""}, "MEDIA_MARK_PROCESSED"),
        ("MEDIA_START", {"format": "slin", "channel_variables": {"A": "1"}},
         "MEDIA_START format:slin"),
    ],
)  # fmt: skip
def test_events_in_both_forms(event: str, fields: dict[str, control.Value], plain: str) -> None:
    assert control.write(event, fields, json=False) == plain
    said = msgspec.json.decode(control.write(event, fields, json=True))
    assert said == {"event": event, **fields}
