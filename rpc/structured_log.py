"""The log of a process: one JSON object a line on stderr, or plain lines if stderr is a terminal.

A traceback names files, lines and functions. It holds neither local variables nor the text of the exception: both may
repeat what a caller sent. Only an exception that ends the process is told with its text.
"""

import logging
import sys
import threading
import traceback
from types import TracebackType

import structlog

_log = structlog.get_logger("rpc.structured_log")
_MOST_ERRORS_OF_A_CHAIN = 10


def configure_logging(process: str, *, level: str) -> None:
    """Set up the log of this process; ``level`` is debug, info, warning or error.

    Lines of libraries, Python's warnings and uncaught exceptions take the same form. Those of libraries are written
    from the level of a warning on: below it, some repeat URLs and headers.
    """
    lowest = logging.getLevelNamesMapping()[level.upper()]
    finish = _finishing(process)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        # Each line is one write: lines of several threads do not mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter(finish))
    handler.addFilter(_is_no_advice_to_install)
    logging.basicConfig(handlers=[handler], level=max(lowest, logging.WARNING), force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_of_a_thread
    sys.unraisablehook = _log_unraisable


def _finishing(process: str) -> list[structlog.typing.Processor]:
    """What every line passes, whoever wrote it."""
    return [
        _naming(process),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(default=repr),
    ]


class _LibraryFormatter(logging.Formatter):
    """Gives a record of the standard library's logging the form of our own lines."""

    def __init__(self, processors: list[structlog.typing.Processor]) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and str(error):
            text = text.replace(str(error), type(error).__name__)  # gRPC puts an exception's text into its own
        line: structlog.typing.EventDict = {
            "event": text.strip(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "exc_info": error,
        }
        rendered: object = line
        for process in self._processors:
            rendered = process(None, record.levelname.lower(), rendered)  # type: ignore[arg-type] # each takes the last's
        return str(rendered)


def _naming(process: str) -> structlog.typing.Processor:
    """Add the process's name to every line, whichever thread writes it."""

    def name(logger: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ARG001
        line["process"] = process
        return line

    return name


def _describe_exception(logger: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ARG001
    """Replace an exception by its class and the places that it passed, those of its causes included."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line["exception"] = [
            {"type": f"{type(link).__module__}.{type(link).__qualname__}", "places": _places(link.__traceback__)}
            for link in _chain(error)
        ]
    return line


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, what caused it, and so on."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < _MOST_ERRORS_OF_A_CHAIN:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace, limit=-50)]


def _is_no_advice_to_install(record: logging.LogRecord) -> bool:
    """Whether a line is worth writing: uvicorn answers an upgrade to WebSockets with the advice to install one."""
    return "pip install" not in record.getMessage()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.error("uncaught exception", reason=str(error), exc_info=error.with_traceback(trace))


def _log_uncaught_of_a_thread(arguments: threading.ExceptHookArgs) -> None:
    if not issubclass(arguments.exc_type, SystemExit):
        name = arguments.thread.name if arguments.thread else ""
        _log.error("uncaught exception of a thread", thread=name, exc_info=arguments.exc_value)


def _log_unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    _log.error("exception where none can be raised", exc_info=arguments.exc_value)
