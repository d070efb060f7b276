"""Copies of the log's lines in the log channels of tenants, and what libraries say."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog

from stasisd import logs
from stasisd.core.log_files import LogFiles


@pytest.fixture
def files(tmp_path: Path) -> Iterator[dict[str, LogFiles]]:
    made = {name: LogFiles(tmp_path / name) for name in ("a", "b")}
    for each in made.values():
        each.add("full", "*")
    yield made
    for each in made.values():
        each.close()


def lines(files: LogFiles) -> list[str]:
    text = files.all()[0].path.read_text()
    return [msgspec.json.decode(line)["event"] for line in text.splitlines()]


def test_a_tenants_lines_are_its_own(files: dict[str, LogFiles]) -> None:
    copies = logs.LogCopies()
    logs.configure(stream=io.StringIO(), copies=copies)
    log = structlog.get_logger()
    copies.of_tenants["a"] = files["a"]
    log.info("of the server")
    copies.of_tenants["b"] = files["b"]
    log.info("of the server, to nobody")
    log.info("of a", tenant="a")
    log.debug("too fine")
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("of b", tenant="b")
    assert lines(files["a"]) == ["of the server", "of a"]
    assert lines(files["b"]) == ["of b"]


def test_the_line_goes_on_as_it_was(files: dict[str, LogFiles]) -> None:
    target, copies = io.StringIO(), logs.LogCopies()
    copies.of_tenants["a"] = files["a"]
    logs.configure(form="json", stream=target, copies=copies)
    structlog.get_logger().warning("careful", tenant="a", number=1)
    assert target.getvalue() == files["a"].all()[0].path.read_text()


def test_what_libraries_say_is_one_of_our_lines_and_seldom_comes_again() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream)
    for number in range(5):
        try:
            raise OSError(24, "Too many open files")
        except OSError:
            logging.getLogger("trio.serve_listeners").exception("accept failed: %d", number)
    logging.getLogger("other").warning("something else")
    logging.getLogger("other").info("of no interest")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["level"]) == ("accept failed: 0", "error")
    assert first["library"] == "trio.serve_listeners"
    assert first["exception"][0]["exc_value"] == "[Errno 24] Too many open files"
    assert (second["event"], second["level"]) == ("something else", "warning")


def test_what_was_left_out_is_counted() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream)
    (handler,) = logging.getLogger().handlers
    for created in (0.0, 1.0, 2.0, 10.5):
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "again", (), None)
        record.created = created
        handler.emit(record)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("left_out") for line in lines] == [None, 2]
