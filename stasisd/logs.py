"""Structured logs: for people on a terminal, JSON lines otherwise.

What is bound to a task (tenant, channel, request id) stands in every line it causes.
"""

import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

Format = Literal["auto", "human", "json"]
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Send the logs of this process to ``stream`` (standard error), from ``level`` up."""
    target = sys.stderr if stream is None else stream
    human = target.isatty() if form == "auto" else form == "human"
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not human),
    ]
    if human:
        # Without the locals of a traceback's frames: they may hold passwords and tokens.
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    else:
        processors += [
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    # What libraries say through the standard library matters only when something is wrong.
    logging.basicConfig(level=logging.WARNING, stream=target, force=True)
