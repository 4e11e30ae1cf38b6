"""One question for each post and language, whoever asks, in whichever process.

Within a process those who want the same wait for the same flight; between processes a row says
that somebody is asking (see :mod:`microblog.domain.translations`). No connection to the database is
held while the service thinks. Languages are told apart as the service does it: what is one to it is
asked for once.
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.translator import Guarded, NoTranslator, Untranslated
from microblog.database import UNAVAILABLE, Database
from microblog.domain import translations
from microblog.domain.errors import TooManyRequests
from microblog.domain.posts import PostView
from microblog.domain.translations import Asking, Translation
from microblog.interpreter.paying import Payer
from microblog.logs import Seldom

log = logging.getLogger(__name__)

# How often one looks whether another process has got its answer, and for how long: a call is over
# by then, so the other one is gone.
_LOOK_SECONDS = 0.1
_WAITING_SECONDS = 6.0
# Waiting for another process, for a turn and for the service.
_FLIGHT_SECONDS = 25.0
_LANDING_SECONDS = 2.0
_ANYBODY = Payer()

_Flight = asyncio.Task[Translation]


class BudgetSpent(Untranslated):
    """The day's budget is used up, as far as it is there for this."""


class Interpreter:
    """Translations of posts, which are kept, and of other texts, which are not."""

    def __init__(self, database: Database, translator: Guarded, *, budget: int) -> None:
        """Take whom to ask, and how many characters may be sent on one day (UTC)."""
        self._database = database
        self.translator = translator
        self.budget = budget
        self._seldom = Seldom(log)
        self._flights: dict[tuple[str, str], _Flight] = {}
        self._closing = False

    @property
    def is_off(self) -> bool:
        """Whether there is nobody to ask."""
        return self.translator.name == "off"

    def told(self, language: str) -> str:
        """The name under which translations into a language are kept."""
        return self.translator.told(language)

    async def find(self, post: PostView, language: str) -> Translation | None:
        """The translation, if it is kept already."""
        async with self._database.reading() as session:
            found = await translations.find(session, post, self.told(language))
        return found if isinstance(found, Translation) else None

    async def ask(self, post: PostView, language: str, payer: Payer = _ANYBODY) -> Translation:
        """The translation, kept or new. Raises :class:`Untranslated`, :class:`NotFound`.

        Whoever causes a call pays for it: if they may have no more, they get
        :class:`TooManyRequests` or :class:`BudgetSpent`. Whoever only waits along does not.
        """
        told = self.told(language)
        key = f"{post.id} {translations.digest(post)}", told
        while True:
            flight = self._flights.get(key)
            is_mine = flight is None
            if flight is None:
                flight = self._take_off(key, self._fly(post, told, payer))
            try:
                # Who goes away does not take along what the others wait for.
                return await asyncio.shield(flight)
            except (TooManyRequests, BudgetSpent):
                if is_mine:
                    raise

    def _take_off(self, key: tuple[str, str], flying: Coroutine[Any, Any, Translation]) -> _Flight:
        flight = self._flights[key] = asyncio.create_task(flying, name="translation")
        flight.add_done_callback(lambda ended: self._land(key, ended))
        return flight

    async def say(self, text: str, *, source: str, target: str, payer: Payer = _ANYBODY) -> str:
        """A text that is nobody's post. Raises as :meth:`ask` does."""
        self._insist_on_service()
        async with self.translator.turn():
            async with self._database.begin() as session:
                await self._pay(session, text, payer)
            try:
                return await self.translator.translate(text, source=source, target=target)
            except Untranslated as error:
                async with self._database.begin() as session:
                    await payer.pay_back(session, text, error)
                raise

    async def spent_today(self) -> int:
        """How many characters were sent today, by all processes."""
        async with self._database.reading() as session:
            return await translations.spent_today(session)

    async def close(self) -> None:
        """Give up what is under way; the service must be out of reach by now."""
        self._closing = True
        flights = list(self._flights.values())
        # In the middle of a statement a flight is let land: cancelled there, a connection is lost.
        if flights:
            await asyncio.wait(flights, timeout=_LANDING_SECONDS)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _land(self, key: tuple[str, str], flight: _Flight) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at, also where everybody has gone away

    async def _fly(self, post: PostView, language: str, payer: Payer) -> Translation:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLIGHT_SECONDS):
                return await self._wait_or_ask(post, language, payer)
        raise Untranslated

    async def _wait_or_ask(self, post: PostView, language: str, payer: Payer) -> Translation:
        loop, waiting_until = asyncio.get_running_loop(), 0.0
        while not self._closing:
            async with self._database.reading() as session:
                found = await translations.find(session, post, language)
            if isinstance(found, Translation):
                return found
            if isinstance(found, Asking) and not found.is_late:
                waiting_until = waiting_until or loop.time() + _WAITING_SECONDS
                if loop.time() > waiting_until:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
            elif found is None and waiting_until:
                break  # the other one was told nothing, and has said so
            elif answer := await self._ask_in_turn(post, language, payer):
                return answer
        raise Untranslated

    async def _ask_in_turn(self, post: PostView, language: str, payer: Payer) -> Translation | None:
        """Ask, unless somebody else is asking or has asked by the time that it is one's turn."""
        self._insist_on_service()
        async with self.translator.turn():
            async with self._database.begin() as session:
                ticket = await translations.take_ticket(
                    session, post, language, provider=self.translator.name
                )
                if ticket is None:
                    return None
                await self._pay(session, post.body, payer)
            return await self._ask_now(post, language, ticket, payer)

    async def _ask_now(
        self, post: PostView, language: str, ticket: str, payer: Payer
    ) -> Translation:
        try:
            body = await self.translator.translate(
                post.body, source=post.language or "", target=language
            )
        except Untranslated as error:
            async with self._database.begin() as session:
                await translations.hand_back(session, ticket, post, language)
                await payer.pay_back(session, post.body, error)
            raise
        try:
            async with self._database.begin() as session:
                await translations.keep(session, ticket, post, language, body)
        except UNAVAILABLE as error:
            log.warning("a translation was not kept: %s", error)
        return Translation(body, self.translator.name)

    def _insist_on_service(self) -> None:
        if self.is_off:
            raise NoTranslator

    async def _pay(self, session: AsyncSession, text: str, payer: Payer) -> None:
        if not await payer.pay(session, text, budget=self.budget):
            most = int(self.budget * payer.share)
            self._seldom.warning("not translated: today's %d characters are used up", most)
            raise BudgetSpent
