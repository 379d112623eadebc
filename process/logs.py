"""How log lines look, whoever writes them: JSON for machines, or text where standard output is a terminal."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor

from process.log_stream import STDOUT

_REASONS = 10  # exceptions of a chain whose messages are looked at


def terminal() -> bool:
    """Whether lines are for a person."""
    return os.isatty(1)


def set_up_logging(level: str) -> None:
    """To be called before gRPC is imported. Every logger's lines take the same way and have the same form; `level`: the least severe."""
    # At its own level INFO gRPC's C core writes what a peer sends as the reason of a GOAWAY, line breaks and all: forged lines of the log.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    fields: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _exception,
    ]
    handler = _Handler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=fields, processors=[_without_meta, _renderer()]))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        STDOUT.write(self.format(record) + "\n")


def _renderer() -> Processor:
    if terminal():
        return structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(separators=(",", ":"))


def _without_meta(logger: object, method: str, event: EventDict) -> EventDict:
    """In the order in which a line is read."""
    return {key: event[key] for key in ("time", "level", "logger", "event", "exception") if key in event}


def _exception(logger: object, method: str, event: EventDict) -> EventDict:
    """A traceback in which each message is its first line: PostgreSQL's further ones quote the row that it refuses."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple) and isinstance(info[1], BaseException):
        text = "".join(traceback.format_exception(info[1])).rstrip("\n")
        for error in _chain(info[1]):
            message = str(error)
            text = text.replace(message, message.partition("\n")[0])
        event["exception"] = text
    return event


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_REASONS):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("process").critical("the process fails", exc_info=(kind, error, trace))
