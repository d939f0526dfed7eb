"""Where the log lines of a process go: to stderr, as text for a person or as JSON for a machine."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from dinnerkit.settings import Settings

_QUIET = ("huey", "pymongo", "urllib3")
"""Libraries whose "info" is our "debug"."""


def configure_logs(settings: Settings) -> None:
    """Send everything that is logged in this process, by whatever library, to stderr in the chosen format.

    Only commands call it: a host application keeps its own logging.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    as_text = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(as_text=as_text)],
            foreign_pre_chain=shared,
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)


def _rendering(*, as_text: bool) -> list[Processor]:
    if as_text:
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    return [tracebacks, structlog.processors.JSONRenderer()]
