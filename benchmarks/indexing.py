"""What the search costs those who write: the same posts with the index and without it, in turns.

The whole site is in this process, so that the index can be taken out of it; no network is between.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from quart.typing import TestClientProtocol
from sqlalchemy import select, text

from benchmarks import data, forms
from microblog.app import create_app
from microblog.database import Database
from microblog.domain.search import index
from microblog.models import Post
from microblog.resources import Resources
from microblog.settings import NO_FILE, load

ROUNDS = 6
# The bytes of the index and of all posts' texts.
_SIZES = {
    "sqlite": "SELECT (SELECT sum(length(block)) FROM post_search_data)"
    " + (SELECT sum(length(CAST(c0 AS BLOB))) FROM post_search_content),"
    " (SELECT sum(length(CAST(body AS BLOB))) FROM post)",
    "postgresql": "SELECT pg_total_relation_size('post_search'),"
    " (SELECT sum(octet_length(body)) FROM post)",
}


@dataclass
class Writing:
    """Seconds of each post with the index and without; bytes of the index and of all posts."""

    indexed: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    index_bytes: int = 0
    post_bytes: int = 0


async def writing(url: str, folder: str, cookie: str, *, number: int) -> Writing:
    """Send so many posts in each of the rounds, once with the index and once without."""
    app = create_app(load(NO_FILE, data.environment(url, folder)))
    resources: Resources = app.extensions["microblog"]
    found = Writing()
    async with app.test_app():
        bodies = await _measure(resources.database, found, number)
        client = app.test_client(use_cookies=False)
        for _ in range(ROUNDS):
            found.indexed += await _send(client, cookie, bodies)
            with _no_index():
                found.bare += await _send(client, cookie, bodies)
    return found


async def _measure(database: Database, found: Writing, number: int) -> Iterable[str]:
    """Note how large everything is; returns the texts of some posts."""
    async with database.reading() as session:
        kind = session.get_bind().dialect.name
        found.index_bytes, found.post_bytes = (await session.execute(text(_SIZES[kind]))).one()
        query = select(Post.body).order_by(Post.id.desc()).limit(number)
        return (await session.scalars(query)).all()


async def _send(client: TestClientProtocol, cookie: str, bodies: Iterable[str]) -> list[float]:
    home = await client.get("/", headers={"Cookie": cookie})
    token = forms.token(await home.get_data(as_text=False))
    visit = "; ".join([cookie, *(c.partition(";")[0] for c in home.headers.getlist("Set-Cookie"))])
    answers = []
    for body in bodies:
        began = time.perf_counter()
        answer = await client.post(
            "/", headers={"Cookie": visit}, form={"csrf_token": token, "post": body}
        )
        answers.append(time.perf_counter() - began)
        if answer.status_code != 302:
            raise RuntimeError(f"a post was refused: {answer.status_code}")
    return answers


@contextmanager
def _no_index() -> Iterator[None]:
    """Write posts that no search will find; only here is there such a thing."""

    async def nothing(*_arguments: object) -> None:
        pass

    kept = index.add
    index.add = nothing
    try:
        yield
    finally:
        index.add = kept
