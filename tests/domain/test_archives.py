"""Archives as rows: whose they are, for how long, and what is swept away with them."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from microblog.adapters.shelf import Shelf, new_name
from microblog.database import Database
from microblog.domain import archives, users
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.models import Archive, utc_now


async def people(database: Database) -> tuple[Actor, Actor]:
    async with database.begin() as session:
        susan = await users.register(session, "susan", "susan@example.com", None)
        john = await users.register(session, "john", "john@example.com", None)
        return Actor(susan.id, "susan"), Actor(john.id, "john")


async def offer(database: Database, actor: Actor, name: str) -> None:
    async with database.begin() as session:
        await archives.offer(session, actor.id, f"task {name}", name, size=9, posts=3, days=7)


async def test_only_its_owner_and_only_for_some_days(database: Database) -> None:
    """T-38, L10: absent, foreign and expired are one answer."""
    susan, john = await people(database)
    await offer(database, susan, "one")
    async with database.reading() as session:
        found = await archives.by_name(session, susan, "one")
        assert (found.size, found.posts) == (9, 3)
        assert found.expires_at - found.created_at == timedelta(days=7)
        for actor, name in ((john, "one"), (susan, "two"), (susan, ""), (susan, "o%")):
            with pytest.raises(NotFound):
                await archives.by_name(session, actor, name)
        assert await archives.of_actor(session, john) == []
    async with database.begin() as session:
        await session.execute(update(Archive).values(expires_at=utc_now()))
    async with database.reading() as session:
        assert await archives.of_actor(session, susan) == []
        with pytest.raises(NotFound):
            await archives.by_name(session, susan, "one")
        assert await archives.names(session) == {"one"}
    async with database.begin() as session:
        await archives.sweep(session)
        assert await archives.names(session) == set()


async def test_an_account_takes_its_archives_along(database: Database) -> None:
    susan, john = await people(database)
    await offer(database, susan, "hers")
    await offer(database, john, "his")
    async with database.begin() as session:
        await session.delete(await users.by_id(session, susan.id))
    async with database.reading() as session:
        assert await archives.names(session) == {"his"}


def test_names_say_nothing() -> None:
    names = {new_name() for _ in range(1000)}
    assert len(names) == 1000
    assert all(len(name) == 48 and name.isalnum() for name in names)


def test_a_shelf_forgets_what_nobody_keeps(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "archives")
    shelf.sweep(set(), timedelta(0))  # not even a folder yet
    for name in ("kept", "left"):
        shelf.begin(name).close()
        assert shelf.publish(name) == 0
    shelf.begin("draft").close()
    shelf.sweep({"kept"}, timedelta(hours=1))
    assert {path.name for path in shelf.folder().iterdir()} == {
        "kept.zip",
        "left.zip",
        "draft.part",
    }
    shelf.sweep({"kept"}, timedelta(seconds=-1))
    assert {path.name for path in shelf.folder().iterdir()} == {"kept.zip"}
