"""What is begun is finished, whatever becomes of whoever waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()  # its own failure comes first: somebody should hear of it
    if cancelled is not None:
        raise cancelled
    return result
