"""Password hashing: argon2id, in threads of its own, so that the loop never waits for it."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from microblog.domain.errors import Busy

Result = TypeVar("Result")

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB of memory, 2 passes, 1 lane.
_ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Hasher:
    """A bounded pool: ``workers`` hashes at once, ``waiting`` in line, then :class:`Busy`."""

    def __init__(self, workers: int = 2, waiting: int = 200) -> None:
        """Start no thread yet; the pool makes them when they are needed."""
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hash", initializer=_give_way)
        self._places = workers + waiting
        self._taken = 0

    async def hash(self, password: str) -> str:
        """A salted hash of the password, about 100 characters."""
        return await self._run(_hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; ``None`` is never right and takes just as long."""
        if password_hash is None:
            # Names that nobody has take as long as names that somebody has.
            await self._run(_hash, password)
            return False
        return await self._run(_verify, password_hash, password)

    def close(self) -> None:
        """Let the threads go; what waits in line is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., Result], *arguments: str) -> Result:
        if self._taken >= self._places:
            raise Busy
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)
        finally:
            self._taken -= 1


def _give_way() -> None:
    """Let the loop go first where processors are few: on Linux each thread has its own niceness."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _hash(password: str) -> str:
    return _ARGON2.hash(_bytes(password))


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _ARGON2.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    # Whatever was typed is a password, even what is no text.
    return password.encode("utf-8", "surrogatepass")
