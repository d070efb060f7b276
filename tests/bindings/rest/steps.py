"""Sequences of requests as hypothesis draws them: ordinary ones, and odd ones."""

from typing import Any, Literal

import msgspec
from hypothesis import strategies as st


class Step(msgspec.Struct, frozen=True):
    """A request, how it is asked, and how long to wait after it.

    `{c3}` in it is the third channel there is by then, or none; `{b0}` a bridge, `{p1}` a
    playback, `{r2}` a recording, `{a0}` an application; `{s0}` is a channel that an application
    holds, and `{u0}` one of these that may be dialled. The methods OPEN and CLOSE are of an event
    WebSocket. `wait` None does not even wait for the answer. `patience` is after how many turns
    of the scheduler the client gives up, if it does.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    wait: float | None = 0.0
    way: Literal["http", "socket"] = "http"
    patience: int | None = None


def one_of(kind: str) -> st.SearchStrategy[str]:
    """One of the objects of a kind that there will be."""
    return st.integers(0, MOST).map(lambda number: f"{{{kind}{number}}}")


MOST = 7  # and this one is not there
CHANNELS, BRIDGES, PLAYBACKS, RECORDINGS, APPS = (one_of(kind) for kind in "cbpra")
HELD, CREATED_ONES = one_of("s"), one_of("u")
SOME = st.one_of(HELD, HELD, CHANNELS)
# What events come from that is never gone.
FOREVER = (
    "endpoint:Local", "endpoint:PJSIP/100", "deviceState:Stasis:x0",
    "deviceState:Local/echo@conformance",
)  # fmt: skip
SOURCES = st.sampled_from(["channel:{c0}", "channel:{c2}", "bridge:{b0}", "x:y", *FOREVER])
NEW = st.sampled_from(["x0", "x1", "x2", "x3", "x4", "f/x5"])
MEDIA = st.sampled_from(
    ["sound:silence/9", "sound:silence/9", "sound:hello", "sound:silence/5", "sound:none",
     "tone:ring", "digits:12", "number:7", "recording:x0", "recording:f/x5", "nonsense:x", ""]
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
    "inhibitConnectedLineUpdates", "announcer_format", "recorder_format", "spy", "whisper",
    "snoopId", "external_host", "encapsulation", "transport", "connection_type", "caller", "states",
    "mohClass", "deviceState", "oldMessages", "newMessages", "fields", "filter", "allowed",
    "disallowed", "configuration", "to", "from", "body", "refer_to", "to_self",
]  # fmt: skip
WAIT = st.sampled_from([0.0, 0.0, 0.0, None, None, 0.01, 0.3, 2.0])
WAY: st.SearchStrategy[Literal["http", "socket"]] = st.sampled_from(["http", "http", "socket"])
PATIENCE = st.sampled_from([None] * 12 + [0, 1, 2, 3, 4, 6, 8])


def asked(
    method: str, path: str, query: dict[str, Any] | None = None, **places: Any
) -> st.SearchStrategy[Step]:
    """Requests of one kind, whose places and parameters are drawn."""

    def step(drawn: dict[str, Any], given: dict[str, Any], *how: Any) -> Step:
        return Step(method, path.format(**drawn), tuple(given.items()), None, *how)

    drawn, given = st.fixed_dictionaries(places), st.fixed_dictionaries(query or {})
    return st.builds(step, drawn, given, WAIT, WAY, PATIENCE)


def all_asked(
    targets: str, query: dict[str, Any] | None = None, **places: Any
) -> list[st.SearchStrategy[Step]]:
    """The same for several targets, each a method and a path, with the same parameters."""
    asking = []
    for target in targets.split(", "):
        method, path = target.split()
        asking.append(asked(method, path, query, **places))
    return asking


def saying(body: Any, asking: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    """The same with this JSON body."""
    return asking.map(lambda step: msgspec.structs.replace(step, body=body))


CALL = "/ari/channels/{c}"
BRIDGE = "/ari/bridges/{b}"
TYPES = st.sampled_from(["", "mixing", "holding", "mixing,dtmf_events", "video_sfu", "nonsense"])
ROLES = st.sampled_from(["", "", "announcer", "participant"])
SIDES = st.sampled_from(["none", "in", "out", "both"])
SECONDS = st.sampled_from(["0", "1", "30"])
YES_OR_NO = st.sampled_from(["false", "true"])
DEVICE_STATES = st.sampled_from(["INUSE", "RINGING", "nonsense"])
APP = ("app", "app")
EXTENSIONS = ["echo"] * 4 + ["hold"] * 3 + ["ring", "busy", "bye", "app-app", "early-app", "none"]
LOCAL = st.sampled_from([f"Local/{exten}@conformance" for exten in EXTENSIONS])
ORIGINATE = asked(
    "POST",
    "/ari/channels",
    {
        "endpoint": LOCAL,
        "app": st.sampled_from(["app"] * 5 + ["other", "none"]),
        "channelId": st.one_of(NEW, st.just("")),
    },
)
IN_BRIDGE = {
    "channel": st.one_of(SOME, st.tuples(HELD, HELD).map(",".join)),
    "role": ROLES,
    "mute": st.sampled_from(["false", "false", "true"]),
    "absorbDTMF": st.sampled_from(["false", "true"]),
}
RECORD = {
    "name": NEW,
    "format": st.sampled_from(["wav", "ulaw", "sln", "flac", "ogg"]),
    "ifExists": st.sampled_from(["fail", "overwrite", "append"]),
    "maxDurationSeconds": st.sampled_from(["0", "0", "1"]),
}
OPERATION = {"operation": st.sampled_from(["pause", "unpause", "restart", "forward", "reverse"])}
VARIABLE = {
    "variable": st.sampled_from(["x0", "CONFVAR", "TALK_DETECT(set)", "CALLERID(num)", "NO(x)"]),
    "value": st.sampled_from(["", "x", "{c0}"]),
    "report_events": st.sampled_from(["false", "true"]),
}
VARIABLES = {"variables": {"x0": "1", "CONFVAR": {"value": "y", "report_events": True}}}
FIELDS = {"fields": [{"attribute": "color", "value": "blue"}]}
FILTERS: list[dict[str, Any]] = [
    {}, {"allowed": [{"type": "StasisStart"}]}, {"disallowed": [{"type": "ChannelVarset"}]},
]  # fmt: skip
NAMED = {"variables": st.sampled_from(["x0", "x0,CONFVAR", ""])}
DIRECTION = {"direction": st.sampled_from(["in", "out", "both"])}
SNOOPING = {"spy": SIDES, "whisper": SIDES, "app": APPS}
PEER = {
    "app": APPS,
    "channelId": NEW,
    "external_host": st.sampled_from(["192.0.2.1:5004", "192.0.2.1:5006", "nonsense"]),
    "format": st.sampled_from(["ulaw", "alaw"]),
    "connection_type": st.sampled_from(["client", "server"]),
}
CREATED = {"endpoint": LOCAL, "app": APPS, "channelId": NEW}
ELSEWHERE = {"context": st.just("conformance"), "extension": st.sampled_from(EXTENSIONS)}
REFER = {"to": st.just("pjsip:100"), "from": st.just("sip:x"), "refer_to": st.just("sip:y")}
ON_CHANNELS = [
    *all_asked("DELETE {c}, GET {c}".replace("{c}", CALL), c=SOME),
    *(
        asked(method, f"{CALL}/{verb}", c=SOME)
        for verb in ("ring", "hold", "silence", "moh")
        for method in ("POST", "DELETE")
    ),
    *all_asked(f"POST {CALL}/mute, DELETE {CALL}/mute", DIRECTION, c=SOME),
    *(asked("POST", f"{CALL}/{verb}", c=SOME) for verb in ("answer", "progress", "continue")),
    asked("POST", CALL + "/continue", ELSEWHERE, c=SOME),
    asked("POST", CALL + "/dtmf", {"dtmf": st.sampled_from(["1", "12#"])}, c=SOME),
    *[asked("POST", CALL + "/play/{p}", {"media": MEDIA}, c=SOME, p=NEW)] * 5,
    *[asked("POST", CALL + "/record", RECORD, c=SOME)] * 2,
    *[asked("POST", "/ari/channels/create", CREATED)] * 3,
    *[asked("POST", CALL + "/dial", {"caller": CHANNELS, "timeout": SECONDS}, c=CREATED_ONES)] * 3,
    *[asked("POST", CALL + "/move", {"app": APPS}, c=SOME)] * 3,
    asked("POST", CALL + "/redirect", {"endpoint": LOCAL}, c=SOME),
    *[asked("POST", CALL + "/snoop/{n}", SNOOPING, c=SOME, n=NEW)] * 4,
    *[asked("POST", "/ari/channels/externalMedia", PEER)] * 3,
    *all_asked(f"GET {CALL}/variable, POST {CALL}/variable", VARIABLE, c=SOME),
    asked("GET", CALL + "/variables", NAMED, c=SOME),
    saying(VARIABLES, asked("POST", CALL + "/variables", c=SOME)),
    *all_asked(f"GET {CALL}/rtp_statistics, GET /ari/channels", c=SOME),
    asked("POST", CALL + "/transfer_progress", {"states": st.just("channel_answered")}, c=SOME),
]
ON_MEDIA = [
    *all_asked("DELETE /ari/playbacks/{p}, GET /ari/playbacks/{p}", p=PLAYBACKS),
    *[asked("POST", "/ari/playbacks/{p}/control", OPERATION, p=PLAYBACKS)] * 2,
    *(
        asked(method, "/ari/recordings/live/{r}" + verb, r=RECORDINGS)
        for method, verb in (
            ("POST", "/stop"),
            ("DELETE", ""),
            ("POST", "/pause"),
            ("DELETE", "/pause"),
            ("POST", "/mute"),
            ("DELETE", "/mute"),
            ("GET", ""),
        )
    ),
    asked("GET", "/ari/recordings/stored"),
    asked("GET", "/ari/recordings/stored/{r}/file", r=RECORDINGS),
    asked("DELETE", "/ari/recordings/stored/{r}", r=RECORDINGS),
    asked(
        "POST", "/ari/recordings/stored/{r}/copy", {"destinationRecordingName": NEW}, r=RECORDINGS
    ),
]
ON_BRIDGES = [
    *[asked("POST", "/ari/bridges/{b}", {"type": TYPES}, b=NEW)] * 2,
    *all_asked(f"DELETE {BRIDGE}, GET {BRIDGE}, GET /ari/bridges", b=BRIDGES),
    *[asked("POST", BRIDGE + "/addChannel", IN_BRIDGE, b=BRIDGES)] * 6,
    *[asked("POST", BRIDGE + "/removeChannel", {"channel": SOME}, b=BRIDGES)] * 2,
    *[asked("POST", BRIDGE + "/play/{p}", {"media": MEDIA}, b=BRIDGES, p=NEW)] * 2,
    *[asked("POST", BRIDGE + "/record", RECORD, b=BRIDGES)] * 2,
    *all_asked(f"POST {BRIDGE}/moh, DELETE {BRIDGE}/moh", b=BRIDGES),
    asked("POST", BRIDGE + "/videoSource/{c}", b=BRIDGES, c=SOME),
    asked("DELETE", BRIDGE + "/videoSource", b=BRIDGES),
    *all_asked(f"GET {BRIDGE}/variable, POST {BRIDGE}/variable", VARIABLE, b=BRIDGES),
    asked("GET", BRIDGE + "/variables", NAMED, b=BRIDGES),
    saying(VARIABLES, asked("POST", BRIDGE + "/variables", b=BRIDGES)),
]
TO_BE_TOLD = {"application": APPS, "source": SOURCES}
HEARD = {"app": st.sampled_from(["app", "other", "app,other"]), "subscribeAll": YES_OR_NO}
FOLLOWING = "/ari/applications/{a}/subscription"
ON_EVENTS = [
    *[asked("POST", FOLLOWING, {"eventSource": SOURCES}, a=APPS)] * 3,
    *[asked("DELETE", FOLLOWING, {"eventSource": SOURCES}, a=APPS)] * 2,
    *(saying(body, asked("PUT", "/ari/applications/{a}/eventFilter", a=APPS)) for body in FILTERS),
    *all_asked("GET /ari/applications/{a}, GET /ari/applications", a=APPS),
    asked("POST", "/ari/events/user/x0", TO_BE_TOLD),
    asked("GET", "/ari/events", HEARD),
    asked("OPEN", "/ari/events", HEARD),
    asked("CLOSE", "/ari/events"),
]
CONFIGURED = "/ari/asterisk/config/dynamic/class/thing/{n}"
ON_THE_REST = [
    *all_asked("GET /ari/deviceStates/Stasis:{n}, DELETE /ari/deviceStates/Stasis:{n}", n=NEW),
    asked("PUT", "/ari/deviceStates/Stasis:{n}", {"deviceState": DEVICE_STATES}, n=NEW),
    *all_asked("GET /ari/mailboxes/{n}, DELETE /ari/mailboxes/{n}", n=NEW),
    asked("PUT", "/ari/mailboxes/{n}", {"oldMessages": SECONDS, "newMessages": SECONDS}, n=NEW),
    *all_asked(f"GET {CONFIGURED}, DELETE {CONFIGURED}", n=NEW),
    saying(FIELDS, asked("PUT", CONFIGURED, n=NEW)),
    asked("POST", "/ari/asterisk/logging/{n}", {"configuration": st.just("error")}, n=NEW),
    *all_asked("DELETE /ari/asterisk/logging/{n}, PUT /ari/asterisk/logging/{n}/rotate", n=NEW),
    *all_asked("GET /ari/asterisk/variable, POST /ari/asterisk/variable", VARIABLE),
    *all_asked("GET /ari/asterisk/info, GET /ari/endpoints, GET /ari/endpoints/PJSIP/100"),
    *all_asked("PUT /ari/endpoints/sendMessage, POST /ari/endpoints/refer", REFER),
]
ORDINARY = st.one_of(
    *[ORIGINATE] * 10,
    saying(VARIABLES, ORIGINATE),
    *ON_CHANNELS,
    *ON_MEDIA,
    *ON_BRIDGES,
    *ON_EVENTS,
    *ON_THE_REST,
)


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
        Step(
            "POST",
            f"/ari/channels/y{number}",
            (("endpoint", "Local/echo@conformance"), APP),
            wait=0.1,
        )
        for number in range(3)
    ),
    Step("POST", "/ari/channels/y1/play/y1", (("media", "sound:silence/9"),)),
    Step("POST", "/ari/channels/y1/record", (("name", "y1"), ("format", "wav"))),
    Step("POST", "/ari/bridges/y1", (), None, 0.6),
]
STEPS = st.lists(st.one_of(ORDINARY, ORDINARY, ORDINARY, odd()), min_size=50, max_size=100)
