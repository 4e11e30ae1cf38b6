"""Readers without sockets: what the hub hands them is kept in a list."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from microblog.database import Database
from microblog.domain import events, follows, posts, sessions, users
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.live.audience import Channels
from microblog.live.hub import Hub
from microblog.resources import Resources
from tests.cast import enrol

SECONDS = 15
Frame = dict[str, Any]


class Ear:
    """One reader: every frame that it was given, and how it ended."""

    def __init__(self, hub: Hub, since: int | None) -> None:
        self.hub = hub
        self.since = since
        self.frames: list[Frame] = []
        self.closed: int | None = None
        self._more = asyncio.Condition()

    async def listen(self, actor: Actor, language: str, channels: Channels) -> None:
        self.reader = await self.hub.admit(actor, language, channels)
        self._task = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        async for frame in self.hub.catch_up(self.reader, self.since):
            await self._note(json.loads(frame))
        box = self.reader.outbox
        while box.close_code is None:
            if frame := await box.get(60):
                await self._note(json.loads(frame))
        self.closed = box.close_code
        async with self._more:
            self._more.notify_all()

    async def _note(self, frame: Frame | None) -> None:
        async with self._more:
            if frame:
                self.frames.append(frame)
            self._more.notify_all()

    async def live(self) -> "Ear":
        """Wait until everything that was missed has been caught up with."""
        async with asyncio.timeout(SECONDS):
            while not self.reader.live and self.closed is None:
                await asyncio.sleep(0.005)
        return self

    async def until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds), self._more:
                await self._more.wait_for(condition)
        except TimeoutError:
            raise AssertionError((self.frames[-5:], len(self.frames), self.closed)) from None

    async def hear(self, number: int, seconds: float = SECONDS) -> list[Frame]:
        """Wait for that many frames in all."""
        await self.until(lambda: len(self.frames) >= number, seconds)
        return self.frames

    async def hear_post(self, post_id: int, seconds: float = SECONDS) -> None:
        await self.until(lambda: post_id in self.posts, seconds)

    async def hear_end(self, seconds: float = SECONDS) -> int:
        await self.until(lambda: self.closed is not None, seconds)
        assert self.closed is not None
        return self.closed

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames]

    @property
    def posts(self) -> list[int]:
        """Ids of the posts that were announced."""
        return [f["post"]["id"] for f in self.frames if f["type"] == "post.created"]

    async def leave(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self.hub.leave(self.reader)


@dataclass
class Town:
    """People with accounts, their logins, and what they do; all through the domain."""

    resources: Resources
    people: dict[str, Actor]
    ears: list[Ear]

    @classmethod
    @asynccontextmanager
    async def founded(cls, resources: Resources) -> AsyncIterator["Town"]:
        names = ("susan", "john", "mary", "david")
        people = {name: await enrol(resources, name, "no password fits") for name in names}
        town = cls(resources, people, [])
        yield town
        for ear in town.ears:
            await ear.leave()

    @property
    def hub(self) -> Hub:
        return self.resources.hub

    @property
    def database(self) -> Database:
        return self.resources.database

    async def log_in(self, name: str) -> Actor:
        async with self.database.begin() as session:
            token = await sessions.begin(
                session, self.people[name].id, remembered=False, device="", lifetimes=Lifetimes()
            )
        async with self.database.reading() as session:
            actor = await sessions.find_actor(session, token, lifetimes=Lifetimes())
        assert actor is not None
        return actor

    async def listen(
        self,
        name: str,
        *channels: str,
        since: int | None = None,
        language: str = "en",
        actor: Actor | None = None,
    ) -> Ear:
        """A new socket of this person; on ``home`` unless channels are named."""
        ear = Ear(self.hub, since)
        actor = actor or await self.log_in(name)
        await ear.listen(actor, language, self.channels(channels or ("home",)))
        self.ears.append(ear)
        return ear

    def channels(self, names: Iterable[str]) -> Channels:
        profiles = {self.people[name.partition(":")[2]].id: name for name in names if ":" in name}
        return Channels(home="home" in names, explore="explore" in names, profiles=profiles)

    async def post(self, name: str, body: str = "hello", database: Database | None = None) -> int:
        async with (database or self.database).begin() as session:
            return (await posts.publish(session, self.people[name], body, length=500)).id

    async def edit(self, name: str, post_id: int, body: str) -> None:
        async with self.database.begin() as session:
            await posts.edit(session, self.people[name], post_id, body, length=500)

    async def remove(self, name: str, post_id: int) -> None:
        async with self.database.begin() as session:
            await posts.remove(session, self.people[name], post_id)

    async def follow(self, name: str, whom: str, database: Database | None = None) -> None:
        async with (database or self.database).begin() as session:
            user = await users.by_id(session, self.people[whom].id)
            await follows.follow(session, self.people[name], user)

    async def unfollow(self, name: str, whom: str) -> None:
        async with self.database.begin() as session:
            user = await users.by_id(session, self.people[whom].id)
            await follows.unfollow(session, self.people[name], user)

    async def close(self, name: str) -> None:
        """Delete the account."""
        async with self.database.begin() as session:
            await users.close(session, await users.by_id(session, self.people[name].id))

    async def newest(self) -> int:
        async with self.database.reading() as session:
            return await events.newest(session)

    async def settle(self) -> int:
        """Wait until the hub has dealt with everything there is; returns its position."""
        newest = await self.newest()
        async with asyncio.timeout(SECONDS):
            await self.hub.reach(newest)
        return newest
