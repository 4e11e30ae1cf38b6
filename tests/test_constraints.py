"""What the database itself refuses, whatever the program thinks."""

import pytest
from sqlalchemy.exc import IntegrityError

from microblog.database import Database
from microblog.models import Follow, Post, User, utc_now


def account(name: str, email: str) -> User:
    return User(username=name, email=email)


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("susan", "other@example.com"),
        ("SUSAN", "other@example.com"),
        ("other", "susan@example.com"),
        ("other", "Susan@Example.com"),
    ],
)
async def test_a_second_account_of_that_name_or_address(
    database: Database, name: str, email: str
) -> None:
    async with database.begin() as session:
        session.add(account("susan", "susan@example.com"))
    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(account(name, email))


async def test_rows_that_cannot_be(database: Database) -> None:
    async with database.begin() as session:
        session.add(account("susan", "susan@example.com"))
    impossible = (
        Follow(follower_id=1, followed_id=1),
        Follow(follower_id=1, followed_id=99),
        Post(user_id=99, body="nobody's"),
    )
    for row in impossible:
        with pytest.raises(IntegrityError):
            async with database.begin() as session:
                session.add(row)


async def test_a_post_gets_its_time(database: Database) -> None:
    before = utc_now()
    async with database.begin() as session:
        session.add(account("susan", "susan@example.com"))
        await session.flush()
        session.add(Post(user_id=1, body="hello"))
    async with database.reading() as session:
        post = await session.get_one(Post, 1)
    assert before <= post.timestamp <= utc_now()
    assert post.timestamp.tzinfo is not None
    assert repr(post) == "<Post hello>"
    assert repr(account("susan", "s@example.com")) == "<User susan>"
