"""Nothing half-written: what one transaction makes is all there, or nothing of it is."""

import sqlite3

from sqlalchemy import select, text

from microblog.database import Database
from microblog.domain import events
from microblog.models import Event, Post


async def assert_whole(database: Database) -> None:
    """Every post has its event and its words in the index, and neither is there without a post."""
    async with database.reading() as session:
        posts = sorted(await session.scalars(select(Post.id)))
        told = select(Event.subject_id).where(Event.kind == events.POST_CREATED)
        assert sorted(await session.scalars(told)) == posts
        key = "rowid" if database.is_sqlite else "post_id"
        indexed = await session.scalars(text(f"SELECT {key} FROM post_search"))
        assert sorted(indexed) == posts
    if database.is_sqlite:
        file = sqlite3.connect(database.url.database or "")
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        file.close()
