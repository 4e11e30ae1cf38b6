"""A house whose lists of posts are read: who lives there, what they say and what they bring back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from microblog.database import Database
from microblog.domain import follows, posts, timeline, users
from microblog.domain.actors import Actor
from microblog.domain.paging import Place, Slice
from microblog.domain.posts import PostView
from microblog.models import Post

WRITERS = ("susan", "john", "mary", "david")
FOLLOWS = (("susan", "john"), ("susan", "mary"), ("olga", "pavel"))


@dataclass
class House:
    """susan follows john and mary, and not david; olga follows pavel, and neither says a word."""

    database: Database
    people: dict[str, Actor]

    @classmethod
    async def opened(cls, database: Database) -> "House":
        async with database.begin() as session:
            found = {
                name: await users.register(session, name, f"{name}@example.com", "hash")
                for name in (*WRITERS, "olga", "pavel")
            }
            people = {name: Actor(user.id, name) for name, user in found.items()}
            for follower, followed in FOLLOWS:
                await follows.follow(session, people[follower], found[followed])
        return cls(database, people)

    async def publish(self, name: str = "john") -> PostView:
        async with self.database.begin() as session:
            post = await posts.publish(session, self.people[name], "today", length=500)
            return await posts.by_id(session, post.id)

    async def bring_back(self, at: datetime, name: str = "john") -> PostView:
        """A post with a new id and the date that it had, as an archive brings it."""
        async with self.database.begin() as session:
            post = Post(user_id=self.people[name].id, body="once", timestamp=at)
            session.add(post)
            await session.flush()
            return await posts.by_id(session, post.id)

    async def bring_back_many(self, moments: list[datetime]) -> None:
        """Posts of john, mary and david in turn."""
        authors = [self.people[name].id for name in WRITERS[1:]]
        async with self.database.begin() as session:
            rows = [
                {"user_id": authors[number % 3], "body": "once " * 80, "timestamp": moment}
                for number, moment in enumerate(moments)
            ]
            await session.execute(insert(Post), rows)

    async def remove(self, post: PostView) -> None:
        async with self.database.begin() as session:
            author = Actor(post.author_id, post.author_username)
            await posts.remove(session, author, post.id)

    async def page(self, which: str, place: Place, size: int = 7) -> Slice[PostView]:
        """A page of a home ("susan's home"), of somebody's own posts ("john"), or of "explore"."""
        name, _, home = which.partition("'s ")
        async with self.database.reading() as session:
            if which == "explore":
                return await timeline.explore(session, place, size=size)
            if home:
                return await timeline.home(session, self.people[name], place, size=size)
            return await timeline.by_author(session, self.people[name].id, place, size=size)
