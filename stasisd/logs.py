"""Structured logs: for people on a terminal, JSON lines otherwise, and copies in log channels.

What is bound to a task (tenant, channel, request id) stands in every line it causes.
"""

import logging
import sys
from collections import Counter
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.processors import ExceptionRenderer, JSONRenderer
from structlog.tracebacks import ExceptionDictTransformer

from .core.log_files import LogFiles

Format = Literal["auto", "human", "json"]
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
Line = MutableMapping[str, Any]

# Without the locals of a traceback's frames: they may hold passwords and tokens.
_exceptions = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
_render = JSONRenderer()


class LogCopies:
    """Gives each line to the log channels of the tenant that it is about.

    A line about no tenant goes to all of them where there is one tenant only: it may tell of
    others.
    """

    def __init__(self) -> None:
        self.of_tenants: dict[str, LogFiles] = {}

    def __call__(self, logger: Any, method: str, line: Line) -> Line:
        """Copy a line, as a processor of structlog."""
        for files in self._of(line):
            if files.is_wanted(line["level"]):
                text = str(_render(logger, method, _exceptions(logger, method, dict(line))))
                files.write(line["level"], f"{text}\n".encode())
        return line

    def _of(self, line: Line) -> list[LogFiles]:
        found = self.of_tenants.get(line.get("tenant", ""))
        if found is not None:
            return [found]
        return list(self.of_tenants.values()) if len(self.of_tenants) == 1 else []


class Libraries(logging.Handler):
    """Puts what libraries say into our lines; each of their calls has one line in ten seconds.

    Trio's own says ten times a second, with a traceback, that all descriptors are taken.
    """

    SECONDS = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}
        self._left_out: Counter[tuple[str, int]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless its place in the code wrote one just now."""
        place = record.pathname, record.lineno
        if record.created - self._last.get(place, -self.SECONDS) < self.SECONDS:
            self._left_out[place] += 1
            return
        self._last[place] = record.created
        more = {"left_out": count} if (count := self._left_out.pop(place, 0)) else {}
        if record.exc_info:
            more["exc_info"] = record.exc_info  # type: ignore[assignment] # structlog takes any
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), library=record.name, **more
        )


def configure(
    level: str = "info",
    form: Format = "auto",
    stream: TextIO | None = None,
    copies: LogCopies | None = None,
) -> None:
    """Send the logs of this process to ``stream`` (standard error), from ``level`` up."""
    target = sys.stderr if stream is None else stream
    human = target.isatty() if form == "auto" else form == "human"
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not human),
        *([] if copies is None else [copies]),
    ]
    if human:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    else:
        processors += [_exceptions, _render]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    # What libraries say through the standard library matters only when something is wrong.
    logging.basicConfig(level=logging.WARNING, handlers=[Libraries()], force=True)
