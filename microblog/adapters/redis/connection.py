"""How Redis is reached: by its own client, on our terms, without waiting for it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from microblog.adapters.redis.promise import RedisDown
from microblog.keeping import Beat
from microblog.logs import Seldom

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.5
# So long nothing may come on a subscription before it has to show that it is still there.
SILENCE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_MOST_CONNECTIONS = 16
_TROUBLES = (RedisError, OSError, TimeoutError)


class Connection:
    """One client, and what is known of the other side: a loss is one line in the log."""

    def __init__(self, url: str) -> None:
        """Take the address, with user, password and number of the database if it has them."""
        self.trouble = "not connected yet"
        self._is_lost = False
        self._seldom = Seldom(log)
        self._scripts: dict[str, Any] = {}
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_MOST_CONNECTIONS,
            timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            # Who waits for another try waits for a page.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            decode_responses=True,
            client_name="microblog",
        )
        self._client = Redis(connection_pool=pool)

    async def listen(self, channel: str, heard: Callable[[], None], beat: Beat) -> None:
        """Subscribe; with a second's delay at most, notice also what happens beside it."""
        subscription = self._client.pubsub()
        try:
            with self._noticing():
                await subscription.subscribe(channel)
                await self._hear(subscription, heard, beat)
        finally:
            await subscription.aclose()  # type: ignore[no-untyped-call]  # of the client

    async def _hear(self, subscription: Any, heard: Callable[[], None], beat: Beat) -> None:
        heard_at, asked = time.monotonic(), False
        while True:
            beat()
            message = await subscription.get_message(timeout=_LOOK_SECONDS)
            silence = time.monotonic() - heard_at
            if message is not None:
                heard_at, asked = time.monotonic(), False
                self._found()
                if message["type"] in {"subscribe", "message"}:
                    heard()
            elif asked and silence > SILENCE_SECONDS + _LOOK_SECONDS:
                raise TimeoutError("no answer on the subscription")
            elif not asked and silence > SILENCE_SECONDS:
                await subscription.ping()
                asked = True
            elif self.trouble and await self.is_back():
                self._found()

    async def publish(self, channel: str) -> None:
        """Send an empty message, whatever is known of the other side."""
        with self._noticing():
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.publish(channel, "")

    async def evaluate(
        self, script: str, keys: Sequence[str], values: Sequence[float]
    ) -> list[str]:
        """Run a script there, unless Redis is known to be away."""
        if self.trouble:
            raise RedisDown
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        with self._noticing():
            async with asyncio.timeout(ANSWER_SECONDS):
                answer: list[str] = await self._scripts[script](keys, values)
        return answer

    async def is_back(self) -> bool:
        """Ask whether it answers."""
        try:
            with self._noticing():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._client.ping()
        except RedisDown:
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose(close_connection_pool=True)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except ResponseError as error:
            # It is there, but does not do this one thing.
            self._seldom.warning("Redis refuses; going on without it: %s", error)
            raise RedisDown from error
        except _TROUBLES as error:
            self._lost(error)
            raise RedisDown from error

    def _found(self) -> None:
        if self._is_lost:
            log.info("Redis answers again")
        self.trouble, self._is_lost = "", False

    def _lost(self, error: Exception) -> None:
        if not self._is_lost:
            self._seldom.warning(
                "Redis does not answer; going on without it: %s", str(error) or type(error).__name__
            )
        self.trouble, self._is_lost = type(error).__name__, True
