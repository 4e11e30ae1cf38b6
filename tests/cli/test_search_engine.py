"""`search reindex` where there is a search engine."""

import asyncio
from collections.abc import Iterator

import pytest

from microblog.database import Database
from microblog.domain import posts, users
from microblog.domain.actors import Actor
from microblog.domain.search import outbox
from microblog.settings import Settings
from tests.cli.conftest import Command
from tests.engines import ElasticServer, Index, elasticsearch


@pytest.fixture
def server() -> Iterator[ElasticServer]:
    with elasticsearch() as server:
        yield server


@pytest.fixture
def environment(environment: dict[str, str], server: ElasticServer) -> dict[str, str]:
    server.password = "geheim"
    return {**environment, "ELASTICSEARCH_URL": server.url}


def write(settings: Settings, *bodies: str) -> list[int]:
    """Posts of a service that has no engine yet."""

    async def work() -> list[int]:
        database = Database(settings.database_url, settings.database)
        async with database.begin() as session:
            user = await users.register(session, "susan", "susan@example.com", None)
            actor = Actor(user.id, user.username)
            written = [await posts.publish(session, actor, body, length=500) for body in bodies]
            ids = [post.id for post in written]
        await database.close()
        return ids

    return asyncio.run(work())


def test_an_engine_is_told_everything_anew(
    command: Command, settings: Settings, server: ElasticServer
) -> None:
    """SEA-18: an empty index is filled, what is stale goes, what is gone from the database too."""
    ids = write(settings, "one", "two", "three")
    said = command("search", "reindex").output
    assert "Engine" in said
    assert said.endswith("The index holds 3 posts.\n")
    assert server.posts == dict(zip(ids, ["one", "two", "three"], strict=True))
    (index,) = server.indexes.values()
    index.docs["99"] = index.shown["99"] = {"body": "stale"}
    del index.docs[str(ids[0])]
    server.indexes["somebody-elses"] = Index({}, {})
    command("search", "reindex")
    assert server.posts == dict(zip(ids, ["one", "two", "three"], strict=True))
    assert len(server.indexes) == 2


def test_what_operators_do_is_noted_for_the_next_server(
    command: Command, settings: Settings, server: ElasticServer
) -> None:
    """SEA-13, SEA-16: commands ask nothing of the engine, which may be away."""
    ids = write(settings, "one", "two")
    command("demo", "fill", "--users", "3", "--posts", "30", "--yes")
    command("user", "delete", "susan", "--yes")
    assert server.requests == []

    async def noted() -> set[int]:
        database = Database(settings.database_url, settings.database)
        async with database.reading() as session:
            found = await outbox.oldest(session, limit=100)
        await database.close()
        return set(found.post_ids)

    assert asyncio.run(noted()) >= {*ids, ids[-1] + 1, ids[-1] + 30}
    command("search", "reindex")
    assert len(server.posts) == 30


def test_what_went_wrong_is_one_line(
    command: Command, settings: Settings, server: ElasticServer
) -> None:
    write(settings, "one")
    server.status = 503
    said = command("search", "reindex", status=1)
    assert "Error: elasticsearch: ApiError(503" in said.output
    server.status = 200
    server.product = ""
    assert "not Elasticsearch" in command("search", "reindex", status=1).output
    server.stop()
    assert "Error: elasticsearch: Connection error" in command("search", "reindex", status=1).output
    assert "geheim" not in command("config", "check").output
    assert "elastic:***@127.0.0.1" in command("config", "check").output
