"""Waiting that costs next to nothing while nobody waits.

Every connection of Hypercorn has an event and a queue, and every empty one of asyncio's holds about
a kilobyte for those who may come to wait. Of ten thousand idle sockets, that is most of the memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio.task_group import TaskGroup, _handle
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, Scope

Put = Callable[[Any], Awaitable[None]]


class Waiters:
    """Those who wait for the same thing, all woken at once."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] | None = None

    async def wait(self) -> None:
        future = asyncio.get_running_loop().create_future()
        if self._futures is None:
            self._futures = set()
        self._futures.add(future)
        try:
            await future
        finally:
            if self._futures is not None:
                self._futures.discard(future)
                self._futures = self._futures or None

    def wake(self) -> None:
        woken, self._futures = self._futures, None
        for future in woken or ():
            if not future.done():
                future.set_result(None)


class Flag:
    """Hypercorn's event, whose methods are coroutines all but one."""

    __slots__ = ("_raised", "_waiters")

    def __init__(self) -> None:
        self._raised = False
        self._waiters = Waiters()

    async def clear(self) -> None:
        self._raised = False

    async def set(self) -> None:
        self.up()

    def up(self) -> None:
        self._raised = True
        self._waiters.wake()

    async def wait(self) -> None:
        if not self._raised:
            await self._waiters.wait()

    def is_set(self) -> bool:
        return self._raised


class Mailbox:
    """What the application has yet to receive on one stream: in order, at most `size` at a time."""

    __slots__ = ("_arrival", "_letters", "_room", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._letters: list[Any] = []  # never long
        self._arrival = Waiters()
        self._room = Waiters()

    async def put(self, letter: Any) -> None:
        while len(self._letters) >= self._size:
            await self._room.wait()
        self._letters.append(letter)
        self._arrival.wake()

    async def get(self) -> Any:
        while not self._letters:
            await self._arrival.wait()
        letter = self._letters.pop(0)
        self._room.wake()
        return letter

    def empty(self) -> None:
        """Throw away what is in it."""
        self._letters.clear()
        self._room.wake()


class LeanTaskGroup(TaskGroup):
    """Gives each stream such a box."""

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[Any], Awaitable[None]],
    ) -> Put:
        box = Mailbox(config.max_app_queue_size)
        self.spawn(_handle, app, config, scope, box.get, send, _for_wsgi, _for_wsgi)
        return box.put


def _for_wsgi(*_arguments: object) -> None:
    raise NotImplementedError("applications of the older interface are not served")
