"""The tables as the migrations make them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from microblog.database import Database
from microblog.models import Follow, Post, Session, User, utc_now


async def susan(database: Database) -> int:
    async with database.begin() as session:
        user = User(username="susan", email="susan@example.com")
        session.add(user)
        await session.flush()
        return user.id


def test_text_forms() -> None:
    """M-044."""
    assert repr(User(username="susan")) == "<User susan>"
    assert repr(Post(body="hello")) == "<Post hello>"


async def test_the_indexes_that_pages_read(database: Database) -> None:
    """M-046."""
    async with database._writer.connect() as connection:
        found = await connection.run_sync(
            lambda c: {
                index["name"]: bool(index["unique"])
                for table in ("user", "post")
                for index in inspect(c).get_indexes(table)
            }
        )
    wanted = {"ix_user_username": True, "ix_user_email": True, "ix_post_timestamp_id": False}
    assert found.items() >= (wanted | {"ix_post_user_id_timestamp_id": False}).items()


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("susan", "other@example.com"),
        ("SUSAN", "other@example.com"),
        ("other", "Susan@example.com"),
    ],
)
async def test_names_and_addresses_are_unique_by_law(
    database: Database, name: str, email: str
) -> None:
    """M-045."""
    await susan(database)
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(User(username=name, email=email))


async def test_links_are_unique_and_never_to_oneself(database: Database) -> None:
    """M-086, M-088."""
    number = await susan(database)
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(Follow(follower_id=number, followed_id=number))


async def test_nothing_points_nowhere(database: Database) -> None:
    """Foreign keys hold on every connection, on SQLite too."""
    for row in (
        Post(user_id=999, body="x"),
        Follow(follower_id=998, followed_id=999),
        Session(token_hash="x", user_id=999, expires_at=utc_now()),
    ):
        with pytest.raises(IntegrityError):
            async with database.begin() as session:
                session.add(row)


async def test_times_come_by_themselves_and_in_utc(database: Database) -> None:
    """M-047, M-061."""
    number = await susan(database)
    begun = datetime.now(UTC)
    async with database.begin() as session:
        session.add(Post(user_id=number, body="now"))
        east = datetime(2026, 1, 1, 2, 30, tzinfo=UTC).astimezone()
        session.add(Post(user_id=number, body="then", timestamp=east))
    async with database.reading() as session:
        now, then = await session.scalars(select(Post.timestamp).order_by(Post.id))
    assert begun <= now <= datetime.now(UTC)
    assert now.utcoffset() == then.utcoffset() == timedelta(0)
    assert then == east


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    number = await susan(database)
    with pytest.raises(StatementError, match="without a zone"):
        async with database.begin() as session:
            naive = datetime(2026, 1, 1)
            session.add(Post(user_id=number, body="when", timestamp=naive))
            await session.flush()


async def test_numbers_of_deleted_rows_do_not_come_back(database: Database) -> None:
    """Cursors, events and limits name rows by number."""
    number = await susan(database)
    for table, row in (("post", Post(user_id=number, body="x")), ("user", None)):
        async with database.begin() as session:
            if row is not None:
                session.add(row)
                await session.flush()
                last = row.id
            else:
                last = number
            await session.execute(text(f'DELETE FROM "{table}"'))
        async with database.begin() as session:
            new = Post(user_id=number, body="y") if row else User(username="b", email="b@b.example")
            session.add(new)
            await session.flush()
            assert new.id > last
