"""The answers of operations, as the description of the API tells them."""

from collections.abc import Iterable
from typing import Any

from microblog.web import problems
from microblog.web.api import repeating
from microblog.web.api.operations import Operation

_TEXT = {"type": "string"}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
# Beside an answer, by name: what it says, and its form.
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Content-Disposition": ("The name of the file.", _TEXT),
    "ETag": ("Send it as `If-None-Match` to hear only of changes.", _TEXT),
    repeating.REPLAYED: ("The answer is one that was given before.", {"const": "true", **_TEXT}),
    "Link": ("The pages beside this one (RFC 8288).", _TEXT),
    "Location": ("The address of what was made.", _TEXT),
    "RateLimit": (
        "What is left, and in how many seconds all is there again; first what is used up (429).",
        _TEXT,
    ),
    "RateLimit-Policy": ("The allowances of which `RateLimit` tells.", _TEXT),
    "Retry-After": ("In so many seconds it may be tried again.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": (
        "How to say who is asking; with 403, what a token would have to permit, if it is that.",
        _TEXT,
    ),
}
_ALWAYS = ("RateLimit", "RateLimit-Policy")
_OF_ERRORS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    408: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# Refused before anybody is counted.
_AT_THE_EDGE = (408, 413, 414, 421, 431)


def successes(shaped: dict[Any, Any], operation: Operation, method: str) -> dict[str, Any]:
    """What an operation answers where all is well, by status; ``shaped`` is what has a shape."""
    answers = {str(status): dict(answer) for status, answer in shaped.items()}
    for status in operation.empty:
        answers[str(status)] = {"description": "Done; there is nothing more to say."}
    if operation.file:
        answers["200"] = {"description": "The file.", "content": {operation.file: {}}}
    is_kept = method == "get" and not operation.file
    for number, answer in answers.items():
        names = [*_ALWAYS, *operation.headers.get(int(number), ())]
        if is_kept:
            names.append("ETag")
        answer["headers"] = _headers(names)
    if is_kept:
        answers["304"] = {
            "description": "Nothing has changed since the answer with this `ETag`.",
            "headers": _headers((*_ALWAYS, "ETag")),
        }
    return answers


def refusal(status: int, beside: Iterable[str]) -> dict[str, Any]:
    """A problem, and the names of what stands beside it in this operation only."""
    kind = problems.of_status(status)
    if beside:
        return _problem(kind, beside)
    return {"$ref": f"#/components/responses/{kind.name}"}


def components() -> dict[str, Any]:
    """What answers refer to: the problems, and what stands beside answers."""
    return {
        "headers": {
            name: {"description": text, "schema": schema}
            for name, (text, schema) in HEADERS.items()
        },
        "responses": {kind.name: _problem(kind) for kind in problems.KINDS},
    }


def _problem(kind: problems.Kind, beside: Iterable[str] = ()) -> dict[str, Any]:
    example = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning,
        "error": kind.title,
        "message": kind.meaning,
    }
    names = [] if kind.status in _AT_THE_EDGE else list(_ALWAYS)
    answer = {
        "description": kind.meaning,
        "content": {problems.CONTENT_TYPE: {"schema": _PROBLEM, "example": example}},
    }
    if headers := _headers((*names, *_OF_ERRORS.get(kind.status, ()), *beside)):
        answer["headers"] = headers
    return answer


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
