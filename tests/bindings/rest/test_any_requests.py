"""Any sequence of requests: an answer that was declared, a consistent world, nothing left."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
import structlog
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stasisd.core.attendant import Attendant
from stasisd.core.channel import Channel
from stasisd.core.stage import Stage
from stasisd.core.tenant import Tenant
from tests.support.clock import run
from tests.support.server import Server, serving
from tests.support.tenant import assert_nothing_left

# What a 500 may say: these were recorded, or are what a recording's disk says.
DECLARED = (
    "Allocation failed",
    "Error parsing request",
    "Failed to queue media for playback",
    "Failed to set variable",
    "Unable to create bridge",
    "Unable to read provided function",
)


FAILURES = {"channel crashed", "attendant crashed", "request failed"}


class Step(msgspec.Struct, frozen=True):
    """A request, and how long to wait after it.

    `{c3}` in it is the third channel there is by then, or none; `{b0}` a bridge, `{p1}` a
    playback, `{r2}` a recording, `{a0}` an application.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    wait: float = 0.0


def one_of(kind: str) -> st.SearchStrategy[str]:
    """One of the objects of a kind that there will be."""
    return st.integers(0, MOST).map(lambda number: f"{{{kind}{number}}}")


MOST = 7  # and this one is not there
CHANNELS, BRIDGES, PLAYBACKS, RECORDINGS, APPS = (one_of(kind) for kind in "cbpra")
SOURCES = st.sampled_from(["channel:{c0}", "bridge:{b0}", "endpoint:Local", "x:y"])
NEW = st.sampled_from(["x0", "x1", "x2", "x3", "x4", "f/x5"])
MEDIA = st.sampled_from(
    ["sound:hello", "sound:silence/5", "sound:none", "tone:ring", "digits:12", "number:7",
     "recording:x0", "recording:f/x5", "nonsense:x", ""]
)  # fmt: skip
ODD = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "1", "true", "9" * 30, "9" * 5000, "\0", "../..", "a,b", "channel:c0",
         "\N{SNOWMAN}", "1e9", "null", "%", "x" * 3000]
    ),
    st.text(max_size=8),
)  # fmt: skip
ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    "endpoint", "extension", "context", "priority", "label", "app", "appArgs", "callerId",
    "timeout", "channelId", "otherChannelId", "originator", "formats", "variables", "reason",
    "reason_code", "dtmf", "before", "between", "duration", "after", "direction", "media", "lang",
    "offsetms", "skipms", "playbackId", "name", "format", "maxDurationSeconds",
    "maxSilenceSeconds", "ifExists", "beep", "terminateOn", "variable", "value", "operation",
    "type", "bridgeId", "channel", "eventSource", "source", "application", "only",
    "destinationRecordingName", "subscribeAll", "role", "absorbDTMF", "mute", "report_events",
    "inhibitConnectedLineUpdates", "announcer_format", "recorder_format",
]  # fmt: skip
WAIT = st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 2.0])


def asked(
    method: str, path: str, query: dict[str, Any] | None = None, **places: Any
) -> st.SearchStrategy[Step]:
    """Requests of one kind, whose places and parameters are drawn."""

    def step(drawn: dict[str, Any], given: dict[str, Any], wait: float) -> Step:
        return Step(method, path.format(**drawn), tuple(given.items()), None, wait)

    return st.builds(step, st.fixed_dictionaries(places), st.fixed_dictionaries(query or {}), WAIT)


