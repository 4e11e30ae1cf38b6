"""A refusal: its status, its words, and what it looks like without the site's layout."""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus

from microblog.web.edge.asgi import Scope

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# (scope, status, detail) -> (content type, body). Must not block.
Refuse = Callable[[Scope, int, str], tuple[str, str]]

# What else stands beside a refusal. Must not block.
Beside = Callable[[Scope], Iterable[tuple[bytes, bytes]]]

# What a client needs to do better next time.
HINTS = {
    405: (b"allow", ", ".join(METHODS).encode()),
    408: (b"retry-after", b"5"),
    415: (b"accept-encoding", b"identity"),
    503: (b"retry-after", b"5"),
}

# Names of 2024's standard; the library of older Pythons has older ones.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long"}


class Refused(Exception):
    """`unread`: part of the request's body is still on its way. `closes`: the connection ends.

    `beside` are headers that the answer has besides its own.
    """

    def __init__(
        self, status: int, detail: str, *, unread: bool = True, closes: bool = True
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.unread = unread
        self.closes = closes
        self.beside: Iterable[tuple[bytes, bytes]] = ()


def nothing_beside(_scope: Scope) -> tuple[()]:
    return ()


def plain_refusal(scope: Scope, status: int, detail: str) -> tuple[str, str]:
    """Problem JSON for programs, one line of text for everybody else."""
    title = _PHRASES.get(status) or HTTPStatus(status).phrase
    if not wants_json(scope):
        return "text/plain; charset=utf-8", f"{status} {title}: {detail}\n"
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "error": title,
        "message": detail,
    }
    return "application/problem+json", json.dumps(problem)


def wants_json(scope: Scope) -> bool:
    path = scope.get("path", "")
    if path == "/api" or path.startswith("/api/"):
        return True
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return b"json" in accept and b"text/html" not in accept
