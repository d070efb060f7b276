"""The extensions.conf we ship does what its remarks say."""

import re
from pathlib import Path

import pytest

from stasisd.dialplan.matcher import Matcher
from stasisd.dialplan.parser import parse
from stasisd.dialplan.plan import Step

ROOT = Path(__file__).parent.parent.parent
PLAN = parse((ROOT / "conf" / "extensions.conf").read_text(), "conf/extensions.conf")
MATCHER = Matcher(PLAN)
APPLICATIONS = {
    "Answer", "Hangup", "Stasis", "Dial", "Playback", "Echo", "Wait", "Ringing", "Busy", "NoOp",
    "Set", "Goto",
}  # fmt: skip
STEPS = [
    step
    for context in PLAN.contexts.values()
    for extension in context.extensions
    for step in extension.steps
]


def walk(extension: str) -> list[Step]:
    steps: list[Step] = []
    while found := MATCHER.find("default", extension, len(steps) + 1):
        steps.append(found.step)
    return steps


def test_only_applications_of_ours_are_used() -> None:
    assert {step.application for step in STEPS} <= APPLICATIONS


def test_every_prompt_is_there() -> None:
    prompts = [step.arguments for step in STEPS if step.application == "Playback"]
    missing = [p for p in prompts if not (ROOT / f"stasisd/sounds/en/{p}.flac").exists()]
    assert prompts
    assert missing == []


@pytest.mark.parametrize(
    ("extension", "applications"),
    [
        ("1000", ["NoOp", "Stasis", "Goto"]),
        ("stasis-SUCCESS", ["Playback", "Hangup"]),
        ("stasis-FAILED", ["Playback", "Hangup"]),
        ("600", ["Answer", "Playback", "Echo", "Playback", "Hangup"]),
        ("100", ["Dial", "Goto"]),
        ("199", ["Dial", "Goto"]),
        ("200", []),
        ("h", ["NoOp"]),
    ],
)
def test_what_each_extension_runs(extension: str, applications: list[str]) -> None:
    assert [step.application for step in walk(extension)] == applications


@pytest.mark.parametrize(
    ("status", "prompt"),
    [
        ("BUSY", "extension-busy"),
        ("NOANSWER", "number-not-answering"),
        ("CHANUNAVAIL", "extension-unavailable"),
        ("CONGESTION", "extension-unavailable"),
        ("CANCEL", "extension-unavailable"),
    ],
)
def test_the_caller_is_told_how_a_call_failed(status: str, prompt: str) -> None:
    assert walk(f"dial-{status}")[0].arguments == prompt


def test_variables_used_are_those_of_globals_or_of_a_channel() -> None:
    used = set(re.findall(r"\$\{([A-Z]+)", " ".join(step.arguments for step in STEPS)))
    assert used <= {*PLAN.variables} | {
        "CALLERID", "CHANNEL", "DIALSTATUS", "EXTEN", "HANGUPCAUSE", "STASISSTATUS",
    }  # fmt: skip
