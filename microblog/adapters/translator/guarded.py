"""Any translator, kept at a distance: left alone while it fails, and never quite believed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from microblog.adapters import outgoing
from microblog.adapters.translator.breaker import Breaker
from microblog.adapters.translator.promise import Declined, Outage, Translator, Untranslated
from microblog.domain import text
from microblog.domain.errors import Invalid
from microblog.logs import Seldom

log = logging.getLogger(__name__)

TURN_SECONDS = 10.0

# For the log; names, so that nobody takes them for words that readers see.
_NO_TEXT = "an answer that is no text of ours"
_LEFT_ALONE = "it is left alone for a while"


class Guarded:
    """A translator behind a breaker, whose answers are texts as people may write them."""

    def __init__(self, translator: Translator, breaker: Breaker | None = None) -> None:
        """Begin with a closed breaker."""
        self._translator = translator
        self._turns = asyncio.Semaphore(outgoing.MOST_AT_ONCE)
        self._seldom = Seldom(log)
        self.breaker = breaker or Breaker()
        self.name = translator.name

    def told(self, language: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        return self._translator.told(language)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one of the few turns to ask. Raises :class:`Untranslated` if none comes in time.

        To be taken before anything is spent, and before any deadline runs: who waits here for
        others tells nothing about the service.
        """
        self._insist()
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Untranslated from error
        try:
            self._insist()
            yield
        finally:
            self._turns.release()

    async def translate(self, body: str, *, source: str, target: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        attempt = self.breaker.admit()
        if attempt is None:
            raise _resting()
        try:
            answer = await self._translator.translate(body, source=source, target=target)
        except Outage as outage:
            self.breaker.fail(attempt)
            log.warning(
                "%s did not translate: %s (breaker %s)",
                self.name,
                outage.reason,
                self.breaker.state,
            )
            raise
        except Untranslated as refusal:
            self.breaker.succeed(attempt)
            self._tell(refusal)
            raise
        except BaseException:
            self.breaker.abandon(attempt)
            raise
        self.breaker.succeed(attempt)
        return self._believable(answer, body)

    def _insist(self) -> None:
        if not self.breaker.is_passable:
            raise _resting()

    def _believable(self, answer: str, asked: str) -> str:
        """The answer as a text of ours. Raises :class:`Declined` for what cannot be one."""
        try:
            return text.clean(answer, minimum=1, maximum=4 * len(asked) + 200)
        except Invalid as error:
            refusal = Declined(reason=_NO_TEXT, billed=True)
            self._tell(refusal)
            raise refusal from error

    def _tell(self, refusal: Untranslated) -> None:
        # Whoever asks can bring this about, as often as they like.
        if refusal.reason:
            self._seldom.warning("%s did not translate a text: %s", self.name, refusal.reason)


def _resting() -> Outage:
    return Outage(reason=_LEFT_ALONE)
