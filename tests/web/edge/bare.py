"""The edge called directly, as a server would call it."""

from typing import Any

from microblog.web.edge import Edge
from tests.web.edge.speaking import LIMIT


def bare_scope(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "http_version": "1.1",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"site.example")],
        **more,
    }


async def unreachable(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("must not be reached")


async def run_edge(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await Edge(app, max_body=LIMIT)(scope, receive, send)
    return sent


PIECE = {"type": "http.request", "body": b"x" * LIMIT, "more_body": True}
END = {"type": "http.request", "body": b"", "more_body": False}
