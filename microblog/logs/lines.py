"""One record, one line: as text for people, or as JSON for machines. Times are in UTC."""

import json
import time
import traceback
from datetime import UTC, datetime
from logging import Formatter, LogRecord

from microblog.logs.context import Fields
from microblog.logs.redaction import redacted

LONGEST_MESSAGE = 8_192
LONGEST_TRACE = 65_536

# What a line may tell beyond its message, in this order; anything else is dropped.
FIELDS = ("request", "user", "address", "event", "method", "route", "status", "ms")
# For people the message says the others already.
_BESIDE_TEXT = ("request", "user", "address")


def escaped(text: str) -> str:
    """Without anything that could end the line, move the cursor or turn the text around.

    Backslashes are doubled, so that an escaped line end cannot be mistaken for a typed one.
    """
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text
    )


def trace(record: LogRecord) -> str:
    """The stack trace of a record, if it has one; of a very long one the end."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    text = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return redacted(text[-LONGEST_TRACE:])


def merged(record: LogRecord) -> str:
    """What a record says, even if its author mixed up the arguments."""
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - whatever an argument's own __str__ raises
        text = str(record.msg)
    return text[:LONGEST_MESSAGE]


def message(record: LogRecord) -> str:
    """What a record says, fit to be kept."""
    return redacted(merged(record))


class TextLines(Formatter):
    """``2026-11-21 10:00:00,123 INFO: message [in path:line] request=… user=…``."""

    converter = staticmethod(time.gmtime)

    def format(self, record: LogRecord) -> str:
        place = f"[in {record.pathname}:{record.lineno}]"
        parts = [f"{self.formatTime(record)} {record.levelname}:", message(record), place]
        fields = told(record)
        parts += [f"{name}={fields[name]}" for name in _BESIDE_TEXT if name in fields]
        if found := trace(record):
            parts.append(f"trace={found}")
        return escaped(" ".join(parts))


class JSONLines(Formatter):
    """One JSON object, in ASCII."""

    def format(self, record: LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        members: Fields = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": message(record),
            "path": record.pathname,
            "line": record.lineno,
            **told(record),
        }
        if found := trace(record):
            members["trace"] = found
        return json.dumps(members).replace("\x7f", "\\u007f")


def told(record: LogRecord) -> Fields:
    """The fields of a record that may be told."""
    given: Fields = getattr(record, "fields", {})
    return {name: given[name] for name in FIELDS if name in given}
