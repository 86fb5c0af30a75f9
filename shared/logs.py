"""Logs as one JSON object per line (or readable text), each with the case, event and trace it belongs to.

Personal data never goes into a log: no bodies, no query strings, no texts that people wrote.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.telemetry import current_trace_id

_case_id: ContextVar[str | None] = ContextVar("case_id", default=None)
_event_id: ContextVar[str | None] = ContextVar("event_id", default=None)


@contextmanager
def about(*, case_id: UUID | str | None = None, event_id: UUID | str | None = None) -> Iterator[None]:
    """Lines written inside carry these ids; an id not given stays as it was outside."""
    case_token = _case_id.set(str(case_id)) if case_id else None
    event_token = _event_id.set(str(event_id)) if event_id else None
    try:
        yield
    finally:
        if case_token:
            _case_id.reset(case_token)
        if event_token:
            _event_id.reset(event_token)


def configure(service: str, *, form: str = "json", level: str = "INFO") -> None:
    """Send everything to standard error in one form, uvicorn's lines too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service) if form == "json" else TextLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # They tell each request and each fetch at INFO; our own metrics and lines do.
    for name in ("httpx", "httpcore", "aiokafka"):
        logging.getLogger(name).setLevel("WARNING")
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    # A stalled reader of a stream is cut on purpose and logged there; uvicorn only sees an answer without an end.
    return "without completing response" not in record.getMessage()


def bound(record: logging.LogRecord) -> dict[str, str]:
    """The ids of the work in hand; those given with the line (`extra={"case_id": …}`) come first."""
    ids = {"case_id": _case_id.get(), "event_id": _event_id.get(), "trace_id": current_trace_id()}
    given = {name: getattr(record, name, None) or value for name, value in ids.items()}
    return {name: str(value) for name, value in given.items() if value}


class JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _time_of(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self.service,
            "logger": record.name,
            "message": record.getMessage(),
            **bound(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """`12:04:31.220 intake WARNING message  case_id=…`"""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f"  {name}={value}" for name, value in bound(record).items() if name != "trace_id")
        clock = _time_of(record).strftime("%H:%M:%S.") + f"{int(record.msecs):03d}"
        line = f"{clock} {self.service:10} {record.levelname:7} {record.getMessage()}{ids}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time_of(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