CALL = "/ari/channels/{c}"
BRIDGE = "/ari/bridges/{b}"
TYPES = st.sampled_from(["", "mixing", "holding", "mixing,dtmf_events", "video_sfu", "nonsense"])
ROLES = st.sampled_from(["", "", "announcer", "participant"])
FORMATS = st.sampled_from(["wav", "ulaw", "sln"])
APP = ("app", "app")
EXTENSIONS = ["echo"] * 4 + ["hold"] * 3 + ["ring", "busy", "bye", "app-app", "early-app", "none"]
ORIGINATE = asked(
    "POST",
    "/ari/channels",
    {
        "endpoint": st.sampled_from([f"Local/{exten}@conformance" for exten in EXTENSIONS]),
        "app": st.sampled_from(["app"] * 5 + ["other", "none"]),
        "channelId": NEW,
    },
)
ORDINARY = st.one_of(
    *[ORIGINATE] * 8,
    asked("DELETE", CALL, c=CHANNELS),
    asked("GET", CALL, c=CHANNELS),
    *(
        asked(method, f"{CALL}/{verb}", c=CHANNELS)
        for verb in ("ring", "mute", "hold", "silence")
        for method in ("POST", "DELETE")
    ),
    *(asked("POST", f"{CALL}/{verb}", c=CHANNELS) for verb in ("answer", "progress", "continue")),
    asked("POST", CALL + "/dtmf", {"dtmf": st.sampled_from(["1", "12#"])}, c=CHANNELS),
    *[asked("POST", CALL + "/play/{p}", {"media": MEDIA}, c=CHANNELS, p=NEW)] * 5,
    asked("DELETE", "/ari/playbacks/{p}", p=PLAYBACKS),
    *[
        asked(
            "POST",
            "/ari/playbacks/{p}/control",
            {"operation": st.sampled_from(["pause", "unpause", "restart", "forward", "reverse"])},
            p=PLAYBACKS,
        )
    ]
    * 2,
    *[
        asked(
            "POST",
            CALL + "/record",
            {
                "name": NEW,
                "format": FORMATS,
                "ifExists": st.sampled_from(["fail", "overwrite", "append"]),
            },
            c=CHANNELS,
        )
    ]
    * 2,
    *(
        asked(method, "/ari/recordings/live/{r}" + verb, r=RECORDINGS)
        for method, verb in (
            ("POST", "/stop"), ("DELETE", ""), ("POST", "/pause"), ("DELETE", "/pause"),
            ("POST", "/mute"), ("DELETE", "/mute"), ("GET", ""),
        )
    ),
    asked("GET", "/ari/recordings/stored/{r}/file", r=RECORDINGS),
    asked("DELETE", "/ari/recordings/stored/{r}", r=RECORDINGS),
    *[asked("POST", "/ari/bridges/{b}", {"type": TYPES}, b=NEW)] * 2,
    asked("DELETE", "/ari/bridges/{b}", b=BRIDGES),
    *[
        asked("POST", BRIDGE + "/addChannel", {"channel": CHANNELS, "role": ROLES}, b=BRIDGES)
    ]
    * 3,
    *[asked("POST", BRIDGE + "/play/{p}", {"media": MEDIA}, b=BRIDGES, p=NEW)] * 2,
    asked("POST", BRIDGE + "/record", {"name": NEW, "format": FORMATS}, b=BRIDGES),
    asked("POST", BRIDGE + "/moh", b=BRIDGES),
    asked("DELETE", BRIDGE + "/moh", b=BRIDGES),
    asked("POST", BRIDGE + "/videoSource/{c}", b=BRIDGES, c=CHANNELS),
    asked("DELETE", BRIDGE + "/videoSource", b=BRIDGES),
    asked("POST", BRIDGE + "/variable", {"variable": NEW, "value": NEW}, b=BRIDGES),
    asked("POST", BRIDGE + "/removeChannel", {"channel": CHANNELS}, b=BRIDGES),
    *(
        asked(
            method,
            "/ari/applications/{a}/subscription",
            {"eventSource": SOURCES},
            a=APPS,
        )
        for method in ("POST", "DELETE")
    ),
    asked("GET", "/ari/applications"),
    asked("GET", "/ari/channels"),
)  # fmt: skip


@st.composite
def odd(draw: st.DrawFn) -> Step:
    """An ordinary request with strange parameters, in the query or as JSON."""
    step: Step = draw(ORDINARY)
    names = st.sampled_from(NAMES)
    if draw(st.booleans()):
        more = draw(st.lists(st.tuples(names, ODD), max_size=3))
        return msgspec.structs.replace(step, query=(*step.query, *more))
    body = draw(st.one_of(ODD_JSON, st.dictionaries(names, ODD_JSON, max_size=4)))
    return msgspec.structs.replace(step, body=body)


