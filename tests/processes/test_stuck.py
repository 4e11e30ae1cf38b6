"""Somebody who opens a socket and never reads from it: the others do not notice."""

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from microblog.database import Database
from microblog.domain import posts
from microblog.domain.actors import Actor
from microblog.models import User
from microblog.settings import NO_FILE, load
from tests.processes.conftest import Start
from tests.processes.serving import Member, Server, people

POSTS = 300
AT_ONCE = 20
TEXT = "x" * 450


def _narrow(server: Server) -> socket.socket:
    """A connection that takes little in before somebody reads."""
    address = urlsplit(server.url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.connect((address.hostname, address.port))
    return line


async def _write(environment: dict[str, str]) -> None:
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)
    try:
        async with database.reading() as session:
            mary = (await session.scalars(select(User.id).where(User.username == "mary"))).one()
        for _ in range(POSTS // AT_ONCE):
            async with database.begin() as session:
                for _ in range(AT_ONCE):
                    await posts.publish(session, Actor(mary, "mary"), TEXT, length=500)
    finally:
        await database.close()


async def _all(line: Any, number: int) -> list[dict[str, Any]]:
    """So many frames after the greeting."""
    found = [json.loads(await line.recv()) for _ in range(number + 1)]
    return [frame for frame in found if frame["type"] not in ("hello", "heartbeat")]


async def test_the_others_miss_nothing_and_it_is_ended(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    await people(environment, password_hash, "susan", "john", "mary")
    server = await start(workers=1)
    async with Member.logged_in(server, "susan") as susan, Member.logged_in(server, "john") as john:
        stuck = susan.socket("?channels=explore", sock=_narrow(server), max_queue=1)
        async with stuck as silent, john.socket("?channels=explore") as heard:
            hearing = asyncio.create_task(_all(heard, POSTS))
            await _write(environment)
            frames = await asyncio.wait_for(hearing, 60)
            assert [frame["type"] for frame in frames] == ["post.created"] * POSTS
            # What the other reads now is in order; and then it is told to come again.
            said: list[dict[str, Any]] = []
            with pytest.raises(ConnectionClosed) as ended:
                async with asyncio.timeout(60):
                    while True:
                        said.append(json.loads(await silent.recv()))
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1013
    numbers = [frame["seq"] for frame in said if frame["type"] not in ("hello", "heartbeat")]
    assert numbers == sorted(set(numbers))
    assert len(said) < POSTS
    assert "Traceback" not in server.log, server.log
