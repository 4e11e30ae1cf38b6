"""Problems: how programs are told what went wrong (RFC 9457).

Each kind of problem has an address of its own that stays, in the documentation of the API. The
words are English whatever the program's person speaks: programs look at ``type``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

DOCUMENTATION = "/api/docs"
CONTENT_TYPE = "application/problem+json"
NO_OBJECT = "A JSON object is expected"
_MOST_FAULTS = 20
_LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; ``meaning`` is what is said where nothing more exact is known."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The address by which programs know this kind."""
        return f"{DOCUMENTATION}#{self.name}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one member of a request; ``field`` is its path, with dots between."""

    field: str
    message: str


KINDS = (
    Kind("bad-request", 400, "Bad Request", "This request could not be understood."),
    Kind("unauthorized", 401, "Unauthorized", "This needs a valid access token."),
    Kind("forbidden", 403, "Forbidden", "You may not do this."),
    Kind("not-found", 404, "Not Found", "File Not Found"),
    Kind(
        "method-not-allowed",
        405,
        "Method Not Allowed",
        "This address does not take requests of that kind.",
    ),
    Kind("timeout", 408, "Request Timeout", "The request took too long to arrive."),
    Kind("conflict", 409, "Conflict", "This stands against something else that is going on."),
    Kind("too-large", 413, "Content Too Large", "What was sent is larger than what is taken here."),
    Kind("address-too-long", 414, "URI Too Long", "This address is longer than any of ours."),
    Kind(
        "unsupported-type",
        415,
        "Unsupported Media Type",
        "What was sent is in a format that is not understood here.",
    ),
    Kind("wrong-host", 421, "Misdirected Request", "This service has another address."),
    Kind(
        "too-many-requests",
        429,
        "Too Many Requests",
        "Too many attempts. Please wait a little and try again.",
    ),
    Kind(
        "headers-too-large",
        431,
        "Request Header Fields Too Large",
        "More headers were sent than are taken here.",
    ),
    Kind("internal", 500, "Internal Server Error", "Something went wrong here."),
    Kind("busy", 503, "Service Unavailable", "The service is busy. Please try again in a moment."),
)
_BY_STATUS = {kind.status: kind for kind in KINDS}


def of_status(status: int) -> Kind:
    """The kind of problem that an error status tells of; an unknown one is of its class's first."""
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    of_class = _BY_STATUS[400 if status < 500 else 500]
    return replace(of_class, status=status, title=HTTPStatus(status).phrase)


def told(
    status: int, detail: str = "", *, faults: Iterable[Fault] = (), request_id: str = ""
) -> str:
    """A problem as JSON, with the two members that errors of the API have always had."""
    kind = of_status(status)
    detail = detail or kind.meaning
    members: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": status,
        "detail": detail,
        "error": kind.title,
        "message": detail,
    }
    if listed := [{"field": fault.field, "message": fault.message} for fault in faults]:
        members["errors"] = listed
    if request_id:
        members["request_id"] = request_id
    return json.dumps(members, ensure_ascii=False)


def faults_in(error: Exception) -> list[Fault]:
    """What is wrong with a request that is not as the description says."""
    if not isinstance(error, ValidationError):
        return []
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Fault(_path(one["loc"]), word(_said(one))) for one in found[:_MOST_FAULTS]]


def in_one_line(faults: Iterable[Fault]) -> str:
    """All faults as a sentence; empty without any."""
    return "; ".join(f"{fault.field}: {fault.message}" for fault in faults)


def _path(location: Iterable[str | int]) -> str:
    return word(".".join(str(part) for part in location)) or "body"


def _said(error: Any) -> str:
    """In words that name nothing of how this is written."""
    if error["type"] == "model_type":
        return NO_OBJECT
    return str(error["msg"]).removeprefix("Value error, ")


def word(text: str) -> str:
    """What somebody sent as a name, which may be no text at all, to be told again."""
    return text[:_LONGEST_WORD].encode("utf-8", "replace").decode()
