"""Servers that are started for a test and gone after it, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.processes.serving import PASSWORD, Server

Start = Callable[..., Awaitable[Server]]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """As small as it gets: guessing is not what these tests are about."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a server on this test's database; it may be asked several times."""
    begun: list[Server] = []

    async def starting(workers: int = 1, port: int = 0, **extra: str) -> Server:
        begun.append(await asyncio.to_thread(Server, environment | extra, tmp_path, workers, port))
        return begun[-1]

    yield starting
    for server in begun:
        server.kill()
