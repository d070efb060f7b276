"""Links lead somewhere, commands exist, and nothing belongs to one machine only."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stasisd.__main__ import main
from stasisd.config import settings
from stasisd.config.checks import check
from stasisd.config.decode import decode
from tests.docs.pages import DOCS, ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
# A command of ours and its arguments, at the start of a line or behind a path or prompt.
COMMAND = re.compile(r"(?:^|/bin/|^\$ )stasisd ([a-z-][^\n|;&`]*)", re.MULTILINE)
# Folders that only some machine has.
# A test that a page names: a file, and maybe one function of it.
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
PRIVATE = re.compile(r"(?<![\w~.])/(?:work|root|home/\w|Users|tmp/venv)\b")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    return INLINE.sub("", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make, as the usual renderers make them."""
    kept = FENCE.sub("", text)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(kept)
    }


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(without_code(path.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        place, _, anchor = target.partition("#")
        linked = (path.parent / place) if place else path
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text())):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        path = waiting.pop()
        for target in LINK.findall(path.read_text()):
            linked = (path.parent / target.partition("#")[0]).resolve()
            if linked.suffix == ".md" and linked.is_file() and linked not in reached:
                reached.add(linked)
                waiting.append(linked)
    assert set(PAGES) <= reached


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_no_page_names_a_folder_of_one_machine(path: Path) -> None:
    assert PRIVATE.findall(path.read_text()) == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_tests_that_a_page_names_exist(path: Path) -> None:
    for file, name in TEST.findall(path.read_text()):
        assert (ROOT / file).is_file(), file
        assert not name or f"def {name}(" in (ROOT / file).read_text(), name


def typed(text: str) -> Iterator[str]:
    """What a page gives to type: its fenced blocks and inline code."""
    yield from (block for _, block in FENCE.findall(text))
    yield from INLINE.findall(FENCE.sub("", text))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_exist(path: Path) -> None:
    """A command that a page names is one, and so are the options behind it."""
    for text in typed(path.read_text()):
        for line in COMMAND.findall(text):
            words = shlex.split(line, comments=True)
            command: click.Command = main
            while words and isinstance(command, click.Group) and words[0][0] not in "-|":
                assert words[0] in command.commands, line
                command = command.commands[words.pop(0)]
            known = {option for each in command.params for option in each.opts} | {"--help"}
            assert {word for word in words if word.startswith("--")} <= known, line


def readme_command(ending: str) -> str:
    (found,) = (line for line in README.read_text().splitlines() if line.strip().endswith(ending))
    return found.strip()


def steps(line: str) -> list[list[str]]:
    return [shlex.split(part) for part in line.split("&&")]


def test_start_command() -> None:
    assert steps(readme_command("stasisd serve")) == [
        ["python3", "-m", "venv", ".venv"],
        [".venv/bin/pip", "install", "-q", "."],
        [".venv/bin/stasisd", "serve"],
    ]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    given = steps(readme_command("-m tests"))
    script = (ROOT / ".ci" / "run").read_text()
    folder = re.search(r"^VENV=(\S+)$", script, re.MULTILINE)
    assert folder is not None
    lines = [shlex.split(line) for line in script.splitlines() if line.startswith('"$')]
    ran = [
        ["python3" if word == "$python" else word.replace("$VENV", ".venv") for word in line]
        for line in lines
    ]
    assert folder[1].startswith(".venv")
    assert given == [line for line in ran if line[0] != "if"][: len(given)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(path, text, id=f"{named(path)}-{number}")
        for path in PAGES
        for number, (kind, text) in enumerate(FENCE.findall(path.read_text()))
        if kind == "toml"
    ],
)
def test_configurations_are_good(path: Path, text: str) -> None:
    kept, mistakes = decode(settings.Settings, tomllib.loads(text))
    assert [*mistakes, *check(kept)] == [], path


def test_names_in_the_architecture_exist() -> None:
    """Whatever is set as code is a file, or a word of the source."""
    files = [
        path for place in ("stasisd", "caps", "tests", "conf") for path in (ROOT / place).rglob("*")
    ]
    sources = (path.read_text() for path in files if path.suffix in {".py", ".toml", ".conf"})
    words = {word for text in sources for word in re.findall(r"\w+", text)}
    words |= {part for path in files for part in (*path.parts, path.stem)}
    # What is named as not ours.
    words |= {"aclose", "Any", "ci", "run"}
    named_here = INLINE.findall(FENCE.sub("", (DOCS / "architecture.md").read_text()))
    missing = {word for name in named_here for word in re.findall(r"\w+", name)} - words
    assert missing == set()
