"""Programs beside browsers: a timeline as JSON, and posts by token beside posts by the form."""

import json
from collections.abc import Mapping
from dataclasses import replace

from benchmarks import client, data, forms
from benchmarks.rounds import Pace, Page

# As many writers at most, so that nobody stands in the line at the entrance, which ends with a 503.
_WRITERS = 8
_TEXT = "The same again and again: a post of the usual length, in plain words, about the weather."
# Once in each post of an answer.
_MARK = b'"html":'


async def bearers(url: str, folder: str) -> dict[str, str]:
    """The Authorization header of who reads and who writes."""
    made = await data.access_tokens(url, folder, (data.READER, data.KEEN))
    return {name: f"Authorization: Bearer {token}" for name, token in made.items()}


def timeline(database: str, port: int, bearer: str, *, posts: int) -> Page:
    """The newest posts of whom the reader follows, as many as a page shows."""
    path = f"/api/timeline?limit={posts}"
    label = f"{database}: GET /api/timeline"
    return Page(label, port, path, posts=posts, asked=client.head("GET", path, bearer), mark=_MARK)


async def writes(
    database: str, port: int, cookies: Mapping[str, str], bearers: Mapping[str, str]
) -> list[Page]:
    """A post in both ways, by the same person, whose posts are counted nowhere else."""
    cookie = cookies[data.KEEN]
    _, page = await client.fetch(port, client.head("GET", "/", f"Cookie: {cookie}"))
    fields = {"csrf_token": forms.token(page), "post": _TEXT, "submit": "1"}
    body = json.dumps({"body": _TEXT}).encode()
    lines = (bearers[data.KEEN], "Content-Type: application/json", f"Content-Length: {len(body)}")
    return [
        Page(
            f"{database}: POST /, the form",
            port,
            asked=forms.filled("/", cookie, fields),
            status=302,
        ),
        Page(
            f"{database}: POST /api/posts",
            port,
            posts=1,
            asked=client.head("POST", "/api/posts", *lines) + body,
            status=201,
            mark=_MARK,
        ),
    ]


def gentle(pace: Pace) -> Pace:
    """The pace at which posts are written."""
    return replace(pace, connections=min(pace.connections, _WRITERS))
