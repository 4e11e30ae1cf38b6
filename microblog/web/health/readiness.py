"""Whether this process can serve: what has to be asked of others, asked once for all who ask."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from microblog import migrations
from microblog.database import UNAVAILABLE
from microblog.domain import users
from microblog.resources import Resources

log = logging.getLogger(__name__)

# Anybody may ask, as often as they like: an answer is good for so many seconds.
KEPT_SECONDS = 1.0
_PATIENCE = 3.0

Check = Callable[[], Awaitable[str]]


class Readiness:
    """The checks of one process. Each is a text that begins with `ok` when it is well."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._asked: dict[str, Check] = {
            "database": self._database,
            "migrations": self._migrations,
            "bus": self._bus,
        }
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._found: dict[str, str] = {}
        self._found_at = -math.inf

    async def checks(self) -> dict[str, str]:
        """All of them by name; of those that cost something maybe as they were a moment ago."""
        if time.monotonic() - self._found_at >= KEPT_SECONDS:
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(), name="readiness")
            # Who hangs up takes nothing away from the others.
            await asyncio.shield(self._asking)
        services = self._resources.services.items()
        return self._found | {name: service.health for name, service in services}

    async def _ask(self) -> dict[str, str]:
        began = time.monotonic()
        try:
            texts = await asyncio.gather(*map(_told, self._asked.values()))
            self._found = dict(zip(self._asked, texts, strict=True))
            self._found_at = began
        finally:
            self._asking = None
        return self._found

    async def _database(self) -> str:
        async with self._resources.database.reading() as session:
            await users.any_exists(session)
        return "ok"

    async def _migrations(self) -> str:
        async with self._resources.database.reading() as session:
            current = await migrations.current(session)
        newest = migrations.newest()
        return f"ok, at {current}" if current == newest else f"at {current}, newest is {newest}"

    async def _bus(self) -> str:
        trouble = await self._resources.roundtrip.ping()
        return f"ok, {trouble}" if trouble else "ok"


async def _told(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE:.0f} s"
    except Exception as error:
        if not isinstance(error, UNAVAILABLE):
            log.exception("a check failed")
        return f"failed: {type(error).__name__}"
