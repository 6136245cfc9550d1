"""The log of a process: one JSON object a line on stderr, or plain lines if stderr is a terminal."""

import logging
import sys

import structlog


def configure_logging(process: str, *, level: str) -> None:
    """Set up structlog for this process; ``level`` is debug, info, warning or error."""
    is_terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _naming(process),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if is_terminal else (structlog.processors.dict_tracebacks,)),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _naming(process: str) -> structlog.typing.Processor:
    """Add the process's name to every line, whichever thread writes it."""

    def name(logger: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ARG001
        line["process"] = process
        return line

    return name
