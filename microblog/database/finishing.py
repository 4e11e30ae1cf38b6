"""What is begun is finished, whatever becomes of whoever waits for it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end; a cancellation meanwhile goes on only after that.

    A request is cancelled when its client leaves. In the middle of a commit that would leave open
    whether it happened, and wake nobody; while a connection is given back it would be lost.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as told:
            cancelled = told
    if cancelled is None:
        return task.result()
    if (failure := task.exception()) is not None:
        # Whoever was cancelled ends, whatever came of it: a loop that tries again would go on.
        log.warning("failed after whoever waited had left: %s", failure)
    raise cancelled from failure
