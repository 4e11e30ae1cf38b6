"""Accounts, and who is first."""

import asyncio

import pytest
from sqlalchemy import func, select

from microblog.adapters.hasher import Hasher
from microblog.database import Database
from microblog.domain import follows, posts, users
from microblog.domain.actors import Actor
from microblog.domain.errors import EmailTaken, Invalid, NotFound, Refusal, UsernameTaken
from microblog.models import Event, Follow, Post, User


async def register(database: Database, name: str, email: str = "") -> Actor | str:
    try:
        async with database.begin() as session:
            user = await users.register(session, name, email or f"{name}@example.com", "hash")
    except Refusal as refusal:
        return type(refusal).__name__
    return Actor(user.id, user.username)


async def person(database: Database, name: str) -> Actor:
    actor = await register(database, name)
    assert isinstance(actor, Actor)
    return actor


async def test_fifty_registrations_of_one_name(database: Database) -> None:
    """M-040, T-19: one account, 49 clean refusals."""
    names = [
        "".join(c.upper() if n >> i & 1 else c for i, c in enumerate("racing")) for n in range(50)
    ]
    assert len(set(names)) == 50
    found = await asyncio.gather(
        *(register(database, name, f"racer{n}@example.com") for n, name in enumerate(names))
    )
    assert sum(isinstance(one, Actor) for one in found) == 1
    assert found.count("UsernameTaken") == 49
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1


async def test_fifty_registrations_of_one_address(database: Database) -> None:
    """M-040, M-035."""
    found = await asyncio.gather(
        *(register(database, f"racer{n}", "one@example.com") for n in range(50))
    )
    assert sum(isinstance(one, Actor) for one in found) == 1
    assert found.count("EmailTaken") == 49


async def test_twenty_renames_to_one_name(database: Database) -> None:
    """M-069."""
    actors = [await person(database, f"runner{n}") for n in range(20)]

    async def rename(actor: Actor) -> str:
        try:
            async with database.begin() as session:
                await users.edit_profile(
                    session,
                    actor,
                    username="Queen",
                    about_me="",
                    display_name="",
                    about_me_length=500,
                )
        except UsernameTaken:
            return "taken"
        return "renamed"

    answers = await asyncio.gather(*(rename(actor) for actor in actors))
    assert sorted(answers) == ["renamed"] + ["taken"] * 19


async def test_fifty_follows_are_one(database: Database) -> None:
    """M-086, M-091, T-65: one row, one event."""
    john, susan = await person(database, "john"), await person(database, "susan")

    async def follow() -> None:
        async with database.begin() as session:
            await follows.follow(session, john, await users.by_id(session, susan.id))

    await asyncio.gather(*(follow() for _ in range(50)))
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Follow)) == 1
        kinds = select(func.count()).where(Event.kind == "follow.created")
        assert await session.scalar(kinds) == 1


async def test_the_whole_sequence_of_following(database: Database) -> None:
    """M-087, M-092, M-094."""
    john, susan = await person(database, "john"), await person(database, "susan")
    async with database.begin() as session:
        other = await users.by_username(session, "SUSAN")
        assert not await follows.is_following(session, john, other)
        await follows.unfollow(session, john, other)
        await follows.follow(session, john, other)
        assert await follows.is_following(session, john, other)
        assert await follows.followed_ids(session, john.id) == {susan.id}
        assert await follows.followed_ids(session, susan.id) == set()
        profile = await users.profile(session, john, "susan")
        assert (profile.follower_count, profile.following_count) == (1, 0)
        assert profile.is_following
        await follows.unfollow(session, john, other)
        assert not await follows.is_following(session, john, other)
    async with database.reading() as session:
        kinds = list(await session.scalars(select(Event.kind).order_by(Event.id)))
    assert kinds == ["follow.created", "follow.deleted"]


async def test_nobody_follows_themselves(database: Database) -> None:
    """M-088, M-089."""
    susan = await person(database, "susan")
    async with database.begin() as session:
        me = await users.by_id(session, susan.id)
        for verb in (follows.follow, follows.unfollow):
            with pytest.raises(Refusal, match="yourself"):
                await verb(session, susan, me)


async def test_found_by_name_or_address_whatever_the_case(database: Database) -> None:
    """M-018."""
    susan = await register(database, "Susan", "Susan@Example.com")
    assert isinstance(susan, Actor)
    async with database.reading() as session:
        for login in ("susan", "SUSAN", " Susan ", "susan@example.COM"):
            assert (await users.find_credentials(session, login)).user_id == susan.id
        for login in ("", "susa", "susan@example", "@example.com", "%"):
            assert (await users.find_credentials(session, login)).user_id is None
        with pytest.raises(NotFound):
            await users.by_username(session, "nobody")
        with pytest.raises(NotFound):
            await users.by_id(session, 999)


def test_passwords_have_a_least_and_a_longest_length() -> None:
    """T-06."""
    for good in ("x" * 8, "x" * 1024, "é" * 512, "\ud800" * 8, "        "):
        users.check_password(good, username="susan", minimum=8)
    for bad in ("x" * 7, "x" * 1025, "é" * 513, "susansusan"):
        with pytest.raises(Invalid) as refusal:
            users.check_password(bad, username="SusanSusan", minimum=8)
        assert refusal.value.field == "password"


async def test_hashes_are_salted_and_hold_only_for_their_password() -> None:
    """M-041, M-042, M-043."""
    hasher = Hasher(2)
    one, two = await hasher.hash("cat"), await hasher.hash("cat")
    assert "cat" not in one
    assert one != two
    assert len(one) <= 256
    assert await hasher.verify(one, "cat")
    assert not await hasher.verify(one, "dog")
    assert not await hasher.verify(None, "cat")
    assert not await hasher.verify("no hash at all", "cat")
    assert await hasher.verify(await hasher.hash("\ud800"), "\ud800")
    hasher.close()


async def test_a_closed_account_takes_all_that_it_wrote_along(database: Database) -> None:
    susan, john = await person(database, "susan"), await person(database, "john")
    async with database.begin() as session:
        first = await posts.publish(session, susan, "mine", length=500)
        await posts.publish(session, john, "his", length=500)
        await follows.follow(session, john, await users.by_id(session, susan.id))
    async with database.begin() as session:
        await users.close(session, await users.by_id(session, susan.id))
    async with database.reading() as session:
        assert list(await session.scalars(select(Post.body))) == ["his"]
        assert await session.scalar(select(func.count()).select_from(Follow)) == 0
        gone = select(Event.subject_id).where(Event.kind == "post.deleted")
        assert list(await session.scalars(gone)) == [first.id]
    assert await register(database, "susan") not in ("UsernameTaken", "EmailTaken")


async def test_a_taken_name_comes_before_a_taken_address(database: Database) -> None:
    """M-034, M-035: one message at a time."""
    await person(database, "susan")
    assert await register(database, "Susan", "susan@example.com") == UsernameTaken.__name__
    assert await register(database, "other", "SUSAN@example.com") == EmailTaken.__name__
