"""The index follows the posts: in their transaction, in both directions."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from microblog.database import Database
from microblog.domain import posts, restoring, users
from microblog.domain.actors import Actor
from microblog.domain.restoring import Restored
from microblog.domain.search import finding, people
from microblog.domain.search.analysis import document
from microblog.domain.search.query import parse


@pytest.fixture
async def susan(database: Database) -> Actor:
    async with database.begin() as session:
        user = await users.register(session, "susan", "susan@example.com", None)
        return Actor(user.id, user.username)


async def publish(database: Database, actor: Actor, body: str) -> int:
    async with database.begin() as session:
        return (await posts.publish(session, actor, body, length=500)).id


async def found(database: Database, typed: str) -> tuple[int, ...]:
    async with database.reading() as session:
        return (await finding.find(session, parse(typed))).post_ids


async def kept(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(text("SELECT count(*) FROM post_search")) or 0


async def test_published_changed_taken_back(database: Database, susan: Actor) -> None:
    """SEA-11, SEA-12, SEA-13."""
    number = await publish(database, susan, "first words")
    assert await found(database, "words") == (number,)
    async with database.begin() as session:
        await posts.edit(session, susan, number, "second saying", length=500)
    assert await found(database, "words") == ()
    assert await found(database, "saying") == (number,)
    async with database.begin() as session:
        await posts.remove(session, susan, number)
    assert await found(database, "saying") == ()
    assert await kept(database) == 0


async def test_nothing_of_what_never_was(database: Database, susan: Actor) -> None:
    """SEA-14: rolled back, whole or in part."""
    with pytest.raises(RuntimeError):
        async with database.begin() as session:
            await posts.publish(session, susan, "never said", length=500)
            raise RuntimeError
    number = await publish(database, susan, "said")
    with pytest.raises(RuntimeError):
        async with database.begin() as session:
            await posts.edit(session, susan, number, "changed", length=500)
            await posts.remove(session, susan, number)
            raise RuntimeError
    assert await found(database, "never") == ()
    assert await found(database, "changed") == ()
    assert await found(database, "said") == (number,)
    assert await kept(database) == 1


async def test_flushed_early_or_many_at_once(database: Database, susan: Actor) -> None:
    """SEA-15."""
    async with database.begin() as session:
        for body in ("one early", "two early"):
            post = await posts.publish(session, susan, body, length=500)
            await session.flush()
            # Found by its own transaction already, and by nobody else yet.
            assert post.id in (await finding.find(session, parse("early"))).post_ids
        assert await found(database, "early") == ()
    assert len(await found(database, "early")) == 2


async def test_a_closed_account_leaves_nothing(database: Database, susan: Actor) -> None:
    """SEA-13: all posts of an account at once."""
    async with database.begin() as session:
        john = await users.register(session, "john", "john@example.com", None)
        other = Actor(john.id, john.username)
    for actor in (susan, susan, other):
        await publish(database, actor, "still here")
    async with database.begin() as session:
        await users.close(session, await users.by_id(session, susan.id))
    assert len(await found(database, "here")) == 1
    assert await kept(database) == 1


async def test_a_number_without_a_post_is_left_out(database: Database, susan: Actor) -> None:
    """SEA-17: gone between the search and the reading of it, or left behind in the index."""
    first = await publish(database, susan, "same")
    second = await publish(database, susan, "same")
    async with database.reading() as session:
        ids = (await finding.find(session, parse("same"))).post_ids
        assert ids == (second, first)
        async with database.begin() as other:
            await other.execute(text("DELETE FROM post WHERE id = :id"), {"id": second})
        assert [post.id for post in await finding.read(session, ids)] == [first]
        assert (await finding.find(session, parse("same"))).post_ids == (first,)


async def test_names_are_kept_too(database: Database, susan: Actor) -> None:
    """Whoever changes a name is found by the new one at once."""

    async def named(typed: str) -> list[str]:
        async with database.reading() as session:
            return [person.username for person in await people.find(session, parse(typed))]

    assert await named("sus") == ["susan"]
    async with database.begin() as session:
        await users.edit_profile(
            session,
            susan,
            username="sue",
            display_name="Søren Łódź",
            about_me="",
            about_me_length=500,
        )
    assert await named("susan") == []
    assert await named("soren lodz") == ["sue"]
    # A name typed in full comes before those that begin so.
    async with database.begin() as session:
        await users.register(session, "soren", "soren@example.com", None)
        await users.register(session, "a.soren", "a.soren@example.com", None)
    assert await named("soren") == ["soren", "a.soren", "sue"]
    async with database.begin() as session:
        await session.execute(text("UPDATE \"user\" SET name_terms = ''"))
    assert await named("soren") == []
    async with database.begin() as session:
        renewed = await people.renew(session, above=0, limit=2)
        assert len(renewed) == 2
        assert len(await people.renew(session, above=renewed[-1], limit=2)) == 1
    assert await named("soren") == ["soren", "a.soren", "sue"]


async def test_only_some_of_many_are_ranked(
    database: Database, susan: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-63: a word in every post costs no more than a rare one."""
    monkeypatch.setattr(finding, "MOST_FOUND", 3)
    numbers = [await publish(database, susan, "common word") for _ in range(5)]
    async with database.reading() as session:
        cut = await finding.find(session, parse("common"))
        assert cut.post_ids == tuple(reversed(numbers[2:]))
        assert cut.is_cut


async def test_of_many_those_added_last_are_ranked(
    database: Database, susan: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive's posts have new ids and old dates; a date leads past them to the newer ones."""
    monkeypatch.setattr(finding, "MOST_FOUND", 3)
    for _ in range(4):
        await publish(database, susan, "common word")
    newest = await publish(database, susan, "common word")
    at_noon = datetime(2020, 2, 29, 12, tzinfo=UTC)
    archive = [Restored("common word", at_noon - timedelta(days=n), None, "en") for n in range(5)]
    async with database.begin() as session:
        assert await restoring.restore(session, susan.id, archive) == 5
    async with database.reading() as session:
        cut = await finding.find(session, parse("common"))
        newer = await finding.find(session, parse("common after:2021"))
        unasked = await finding.find(session, parse("from:susan"))
        last_added = await session.execute(
            text(
                "SELECT id FROM (SELECT id, timestamp FROM post ORDER BY id DESC LIMIT 3) AS p"
                " ORDER BY timestamp DESC"
            )
        )
    # The last three of the archive, and of them the newest first.
    assert cut.post_ids == tuple(last_added.scalars())
    assert newest not in cut.post_ids
    assert cut.is_cut
    assert newer.post_ids == (newest, newest - 1, newest - 2)
    # Where no words are asked for, it goes by date.
    assert unasked.post_ids == newer.post_ids


async def test_terms_are_kept_as_they_are(database: Database, susan: Actor) -> None:
    """The engine's own idea of words must not cut ours."""
    body = "#a_b.c @d.e-f_g ünï 🦊 東京 İ"
    await publish(database, susan, body)
    async with database.begin() as session:
        if session.get_bind().dialect.name == "sqlite":
            await session.execute(
                text("CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, post_search, row)")
            )
            held = set(await session.scalars(text("SELECT term FROM temp.seen")))
        else:
            held = set(
                await session.scalars(
                    text("SELECT unnest(tsvector_to_array(vector)) FROM post_search")
                )
            )
    assert held == set(document(body).split())
