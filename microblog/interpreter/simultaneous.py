"""Posts translated as they arrive, for readers who want that. Nobody waits for it."""

import asyncio
import logging
from contextlib import suppress

from microblog.adapters.translator import Untranslated
from microblog.database import UNAVAILABLE, Database
from microblog.domain import translations
from microblog.domain.errors import NotFound
from microblog.domain.posts import PostView
from microblog.interpreter.asking import Interpreter
from microblog.interpreter.paying import Payer
from microblog.keeping import Beat, Service

log = logging.getLogger(__name__)

_AT_ONCE = 3
_MOST_WAITING = 200
# The rest of the day's budget is for those who ask themselves.
SHARE = 0.5
_NOBODY = Payer(share=SHARE)


class Simultaneous:
    """Takes posts from the hub of this process, and tells all hubs what they say elsewhere."""

    def __init__(self, database: Database, interpreter: Interpreter) -> None:
        """Tie the parts together; :meth:`start` sets them going."""
        self._database = database
        self._interpreter = interpreter
        self._waiting: asyncio.Queue[tuple[PostView, str]] = asyncio.Queue(_MOST_WAITING)
        self._services = [
            Service(f"interpreter {number}", self._work) for number in range(_AT_ONCE)
        ]

    def start(self) -> None:
        """Begin to work on what :meth:`hear` takes."""
        for service in self._services:
            service.start()

    async def stop(self) -> None:
        """Drop what is waiting; readers can still ask for it."""
        for service in self._services:
            await service.stop()

    def hear(self, post: PostView, languages: frozenset[str]) -> None:
        """Take a post; in times when more is written than can be translated, leave it."""
        if self._interpreter.is_off:
            return
        with suppress(asyncio.QueueFull):
            for told in sorted({self._interpreter.told(language) for language in languages}):
                self._waiting.put_nowait((post, told))

    async def _work(self, _beat: Beat) -> None:
        while True:
            post, language = await self._waiting.get()
            try:
                await self._interpret(post, language)
            except (Untranslated, NotFound):
                pass  # the page offers to try again
            except UNAVAILABLE as error:
                log.warning("post %d was not translated: %s", post.id, error)
            except Exception:
                log.exception("post %d was not translated", post.id)

    async def _interpret(self, post: PostView, language: str) -> None:
        await self._interpreter.ask(post, language, _NOBODY)
        async with self._database.begin() as session:
            await translations.announce(session, post, language)
