"""The gate before what is kept: whoever has passed it sees all that was committed before.

It does not wait for the hub, which has more to do with an event than to know that it happened, and
may be ill: it looks at the end of the log itself, and tells memory what stands there.
"""

import asyncio
import logging
import math
import sys
import time
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from microblog.adapters.lookout import Blind, Lookout
from microblog.live import topics
from microblog.live.kept import Kept

log = logging.getLogger(__name__)

# Of more than these memory forgets all at once.
_MOST = 500
# Where somebody has looked so shortly before, many ask, and those of one turn share a look. Whoever
# asks alone does not wait for that: the database works while other things have their turn here.
_LATELY_SECONDS = 0.003


class Gate:
    """One for each process."""

    def __init__(self, lookout: Lookout, kept: Kept) -> None:
        """Look with ``lookout``, and tell ``kept``."""
        self._lookout = lookout
        self._kept = kept
        self._next: asyncio.Future[bool] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = -math.inf

    async def pass_through(self) -> bool:
        """Return when memory knows of every event that was committed before this call.

        False, within seconds, if that cannot be known: then only the database knows.
        """
        if self._lookout.is_immediate:
            return await self._look()
        # A look that is under way may have missed what was committed since it was sent.
        waiting = self._next
        if waiting is None:
            waiting = self._next = asyncio.get_running_loop().create_future()
            if self._looking is None or self._looking.done():
                is_busy = time.monotonic() - self._looked_at < _LATELY_SECONDS
                self._looking = _begin(self._look_on(), at_once=not is_busy)
        return await asyncio.shield(waiting)

    async def _look_on(self) -> None:
        """Look until nobody waits."""
        try:
            while self._next is not None:
                waiting, self._next = self._next, None
                is_known = False
                try:
                    is_known = await self._look()
                finally:
                    self._looked_at = time.monotonic()
                    waiting.set_result(is_known)
        finally:
            if self._next is not None:
                self._next.set_result(False)
                self._next = None

    async def _look(self) -> bool:
        position = self._kept.position
        try:
            facts = await self._lookout.look(position, _MOST)
        except Blind:
            return False
        except Exception:
            log.exception("the end of the log could not be looked at")
            return False
        if not facts:
            return True
        newest = facts[0].id
        # Too many to look at, or some are missing: swept away already, or never committed.
        if newest - position != len(facts):
            self._kept.forget(newest)
            return True
        for fact in reversed(facts):
            self._kept.tell(fact.id, topics.touched(fact.kind, fact.actor_id, fact.subject_id))
        return True

    async def close(self) -> None:
        """End the look that is under way, and let go of the connection."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        await self._lookout.close()


def _begin(looking: Coroutine[Any, Any, None], *, at_once: bool) -> "asyncio.Task[None]":
    """Begin to look, ``at_once`` where Python knows how: before anybody else has a turn.

    The connection lasts, and must not hold the request in which it was opened.
    """
    if at_once and sys.version_info >= (3, 12):
        loop = asyncio.get_running_loop()
        return asyncio.Task(looking, loop=loop, name="gate", context=Context(), eager_start=True)
    return asyncio.create_task(looking, name="gate", context=Context())