# So that there is something to ask about from the start.
BEGINNING = [
    *(
        Step("POST", f"/ari/channels/y{number}", (("endpoint", "Local/echo@conformance"), APP))
        for number in range(3)
    ),
    Step("POST", "/ari/channels/y1/play/y1", (("media", "sound:silence/9"),)),
    Step("POST", "/ari/channels/y1/record", (("name", "y1"), ("format", "wav"))),
    Step("POST", "/ari/bridges/y1", (), None, 0.6),
]
STEPS = st.lists(st.one_of(ORDINARY, ORDINARY, ORDINARY, odd()), min_size=50, max_size=100)
BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@BOUNDED
@given(STEPS)
def test_any_requests(tmp_path_factory: pytest.TempPathFactory, steps: list[Step]) -> None:
    run(play, tmp_path_factory.mktemp("any"), steps)


@pytest.mark.slow
@settings(BOUNDED, max_examples=1350, derandomize=False)
@given(STEPS)
def test_very_many_requests(tmp_path_factory: pytest.TempPathFactory, steps: list[Step]) -> None:
    run(play, tmp_path_factory.mktemp("any"), steps)


async def play(folder: Path, steps: list[Step]) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(folder) as server:
            socket = await server.listen("/ari/events?app=app,other")
            for step in BEGINNING + steps:
                await ask(server, step)
                check(server.tenant)
                await trio.sleep(step.wait)
            await end(server)
            socket.close()
            assert server.tenant.bus.statistics()["topics"] == 0
            assert not server.tenant.applications
    crashed = [log for log in logs if log["event"] in FAILURES]
    assert not crashed, crashed


def there(tenant: Tenant, text: str) -> str:
    """A text with what there is in it."""
    objects = {
        "c": list(tenant.channels),
        "b": list(tenant.bridges),
        "p": list(tenant.playbacks),
        "r": [*tenant.recordings, "x0", "f/x5"],
        "a": ["app", "other"],
    }

    def name(match: re.Match[str]) -> str:
        kind, number = objects[match[1]], int(match[2])
        return kind[number % len(kind)] if kind and number < MOST else "none"

    return re.sub(r"{([cbpra])(\d)}", name, text)


async def ask(server: Server, step: Step) -> None:
    segments = (quote(there(server.tenant, part), safe="") for part in step.path.split("/"))
    query = [(name, there(server.tenant, value)) for name, value in step.query]
    target = "/".join(segments) + (f"?{urlencode(query)}" if query else "")
    body = None if step.body is None else msgspec.json.encode(step.body)
    headers = {} if body is None else {"content-type": "application/json"}
    with trio.fail_after(30):
        reply = await server.request(step.method, target, body=body, headers=headers)
    assert reply.status < 500 or any(text in reply.body.decode() for text in DECLARED), (
        step,
        reply,
    )
    assert reply.status != 401


def check(tenant: Tenant) -> None:
    """What holds at every moment."""
    ours = [attendant for bridge in tenant.bridges.values() for attendant in bridge.attendants]
    assert tenant.media.statistics().ports >= len(tenant.channels) + 2 * len(ours)
    for channel in tenant.channels.values():
        assert channel.bridge is None or channel in channel.bridge.channels
        if channel.visit is not None:
            application = channel.visit.application
            assert tenant.applications[application.name] is application
    for bridge in tenant.bridges.values():
        assert tuple(member.id for member in bridge.channels) == bridge.snapshot.channels
        assert all(member.bridge is bridge for member in bridge.channels)
    for playing in tenant.playbacks.values():
        assert playing in playing.stage.playbacks
        assert runs(playing.stage)
    for name, live in tenant.recordings.items():
        assert live.name == name
        assert runs(live.stage)


def runs(stage: Stage) -> bool:
    """Whether what is played or recorded there may still be under way."""
    if isinstance(stage, Attendant):
        return stage in stage.bridge.attendants
    return isinstance(stage, Channel) and not stage.destroyed


async def end(server: Server) -> None:
    """Hang up, destroy, and unsubscribe all there is."""
    tenant = server.tenant
    for channel in list(tenant.channels.values()):
        channel.hangup()
    for bridge in list(tenant.bridges.values()):
        bridge.destroy()
    await trio.sleep(70)
    assert_nothing_left(tenant)
    for application in list(tenant.applications.values()):
        application.forget("endpoint:Local")
