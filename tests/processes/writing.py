"""People who never stop writing, and one who reads through a bad line."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from microblog.database import Database
from microblog.models import Post
from microblog.settings import NO_FILE, load
from tests.processes.serving import Member, Server


@dataclass
class Writers:
    """They post as fast as they are answered. Every text is another one.

    ``acknowledged`` are the texts whose redirect has arrived; ``statuses`` counts all answers.
    """

    members: list[Member]
    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    line: str = ""
    _stopping: bool = False

    @classmethod
    @asynccontextmanager
    async def at(cls, server: Server, names: list[str], line: str = "") -> AsyncIterator["Writers"]:
        async with AsyncExitStack() as stack:
            members = [
                await stack.enter_async_context(Member.logged_in(server, name)) for name in names
            ]
            yield cls(members, line=line)

    async def write(self, each: int = 1_000_000) -> None:
        """Until :meth:`stop`, or ``each`` posts by each of them."""
        await asyncio.gather(*(self._write(member, each) for member in self.members))

    async def _write(self, member: Member, each: int) -> None:
        for number in range(each):
            if self._stopping:
                return
            body = f"{self.line}{member.name} {number}"
            try:
                answer = await member.send("/", post=body)
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
                return
            self.statuses[answer.status_code] += 1
            if answer.is_redirect:
                self.acknowledged.append(body)

    def stop(self) -> None:
        self._stopping = True

    async def reach(self, number: int) -> None:
        """Wait until that many posts are acknowledged."""
        while len(self.acknowledged) < number and not self.failures:
            await asyncio.sleep(0.01)


@dataclass
class Traveller:
    """Reads ``explore`` while the line breaks ``breaks`` times, and resumes with the last number."""

    member: Member
    breaks: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    last: int | None = None
    bodies: list[str] = field(default_factory=list)
    repeated: int = 0
    gaps: int = 0
    broken: int = 0

    async def read(self, number: int) -> None:
        """Until that many posts have been seen."""
        while len(self.bodies) < number:
            query = "?channels=explore" + (f"&since={self.last}" if self.last is not None else "")
            with suppress(ConnectionClosed):
                async with self.member.socket(query) as socket:
                    await self._ride(socket, number)

    async def _ride(self, socket, number: int) -> None:
        patience = self.chance.randint(1, 9) if self.broken < self.breaks else number
        hello = json.loads(await socket.recv())
        if self.last is None:
            self.last = hello["seq"]
        while patience and len(self.bodies) < number:
            patience -= self._take(json.loads(await socket.recv()))
        if not patience:
            self.broken += 1
            if self.broken % 2:
                socket.transport.abort()

    def _take(self, frame: dict) -> bool:
        """Whether it was a post that had not been seen."""
        self.gaps += frame["type"] == "gap"
        assert self.last is not None
        if frame["type"] != "post.created":
            return False
        if frame["seq"] <= self.last:
            self.repeated += 1
            return False
        self.last = frame["seq"]
        self.bodies.append(frame["post"]["body"])
        return True


async def written(environment: dict[str, str]) -> Counter[str]:
    """Every text in the database, and how often it is there."""
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)
    async with database.reading() as session:
        found = Counter(await session.scalars(select(Post.body)))
    await database.close()
    return found
